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
    filter_.assign(slots / 8, 0);
  }

  // The later of two equal pairs wins, as in HF tokenizers. At most num_merges insertions.
  void insert(int32_t left, int32_t right, uint32_t rank) {
    const uint64_t key = key_of(left, right);
    const uint64_t mixed = key * kMultiplier;
    size_t at = mixed >> shift_;
    filter_[at >> 3] |= uint64_t{1} << (mixed >> (shift_ - 6) & 63);
    while (slots_[at] != ~uint64_t{0} && slots_[at] >> 22 != key) {
      at = (at + 1) & (slots_.size() - 1);
    }
    slots_[at] = key << 22 | rank;
  }

  uint32_t find(int32_t left, int32_t right) const {
    const uint64_t key = key_of(left, right);
    const uint64_t mixed = key * kMultiplier;
    size_t at = mixed >> shift_;
    if ((filter_[at >> 3] >> (mixed >> (shift_ - 6) & 63) & 1) == 0) {
      return kNone;
    }
    for (;; at = (at + 1) & (slots_.size() - 1)) {
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
  static constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15ULL;

  std::vector<uint64_t> slots_;
  std::vector<uint64_t> filter_;  // one bit a pair, in memory near enough: most look-ups find nothing
  int shift_;
};

}  // namespace athanor::token
