// Terms and their numbers, 0, 1, 2 ... in the order they were added: one hash table and one string for all bytes, because
// a node and an allocation a term is what makes counting words slow. Private to this room.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

// A fast hash for terms; not stable between versions, never stored.
inline uint64_t term_hash(std::string_view term) {
  constexpr uint64_t kMultiplier = 0x9fb21c651e98df25ULL;
  uint64_t hash = term.size() * kMultiplier;
  const char* p = term.data();
  size_t left = term.size();
  while (left >= 8) {
    uint64_t word = 0;
    std::memcpy(&word, p, 8);
    hash = (hash ^ word) * kMultiplier;
    hash ^= hash >> 32;
    p += 8, left -= 8;
  }
  uint64_t word = 0;
  std::memcpy(&word, p, left);
  hash = (hash ^ word) * kMultiplier;
  return hash ^ (hash >> 29);
}

class TermTable {
 public:
  TermTable() : slots_(1024, Slot{0, -1}) {}

  int32_t size() const { return static_cast<int32_t>(hashes_.size()); }
  std::string_view term(int32_t id) const {
    const auto i = static_cast<size_t>(id);
    return std::string_view(bytes_).substr(begins_[i], begins_[i + 1] - begins_[i]);
  }
  uint64_t hash(int32_t id) const { return hashes_[static_cast<size_t>(id)]; }

  int32_t find(std::string_view term) const { return find(term, term_hash(term)); }
  int32_t find(std::string_view term_bytes, uint64_t hash) const {
    for (size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.id < 0 || (slot.tag == static_cast<uint32_t>(hash >> 32) && term(slot.id) == term_bytes)) {
        return slot.id;
      }
    }
  }
  int32_t add(std::string_view term) { return add(term, term_hash(term)); }
  int32_t add(std::string_view term_bytes, uint64_t hash) {
    size_t at = hash & (slots_.size() - 1);
    for (; slots_[at].id >= 0; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].tag == static_cast<uint32_t>(hash >> 32) && term(slots_[at].id) == term_bytes) {
        return slots_[at].id;
      }
    }
    const int32_t id = size();
    bytes_.append(term_bytes);
    begins_.push_back(bytes_.size());
    hashes_.push_back(hash);
    slots_[at] = {static_cast<uint32_t>(hash >> 32), id};
    if (hashes_.size() * 2 > slots_.size()) {
      grow();
    }
    return id;
  }

 private:
  struct Slot {
    uint32_t tag;
    int32_t id;
  };

  void grow() {
    std::vector<Slot> wider(slots_.size() * 2, Slot{0, -1});
    for (size_t id = 0; id < hashes_.size(); ++id) {
      size_t at = hashes_[id] & (wider.size() - 1);
      while (wider[at].id >= 0) {
        at = (at + 1) & (wider.size() - 1);
      }
      wider[at] = {static_cast<uint32_t>(hashes_[id] >> 32), static_cast<int32_t>(id)};
    }
    slots_ = std::move(wider);
  }

  std::vector<Slot> slots_;  // a power of two, at most half full
  std::vector<uint64_t> hashes_;
  std::vector<size_t> begins_ = {0};
  std::string bytes_;
};

}  // namespace athanor
