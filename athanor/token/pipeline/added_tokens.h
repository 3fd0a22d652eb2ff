// Added tokens: strings that are looked for in a text before anything else happens to it, and become one id each.
//
//   AddedTokenMatcher matcher;                          // leftmost, then longest; linear time (Aho and Corasick 1975)
//   matcher.add("<|im_end|>", 7);
//   matcher.build();
//   matcher.find(text, 0, match)                        // -> match.begin, match.end, match.index
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace athanor::token {

class AddedTokenMatcher {
 public:
  struct Match {
    size_t begin, end;
    uint32_t index;  // as given to add
  };

  // text is not empty. The first of equal texts wins.
  void add(std::string_view text, uint32_t index);
  void build();  // after the last add

  bool empty() const { return nodes_.size() == 1; }
  // The leftmost match that begins at `from` or later, the longest of those that begin there.
  bool find(std::string_view text, size_t from, Match& match) const;

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};
  struct Node {
    uint32_t fail = 0;      // the longest proper suffix that is a node
    uint32_t depth = 0;
    uint32_t index = kNone;       // of the token that ends here
    uint32_t first_edge = 0, num_edges = 0;
    // The leftmost, then longest token inside the node's text: where it begins, its length and index.
    uint32_t inner_begin = 0, inner_length = 0, inner_index = kNone;
    uint32_t ending = 0;    // the longest suffix node, itself included, where a token ends; 0 for none
  };
  struct Edge {
    uint8_t byte;
    uint32_t node;
  };

  uint32_t child(uint32_t node, uint8_t byte) const;
  size_t skip(std::string_view text, size_t at) const;

  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::vector<Edge> edges_;                       // of each node, by byte
  std::vector<std::vector<Edge>> building_ = std::vector<std::vector<Edge>>(1);
  std::array<bool, 256> starts_{};                // bytes with which a token begins
  int only_start_ = -1;                           // the one such byte, where there is only one
};

}  // namespace athanor::token
