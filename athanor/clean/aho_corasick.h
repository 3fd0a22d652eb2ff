// Many byte strings searched at once, in one pass over the text (Aho and Corasick 1975).
//
//   AhoCorasick lists({"cookie", "cook"});
//   lists.find("cookies", [](size_t begin, size_t end, uint32_t pattern) { ... });   // every occurrence, by its end
//
// Memory: about 20 bytes a node, a node being a different prefix. Read by any number of threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

class AhoCorasick {
 public:
  // Empty patterns are ignored; of equal ones the first one's index is told.
  explicit AhoCorasick(const std::vector<std::string>& patterns);

  bool empty() const { return nodes_.size() == 1; }

  // visit(begin, end, pattern) for every occurrence: by ascending end, at one end the longest first.
  // visit may return false to stop; void goes on.
  template <typename Visit>
  void find(std::string_view text, const Visit& visit) const {
    uint32_t state = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      state = step(state, static_cast<uint8_t>(text[i]));
      for (uint32_t hit = nodes_[state].hit; hit != kNone; hit = nodes_[nodes_[hit].fail].hit) {
        const uint32_t pattern = nodes_[hit].pattern;
        if (!visit(i + 1 - lengths_[pattern], i + 1, pattern)) {
          return;
        }
      }
    }
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Node {
    uint32_t first_edge = 0;
    uint32_t fail = 0;
    uint32_t hit = kNone;      // the nearest node on the way of fails (itself first) that ends a pattern
    uint32_t pattern = kNone;  // that ends here
    uint16_t num_edges = 0;
  };

  uint32_t child(uint32_t state, uint8_t byte) const;
  uint32_t step(uint32_t state, uint8_t byte) const {
    while (state != 0) {
      if (const uint32_t next = child(state, byte); next != kNone) {
        return next;
      }
      state = nodes_[state].fail;
    }
    return root_[byte];
  }
  void build_trie(const std::vector<std::string>& patterns);
  void build_fails();

  std::vector<Node> nodes_;  // breadth first; the root is 0
  std::vector<uint8_t> edge_bytes_;
  std::vector<uint32_t> edge_to_;
  std::array<uint32_t, 256> root_{};
  std::vector<uint32_t> lengths_;
};

}  // namespace athanor
