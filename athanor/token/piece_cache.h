// Pre-token -> ids, for pieces of at most 15 bytes and 3 ids, which is nearly all of natural text. Sets of two in one
// cache line; grows with what it is given up to a fixed size, so memory is bounded; one per workspace, so no locks.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <vector>

#include "athanor/token/huge_pages.h"

namespace athanor::token {

struct PieceKey {
  uint64_t low, high;  // the bytes, then zeros; the length in the top byte, so a piece's key is never 0
  bool operator==(const PieceKey&) const = default;
};

// By length: the bits of a key that hold the piece's bytes.
constexpr std::array<PieceKey, 16> make_piece_masks() {
  std::array<PieceKey, 16> masks{};
  for (int bytes = 0; bytes < 16; ++bytes) {
    masks[bytes].low = bytes >= 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * bytes)) - 1;
    masks[bytes].high = bytes <= 8 ? 0 : (uint64_t{1} << (8 * (bytes - 8))) - 1;
  }
  return masks;
}
inline constexpr std::array<PieceKey, 16> kPieceMasks = make_piece_masks();

class PieceCache {
 public:
  static constexpr size_t kMaxBytes = 15;
  static constexpr size_t kMaxIds = 3;
  static constexpr PieceKey kNever{0, 1};  // of no piece: for those that are too long

  struct Entry {
    PieceKey key{0, 0};
    int32_t ids[kMaxIds];
    uint32_t count;
  };
  struct alignas(64) Set {
    Entry entries[2];
  };
  static_assert(sizeof(Set) == 64);

  PieceCache() : sets_(size_t{1} << kFirstBits) {}

  // Memory of whole large pages for the table, where it has so much.
  template <typename T>
  struct TableAllocator {
    using value_type = T;
    TableAllocator() = default;
    template <typename U>
    explicit TableAllocator(const TableAllocator<U>&) {}
    T* allocate(size_t count) {
      const size_t bytes = count * sizeof(T), alignment = bytes >= kHugePage ? kHugePage : alignof(T);
      void* const memory = ::operator new(bytes, std::align_val_t(alignment));
      prefer_huge_pages(memory, bytes);
      return static_cast<T*>(memory);
    }
    void deallocate(T* memory, size_t count) {
      const size_t bytes = count * sizeof(T), alignment = bytes >= kHugePage ? kHugePage : alignof(T);
      ::operator delete(memory, std::align_val_t(alignment));  // clang 14 has no sized one of its own accord
    }
    bool operator==(const TableAllocator&) const { return true; }
  };

  // piece: 1 to 15 bytes, in memory that may be read for 16.
  static PieceKey key_of(const char* piece, size_t size) {
    PieceKey key;
    std::memcpy(&key, piece, 16);
    const PieceKey& mask = kPieceMasks[size];
    return {key.low & mask.low, (key.high & mask.high) | static_cast<uint64_t>(size) << 56};
  }

  static uint64_t hash_of(const PieceKey& key) {
    const unsigned __int128 product =
        static_cast<unsigned __int128>(key.low ^ 0x9e3779b97f4a7c15ULL) * (key.high ^ 0xd1b54a32d192ed03ULL);
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  const Set& set_of(uint64_t hash) const { return sets_[hash >> shift_]; }

  // The entry of key, or one with another key.
  static const Entry& look(const Set& set, const PieceKey& key) {
    const uint64_t second = (set.entries[1].key.low ^ key.low) | (set.entries[1].key.high ^ key.high);
    return set.entries[second == 0];
  }

  void insert(const PieceKey& key, uint64_t hash, std::span<const int32_t> ids) {
    if (ids.size() > kMaxIds) {
      return;
    }
    Set& set = sets_[hash >> shift_];
    set.entries[1] = set.entries[0];
    Entry& entry = set.entries[0];
    entry.key = key;
    entry.count = static_cast<uint32_t>(ids.size());
    std::copy(ids.begin(), ids.end(), entry.ids);
    ++num_inserted_;
  }

  // Between batches: makes room when there have been many insertions for the size.
  void grow_if_full() {
    if (num_inserted_ > sets_.size() && shift_ > 64 - kLastBits) {
      grow();
    }
  }

 private:
  static constexpr int kFirstBits = 12;  // 256 KiB
  static constexpr int kLastBits = 17;   // 8 MiB

  void grow() {
    std::vector<Set, TableAllocator<Set>> old(sets_.size() * 4);
    old.swap(sets_);
    shift_ -= 2;
    num_inserted_ = 0;
    for (const Set& set : old) {
      for (int i = 1; i >= 0; --i) {  // the newer one last
        const Entry& entry = set.entries[i];
        if (entry.key.high != 0) {
          Set& to = sets_[hash_of(entry.key) >> shift_];
          to.entries[1] = to.entries[0];
          to.entries[0] = entry;
          ++num_inserted_;
        }
      }
    }
  }

  int shift_ = 64 - kFirstBits;
  std::vector<Set, TableAllocator<Set>> sets_;
  size_t num_inserted_ = 0;
};

}  // namespace athanor::token
