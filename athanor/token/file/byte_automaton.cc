#include "athanor/token/file/byte_automaton.h"

#include <algorithm>

#include "athanor/base/error.h"

namespace athanor::token {

namespace {

constexpr size_t kBlock = 256;
constexpr size_t kMostUnits = size_t{1} << 21;  // further apart, an offset has another form
constexpr uint32_t kLeaf = 1u << 31, kHasLeaf = 1u << 8;
constexpr int kNoValue = -1;
constexpr size_t kFullBlocksKept = 16;  // older blocks with a few holes are not searched again

using Entry = std::pair<std::string_view, uint32_t>;

struct Node {
  int64_t value = kNoValue;
  std::vector<std::pair<uint8_t, uint32_t>> children;  // by byte; node ids
  auto operator<=>(const Node&) const = default;
};

// The smallest automaton: nodes that accept the same rest are one.
class Automaton {
 public:
  uint32_t add(const Entry* begin, const Entry* end, size_t depth) {
    Node node;
    if (begin != end && begin->first.size() == depth) {
      node.value = begin->second;
      ++begin;
    }
    while (begin != end) {
      const char byte = begin->first[depth];
      const Entry* const next =
          std::find_if(begin, end, [&](const Entry& entry) { return entry.first[depth] != byte; });
      node.children.emplace_back(static_cast<uint8_t>(byte), add(begin, next, depth + 1));
      begin = next;
    }
    const auto [found, is_new] = ids_.emplace(std::move(node), static_cast<uint32_t>(nodes_.size()));
    if (is_new) {
      nodes_.push_back(&found->first);
    }
    return found->second;
  }

  const Node& node(uint32_t id) const { return *nodes_[id]; }
  size_t size() const { return nodes_.size(); }

 private:
  std::map<Node, uint32_t> ids_;
  std::vector<const Node*> nodes_;
};

class Layout {
 public:
  explicit Layout(const Automaton& automaton) : automaton_(automaton), bases_(automaton.size(), 0) {}

  std::vector<uint32_t> units(uint32_t root) {
    grow();
    taken_[0] = true;  // the root's own unit
    const uint32_t base = place(root);
    units_[0] = offset(0, base);
    finish();
    return std::move(units_);
  }

 private:
  void grow() {
    if (units_.size() + kBlock > kMostUnits) {
      throw Error(ErrorKind::kUsage, "the character map of this normalizer is too large for a SentencePiece model", "",
                  "save it as tokenizer.json");
    }
    units_.resize(units_.size() + kBlock, 0);
    taken_.resize(units_.size(), false);
    is_base_.resize(units_.size(), false);
  }

  static uint32_t offset(size_t from, uint32_t base) { return static_cast<uint32_t>(from ^ base) << 10; }

  bool fits(size_t base, const Node& node) const {
    if (is_base_[base] || base == 0 || (node.value != kNoValue && taken_[base])) {
      return false;
    }
    return std::none_of(node.children.begin(), node.children.end(),
                        [&](const auto& child) { return taken_[base ^ child.first]; });
  }

  size_t find_base(const Node& node) {
    const size_t num_blocks = units_.size() / kBlock;
    const size_t first = num_blocks > kFullBlocksKept ? num_blocks - kFullBlocksKept : 0;
    for (size_t base = first * kBlock; base < units_.size(); ++base) {
      if (fits(base, node)) {
        return base;
      }
    }
    grow();
    return units_.size() - kBlock;
  }

  // Where the children of the node stand: at base ^ byte; its value at base. A node is placed once.
  uint32_t place(uint32_t id) {
    if (bases_[id] != 0) {
      return bases_[id];
    }
    const Node& node = automaton_.node(id);
    const size_t base = find_base(node);
    bases_[id] = static_cast<uint32_t>(base);
    is_base_[base] = true;
    if (node.value != kNoValue) {
      taken_[base] = true;
      units_[base] = kLeaf | static_cast<uint32_t>(node.value);
    }
    for (const auto& [byte, child] : node.children) {
      taken_[base ^ byte] = true;
    }
    for (const auto& [byte, child] : node.children) {
      const size_t at = base ^ byte;
      units_[at] = offset(at, place(child)) | byte | (automaton_.node(child).value != kNoValue ? kHasLeaf : 0);
    }
    return bases_[id];
  }

  // A free unit gets a label that only an unused base of its block would lead to, so that no walk enters it.
  void finish() {
    for (size_t block = 0; block < units_.size(); block += kBlock) {
      size_t unused = block;
      while (unused < block + kBlock && (is_base_[unused] || unused == 0)) {
        ++unused;
      }
      for (size_t at = block; at < block + kBlock && unused < block + kBlock; ++at) {
        if (!taken_[at]) {
          units_[at] = static_cast<uint32_t>((at ^ unused) & 0xFF);
        }
      }
    }
  }

  const Automaton& automaton_;
  std::vector<uint32_t> bases_;  // by node; 0: not placed
  std::vector<uint32_t> units_;
  std::vector<bool> taken_, is_base_;
};

}  // namespace

std::vector<uint32_t> double_array(const std::map<std::string, uint32_t>& keys) {
  std::vector<Entry> entries(keys.begin(), keys.end());
  Automaton automaton;
  const uint32_t root = automaton.add(entries.data(), entries.data() + entries.size(), 0);
  return Layout(automaton).units(root);
}

}  // namespace athanor::token
