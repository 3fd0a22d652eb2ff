// (left id, right id) -> rank of the merge: open addressing, one 64-bit word a slot (21 + 21 bits of key, 22 of rank).
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace athanor::token {

class MergeTable {
 public:
  static constexpr uint32_t kNone = (1u << 22) - 1;  // also the limit of ranks

  explicit MergeTable(size_t num_merges) {
    const size_t slots = std::bit_ceil(num_merges * 2 + 16);
    shift_ = 64 - std::countr_zero(slots);
    slots_.assign(slots, ~uint64_t{0});
  }

  // The later of two equal pairs wins, as in HF tokenizers. At most num_merges insertions.
  void insert(int32_t left, int32_t right, uint32_t rank) {
    const uint64_t key = key_of(left, right);
    size_t at = hash(key);
    while (slots_[at] != ~uint64_t{0} && slots_[at] >> 22 != key) {
      at = (at + 1) & (slots_.size() - 1);
    }
    slots_[at] = key << 22 | rank;
  }

  uint32_t find(int32_t left, int32_t right) const {
    const uint64_t key = key_of(left, right);
    for (size_t at = hash(key);; at = (at + 1) & (slots_.size() - 1)) {
      const uint64_t slot = slots_[at];
      if (slot >> 22 == key) {
        return slot & kNone;
      }
      if (slot == ~uint64_t{0}) {
        return kNone;
      }
    }
  }

 private:
  static uint64_t key_of(int32_t left, int32_t right) {
    return static_cast<uint64_t>(left) << 21 | static_cast<uint64_t>(right);
  }
  size_t hash(uint64_t key) const { return (key * 0x9e3779b97f4a7c15ULL) >> shift_; }

  std::vector<uint64_t> slots_;
  int shift_;
};

}  // namespace athanor::token
