// BPE of long pieces in linear time, without merging: the ids of a text are the one sequence of tokens of which any two
// neighbours, encoded together, come out as the same two (github/rust-gems, crates/bpe, has the idea). So tokens are
// tried from the longest that matches down, and a dead end takes the last one back.
//
// Why that is exact: merges happen in the order of their ranks, of equals the leftmost first. Until some merge reaches
// over the boundary of two final tokens, the bytes of each change as if they stood alone; and the first merge that did
// would do so with those two tokens alone as well. For the same reason only tokens whose own bytes give them back occur,
// each of them by one way of merging (its canonical one; others that a file lists never come about).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/model/merge_table.h"
#include "athanor/token/model/model.h"

namespace athanor::token {

struct Merge {
  int32_t left, right, result;
};

class Backtracker {
 public:
  // merges by rank; ids below num_ids. table outlives the backtracker.
  Backtracker(std::span<const Merge> merges, const MergeTable& table, const std::array<int32_t, 256>& byte_ids,
              int32_t num_ids);

  // False where the proof does not hold: a merge whose parts come from later merges; or when the tokens are too long.
  bool usable() const { return usable_; }

  // Appends the ids of piece. Only when usable.
  void encode(std::string_view piece, Workspace& work, std::vector<int32_t>& ids) const;

 private:
  struct Token {
    int32_t left = -1, right = -1;  // what its merge joined
    int32_t rank = -1;              // of that merge; -1 for a byte
    uint32_t length = 0;            // in bytes; 0: its bytes never come out as this token
  };

  bool read_merges(std::span<const Merge> merges);
  bool in_order(std::span<const Merge> merges) const;
  void make_trie(std::span<const Merge> merges);
  uint32_t add_node(uint32_t node, uint8_t byte);
  uint32_t next_node(uint32_t node, uint8_t byte) const;  // 0: none
  int32_t longest(std::string_view text) const;  // the longest token that text begins with; -1 for an empty text
  // Whether no merge of a rank below limit joins across the boundary of left and right.
  bool apart(int32_t left, int32_t right, uint32_t limit) const;
  bool neighbours(int32_t left, int32_t right, Workspace& work) const;

  const MergeTable& table_;
  std::vector<Token> tokens_;  // by id
  bool usable_ = false;

  // The trie: an edge is (node << 8 | byte) -> node, in open addressing; the node of the first byte is that byte + 1.
  struct Edge {
    uint32_t from, to;
  };
  std::vector<Edge> edges_;
  std::vector<int32_t> node_ids_;  // the token that ends at a node, or -1
  int shift_ = 0;
  std::string bytes_;              // of all tokens, while the trie is made
  std::vector<size_t> begins_;     // by id, in bytes_
  std::array<int32_t, 256> byte_ids_;
};

}  // namespace athanor::token
