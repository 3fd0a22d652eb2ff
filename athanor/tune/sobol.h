// The Sobol sequence, and Owen's scrambling of it by hashing (Burley 2020): a pure function of (seed, index, dimension).
#pragma once

#include <cstdint>

namespace athanor::tune {

constexpr int kSobolDimensions = 64;

// 32 bits of the unscrambled sequence; dimension below kSobolDimensions.
uint32_t sobol_bits(uint32_t index, int dimension);

// In (0, 1). Any 2^k successive points from a multiple of 2^k have one in each of 2^k equal intervals of every dimension.
// Dimensions above the table are independent random numbers.
double sobol_unit(uint64_t seed, uint32_t index, int dimension);

}  // namespace athanor::tune
