// A 64-bit hash for pieces of a few bytes, inlined: XXH3's cost is the call. Not stable across versions: never stored.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "athanor/base/hash.h"

namespace athanor {

// The two halves of the 128-bit product, folded (as in wyhash).
inline uint64_t mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a ^ 0xA0761D6478BD642FULL) * (b ^ 0xE7037ED1A0B428DBULL);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t hash_word(std::string_view word) {
  const char* const p = word.data();
  const size_t size = word.size();
  uint64_t head = 0;
  uint64_t tail = 0;
  if (size > 16) {
    return xxh3_64(word);
  }
  if (size >= 8) {
    std::memcpy(&head, p, 8);
    std::memcpy(&tail, p + size - 8, 8);
  } else if (size >= 4) {
    uint32_t a;
    uint32_t b;
    std::memcpy(&a, p, 4);
    std::memcpy(&b, p + size - 4, 4);
    head = uint64_t{a} << 32 | b;
  } else if (size > 0) {
    const auto byte = [p](size_t i) { return uint64_t{static_cast<uint8_t>(p[i])}; };
    head = byte(0) << 16 | byte(size / 2) << 8 | byte(size - 1);
  }
  return mix(head ^ (uint64_t{size} * 0x9E3779B97F4A7C15ULL), tail);
}

}  // namespace athanor
