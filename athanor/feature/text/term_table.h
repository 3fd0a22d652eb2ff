// Terms and their numbers, 0, 1, 2 ... in the order they were added: one hash table and one string
// for all bytes, because a node and an allocation a term is what makes counting words slow. A slot
// holds the first 8 bytes of its term, so that most words are told apart without looking at the
// string. Private to this room.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

// The first 8 bytes as a number, zeros behind a shorter term.
inline uint64_t first_bytes(std::string_view term) {
  const char* const p = term.data();
  const size_t size = term.size();
  if (size >= 8) {
    uint64_t word = 0;
    std::memcpy(&word, p, 8);
    return word;
  }
  if (size >= 4) {  // two loads that overlap
    uint32_t low = 0, high = 0;
    std::memcpy(&low, p, 4);
    std::memcpy(&high, p + size - 4, 4);
    return low | static_cast<uint64_t>(high) << ((size - 4) * 8);
  }
  uint64_t word = 0;
  for (size_t i = 0; i < size; ++i) {
    word |= static_cast<uint64_t>(static_cast<uint8_t>(p[i])) << (8 * i);
  }
  return word;
}

// A fast hash for terms; not stable between versions, never stored.
inline uint64_t term_hash(std::string_view term) {
  constexpr uint64_t kMultiplier = 0x9fb21c651e98df25ULL;
  uint64_t hash = (first_bytes(term) ^ (term.size() << 56)) * kMultiplier;
  hash ^= hash >> 32;
  for (size_t at = 8; at < term.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, term.data() + (at + 8 <= term.size() ? at : term.size() - 8), 8);
    hash = (hash ^ word) * kMultiplier;
    hash ^= hash >> 32;
  }
  hash *= kMultiplier;
  return hash ^ (hash >> 29);
}

class TermTable {
 public:
  TermTable() : slots_(1024) {}

  int32_t size() const { return static_cast<int32_t>(hashes_.size()); }
  std::string_view term(int32_t id) const {
    const auto i = static_cast<size_t>(id);
    return std::string_view(bytes_).substr(begins_[i], begins_[i + 1] - begins_[i]);
  }
  uint64_t hash(int32_t id) const { return hashes_[static_cast<size_t>(id)]; }

  // -1: not there.
  int32_t find(std::string_view term) const { return slots_[place_of(term, term_hash(term))].id; }
  int32_t add(std::string_view term) { return add(term, term_hash(term)); }
  int32_t add(std::string_view term, uint64_t hash) {
    Slot& slot = slots_[place_of(term, hash)];
    if (slot.id >= 0) {
      return slot.id;
    }
    const int32_t id = size();
    slot = {first_bytes(term), static_cast<uint32_t>(term.size()), id};
    bytes_.append(term);
    begins_.push_back(bytes_.size());
    hashes_.push_back(hash);
    if (hashes_.size() * 2 > slots_.size()) {
      grow();
    }
    return id;
  }

 private:
  struct Slot {
    uint64_t first = 0;
    uint32_t size = 0;
    int32_t id = -1;
  };

  // Where the term is, or the free slot that it would take.
  size_t place_of(std::string_view term, uint64_t hash) const {
    const uint64_t first = first_bytes(term);
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.id < 0 || (slot.first == first && slot.size == term.size() &&
                          (term.size() <= 8 ||
                           std::memcmp(bytes_.data() + begins_[static_cast<size_t>(slot.id)] + 8,
                                       term.data() + 8, term.size() - 8) == 0))) {
        return at;
      }
    }
  }

  void grow() {
    std::vector<Slot> wider(slots_.size() * 2);
    for (const Slot& slot : slots_) {
      if (slot.id >= 0) {
        size_t at = hashes_[static_cast<size_t>(slot.id)] & (wider.size() - 1);
        while (wider[at].id >= 0) {
          at = (at + 1) & (wider.size() - 1);
        }
        wider[at] = slot;
      }
    }
    slots_ = std::move(wider);
  }

  std::vector<Slot> slots_;  // a power of two, at most half full
  std::vector<uint64_t> hashes_;
  std::vector<size_t> begins_ = {0};
  std::string bytes_;
};

}  // namespace athanor
