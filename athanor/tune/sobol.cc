#include "athanor/tune/sobol.h"

#include <array>
#include <bit>
#include <cstddef>

#include "athanor/base/rng.h"
#include "athanor/tune/sobol_table.h"

namespace athanor::tune {

namespace {

using Directions = std::array<std::array<uint32_t, 32>, kSobolDimensions>;

Directions make_directions() {
  Directions v{};
  for (int bit = 0; bit < 32; ++bit) {
    v[0][static_cast<size_t>(bit)] = 1u << (31 - bit);
  }
  for (size_t d = 1; d < v.size(); ++d) {
    const SobolDirection& entry = kSobolDirections[d - 1];
    const int degree = std::bit_width(entry.polynomial) - 1;
    for (int bit = 0; bit < 32; ++bit) {
      const auto at = static_cast<size_t>(bit);
      if (bit < degree) {
        v[d][at] = static_cast<uint32_t>(entry.m[at]) << (31 - bit);
        continue;
      }
      uint32_t value = v[d][static_cast<size_t>(bit - degree)] ^ (v[d][static_cast<size_t>(bit - degree)] >> degree);
      for (int k = 1; k < degree; ++k) {
        if ((entry.polynomial >> (degree - k)) & 1) {
          value ^= v[d][static_cast<size_t>(bit - k)];
        }
      }
      v[d][at] = value;
    }
  }
  return v;
}

uint32_t reversed(uint32_t x) {
  x = ((x >> 1) & 0x55555555u) | ((x & 0x55555555u) << 1);
  x = ((x >> 2) & 0x33333333u) | ((x & 0x33333333u) << 2);
  x = ((x >> 4) & 0x0f0f0f0fu) | ((x & 0x0f0f0f0fu) << 4);
  return __builtin_bswap32(x);
}

// A permutation of the bits' tree in which each bit depends only on lower ones (Laine and Karras 2011; constants after
// Vegdahl's search, published by Burley): of reversed bits it is a nested uniform scramble.
uint32_t tree_hash(uint32_t x, uint32_t seed) {
  x ^= x * 0x3d20adeau;
  x += seed;
  x *= (seed >> 16) | 1u;
  x ^= x * 0x05526c56u;
  x ^= x * 0x53a22864u;
  return x;
}

}  // namespace

uint32_t sobol_bits(uint32_t index, int dimension) {
  static const Directions kDirections = make_directions();
  uint32_t bits = 0;
  for (size_t bit = 0; index != 0; index >>= 1, ++bit) {
    if (index & 1) {
      bits ^= kDirections[static_cast<size_t>(dimension)][bit];
    }
  }
  return bits;
}

double sobol_unit(uint64_t seed, uint32_t index, int dimension) {
  const uint64_t key = random_at(seed, 0x50b01, static_cast<uint64_t>(dimension));
  if (dimension >= kSobolDimensions) {
    return to_unit(random_at(key, index));
  }
  const uint32_t scrambled = reversed(tree_hash(reversed(sobol_bits(index, dimension)), static_cast<uint32_t>(key)));
  return (static_cast<double>(scrambled) + 0.5) * 0x1.0p-32;
}

}  // namespace athanor::tune
