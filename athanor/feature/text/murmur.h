// MurmurHash3_x86_32 (Austin Appleby, public domain): the hash of scikit-learn's FeatureHasher.
// Private to this room.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace athanor {

inline uint32_t murmur3_32(std::string_view bytes, uint32_t seed) {
  const auto rotate = [](uint32_t x, int by) { return x << by | x >> (32 - by); };
  uint32_t hash = seed;
  size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) {
    uint32_t block = 0;
    std::memcpy(&block, bytes.data() + i, 4);
    hash ^= rotate(block * 0xcc9e2d51u, 15) * 0x1b873593u;
    hash = rotate(hash, 13) * 5 + 0xe6546b64u;
  }
  uint32_t tail = 0;
  for (size_t k = bytes.size() - i; k-- > 0;) {
    tail = tail << 8 | static_cast<uint8_t>(bytes[i + k]);
  }
  if (i < bytes.size()) {
    hash ^= rotate(tail * 0xcc9e2d51u, 15) * 0x1b873593u;
  }
  hash ^= static_cast<uint32_t>(bytes.size());
  hash = (hash ^ hash >> 16) * 0x85ebca6bu;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
  return hash ^ hash >> 16;
}

}  // namespace athanor
