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

inline uint64_t eight_bytes(const char* p) {
  uint64_t word = 0;
  std::memcpy(&word, p, 8);
  return word;
}

// The first 8 bytes as a number, zeros behind a shorter term.
inline uint64_t first_bytes(std::string_view term) {
  const char* const p = term.data();
  const size_t size = term.size();
  if (size >= 8) {
    return eight_bytes(p);
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
// The same where 8 bytes may be read; the term is not empty.
inline uint64_t first_bytes_padded(std::string_view term) {
  const size_t size = term.size();
  return eight_bytes(term.data()) & (size >= 8 ? ~uint64_t{0} : ~uint64_t{0} >> (64 - 8 * size));
}

// A fast hash for terms; not stable between versions, never stored. first: first_bytes(term).
inline uint64_t term_hash(std::string_view term, uint64_t first) {
  constexpr uint64_t kMultiplier = 0x9fb21c651e98df25ULL;
  uint64_t hash = (first ^ (term.size() << 56)) * kMultiplier;
  hash ^= hash >> 32;
  for (size_t at = 8; at < term.size(); at += 8) {
    hash ^= eight_bytes(term.data() + (at + 8 <= term.size() ? at : term.size() - 8));
    hash *= kMultiplier;
    hash ^= hash >> 32;
  }
  return hash;
}

// What a term is looked up by.
struct TermKey {
  std::string_view term;
  uint64_t first = 0;
  uint64_t hash = 0;

  static TermKey of(std::string_view term) {
    const uint64_t first = first_bytes(term);
    return {term, first, term_hash(term, first)};
  }
  static TermKey of_padded(std::string_view term) {
    const uint64_t first = first_bytes_padded(term);
    return {term, first, term_hash(term, first)};
  }
};

class TermTable {
 public:
  TermTable() : slots_(1024) {}

  int32_t size() const { return static_cast<int32_t>(hashes_.size()); }
  std::string_view term(int32_t id) const {
    const auto i = static_cast<size_t>(id);
    return std::string_view(bytes_).substr(begins_[i], begins_[i + 1] - begins_[i]);
  }
  uint64_t hash(int32_t id) const { return hashes_[static_cast<size_t>(id)]; }

  // Many at once: terms that are all different, first put, then made ready to be found.
  void reserve(size_t terms, size_t bytes) {
    bytes_.reserve(bytes);
    begins_.reserve(terms + 1);
    hashes_.reserve(terms);
  }
  void put_distinct(std::string_view term) {
    bytes_.append(term);
    begins_.push_back(bytes_.size());
    hashes_.push_back(term_hash(term, first_bytes(term)));
  }
  void index() {
    size_t slots = slots_.size();
    while (slots < hashes_.size() * 2) {
      slots *= 2;
    }
    slots_.assign(slots, Slot());
    for (size_t i = 0; i < hashes_.size(); ++i) {
      constexpr size_t kAhead = 16;  // slots are far apart: asked for early
      if (i + kAhead < hashes_.size()) {
        __builtin_prefetch(&slots_[hashes_[i + kAhead] & (slots - 1)], 1);
      }
      const auto id = static_cast<int32_t>(i);
      const std::string_view mine = term(id);
      put_free({first_bytes(mine), static_cast<uint32_t>(mine.size()), id}, slots_);
    }
  }

  // -1: not there.
  int32_t find(std::string_view term) const { return find(TermKey::of(term)); }
  int32_t find(const TermKey& key) const { return slots_[place_of(key)].id; }
  int32_t add(std::string_view term) { return add(TermKey::of(term)); }
  int32_t add(const TermKey& key) {
    Slot& slot = slots_[place_of(key)];
    return slot.id >= 0 ? slot.id : put(slot, key);
  }

 private:
  struct Slot {
    uint64_t first = 0;
    uint32_t size = 0;
    int32_t id = -1;
  };

  // Where the term is, or the free slot that it would take.
  size_t place_of(const TermKey& key) const {
    const size_t mask = slots_.size() - 1;
    for (size_t at = key.hash & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.id < 0 || (slot.first == key.first && slot.size == key.term.size() &&
                          (slot.size <= 8 || same_behind(slot, key.term)))) {
        return at;
      }
    }
  }

  bool same_behind(const Slot& slot, std::string_view term) const {
    const char* const mine = bytes_.data() + begins_[static_cast<size_t>(slot.id)];
    for (size_t at = 8; at < term.size(); at += 8) {
      const size_t from = at + 8 <= term.size() ? at : term.size() - 8;
      if (eight_bytes(mine + from) != eight_bytes(term.data() + from)) {
        return false;
      }
    }
    return true;
  }

  int32_t put(Slot& slot, const TermKey& key) {
    const int32_t id = size();
    slot = {key.first, static_cast<uint32_t>(key.term.size()), id};
    bytes_.append(key.term);
    begins_.push_back(bytes_.size());
    hashes_.push_back(key.hash);
    if (hashes_.size() * 2 > slots_.size()) {
      widen();
    }
    return id;
  }

  void put_free(const Slot& slot, std::vector<Slot>& slots) const {
    size_t at = hashes_[static_cast<size_t>(slot.id)] & (slots.size() - 1);
    while (slots[at].id >= 0) {
      at = (at + 1) & (slots.size() - 1);
    }
    slots[at] = slot;
  }

  void widen() {
    std::vector<Slot> wider(slots_.size() * 2);
    for (const Slot& slot : slots_) {
      if (slot.id >= 0) {
        put_free(slot, wider);
      }
    }
    slots_ = std::move(wider);
  }

  std::vector<Slot> slots_;  // a power of two, at most half full
  std::vector<uint64_t> hashes_;
  std::string bytes_;  // all terms, one behind another
  std::vector<uint64_t> begins_ = {0};
};

// Pairs of numbers and their numbers, in the order they were added.
class PairTable {
 public:
  PairTable() : slots_(1024) {}

  // fresh is called with the number of a pair that was not there.
  template <class Fresh>
  uint32_t add(uint32_t left, uint32_t right, const Fresh& fresh) {
    const uint64_t key = static_cast<uint64_t>(left) << 32 | right;
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash(key) & mask;; at = (at + 1) & mask) {
      Slot& slot = slots_[at];
      if (slot.key == key) {
        return slot.number;
      }
      if (slot.key == kFree) {
        const uint32_t number = fresh();
        slot = {key, number};
        if (++size_ * 2 > slots_.size()) {
          widen();
        }
        return number;
      }
    }
  }

 private:
  static constexpr uint64_t kFree = ~uint64_t{0};
  struct Slot {
    uint64_t key = kFree;
    uint32_t number = 0;
  };

  static uint64_t hash(uint64_t key) {
    key *= 0x9fb21c651e98df25ULL;
    return key ^ key >> 32;
  }
  void widen() {
    std::vector<Slot> wider(slots_.size() * 2);
    for (const Slot& slot : slots_) {
      if (slot.key != kFree) {
        size_t at = hash(slot.key) & (wider.size() - 1);
        while (wider[at].key != kFree) {
          at = (at + 1) & (wider.size() - 1);
        }
        wider[at] = slot;
      }
    }
    slots_ = std::move(wider);
  }

  std::vector<Slot> slots_;  // a power of two, at most half full
  size_t size_ = 0;
};

}  // namespace athanor
