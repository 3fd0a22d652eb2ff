// A small open-addressing table from 64-bit hashes to 32-bit values, made for a document at a time: reset() keeps
// the memory. The keys must be well mixed; a key's low bits choose its place.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace athanor {

class HashCounter {
 public:
  // Empties the table and makes room for max_keys.
  void reset(size_t max_keys) {
    const size_t size = std::bit_ceil(2 * max_keys + 2);
    if (slots_.size() != size) {
      slots_.assign(size, Slot{});
      round_ = 0;
    }
    if (++round_ == 0) {  // the stamp came round: old slots would look new
      slots_.assign(size, Slot{});
      round_ = 1;
    }
    mask_ = size - 1;
  }

  // The value of the key, 0 when it was not there before. At most max_keys different keys between resets.
  uint32_t& operator[](uint64_t key) {
    size_t at = key & mask_;
    while (slots_[at].round == round_ && slots_[at].key != key) {
      at = (at + 1) & mask_;
    }
    Slot& slot = slots_[at];
    if (slot.round != round_) {
      slot = {key, 0, round_};
    }
    return slot.value;
  }

 private:
  struct Slot {
    uint64_t key = 0;
    uint32_t value = 0;
    uint32_t round = 0;
  };
  std::vector<Slot> slots_;
  size_t mask_ = 0;
  uint32_t round_ = 0;
};

}  // namespace athanor
