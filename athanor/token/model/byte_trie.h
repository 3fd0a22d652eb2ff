// A set of byte strings, each with a number: a double-array trie (Aoe 1989), one table look-up a byte.
//
//   ByteTrie trie({{"a", 0}, {"ab", 1}});
//   uint32_t node = trie.child(ByteTrie::kRoot, 'a');  // kNone when nothing begins so
//   trie.value(node);                                  // 0; -1 when no string ends here
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace athanor::token {

class ByteTrie {
 public:
  static constexpr uint32_t kRoot = 0;
  static constexpr uint32_t kNone = ~uint32_t{0};

  struct Node {  // in the order of a breadth-first walk, so parents come first
    uint32_t node, parent;
    uint8_t byte;
  };

  using Strings = std::vector<std::pair<std::string_view, int32_t>>;

  ByteTrie() : ByteTrie(Strings()) {}
  // The strings are distinct; an empty one is left out. nodes: all but the root, if wanted.
  explicit ByteTrie(Strings strings, std::vector<Node>* nodes = nullptr);

  uint32_t child(uint32_t node, uint8_t byte) const {
    const uint32_t at = units_[node].base ^ byte;
    return units_[at].parent == node ? at : kNone;
  }
  int32_t value(uint32_t node) const { return units_[node].value; }
  size_t size() const { return units_.size(); }  // nodes are below it

 private:
  struct Unit {
    uint32_t base, parent;  // children are at base ^ byte: in the same block of 256 units as base
    int32_t value;
  };
  class Builder;
  std::vector<Unit> units_;
};

}  // namespace athanor::token
