// Pre-token -> ids, for pieces of at most 15 bytes and 3 ids, which is nearly all of natural text. Two-way
// associative, of fixed size, so memory is bounded; one per workspace, so no locks.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace athanor::token {

struct PieceKey {
  uint64_t low, high;  // the bytes, then zeros; the length in the top byte, so a key is never 0
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

  using Key = PieceKey;
  struct Entry {
    Key key{0, 0};
    int32_t ids[kMaxIds];
    uint32_t count;
  };
  static_assert(sizeof(Entry) == 32);

  PieceCache() : entries_(kSets * 2) {}

  // piece: 1 to 15 bytes; end: up to where memory may be read.
  static Key key_of(std::string_view piece, const char* end) {
    uint64_t words[2] = {0, 0};
    if (end - piece.data() >= 16) {
      std::memcpy(words, piece.data(), 16);
    } else {
      std::memcpy(words, piece.data(), piece.size());
    }
    const Key& mask = kPieceMasks[piece.size()];
    return {words[0] & mask.low, (words[1] & mask.high) | static_cast<uint64_t>(piece.size()) << 56};
  }

  const Entry* find(const Key& key) const {
    const Entry* const set = &entries_[index_of(key)];
    return set[0].key == key ? set : set[1].key == key ? set + 1 : nullptr;
  }

  void insert(const Key& key, const std::vector<int32_t>& ids) {
    if (ids.size() > kMaxIds) {
      return;
    }
    Entry* const set = &entries_[index_of(key)];
    set[1] = set[0];
    set[0].key = key;
    set[0].count = static_cast<uint32_t>(ids.size());
    std::memcpy(set[0].ids, ids.data(), ids.size() * sizeof(int32_t));
  }

 private:
  static constexpr int kSetBits = 15;  // 2 MiB in all
  static constexpr size_t kSets = size_t{1} << kSetBits;

  static size_t index_of(const Key& key) {
    const unsigned __int128 product =
        static_cast<unsigned __int128>(key.low ^ 0x9e3779b97f4a7c15ULL) * (key.high ^ 0xd1b54a32d192ed03ULL);
    const uint64_t mixed = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
    return (mixed >> (64 - kSetBits)) * 2;
  }

  std::vector<Entry> entries_;
};

}  // namespace athanor::token
