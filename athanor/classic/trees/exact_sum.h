// Sums that do not depend on the order of what is added: fixed point whose unit the largest value
// decides.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

namespace athanor {

// The power of two by which values of at most `largest` are multiplied so that `count` of them stay
// below 2^bits; 0 for largest 0 or none.
inline int fixed_point_shift(double largest, uint64_t count, int bits) {
  if (!(largest > 0) || count == 0) {
    return 0;
  }
  return bits - 1 - std::ilogb(largest) -
         static_cast<int>(std::ceil(std::log2(static_cast<double>(count) + 1)));
}

// Σ value(i) over [0, count), correct to 2^-58 of the largest times count.
template <class Fn>
double exact_sum(uint64_t count, Fn value) {
  double largest = 0;
  for (uint64_t i = 0; i < count; ++i) {
    largest = std::fmax(largest, std::fabs(value(i)));
  }
  const int shift = fixed_point_shift(largest, 1, 61);
  __extension__ __int128 sum = 0;
  for (uint64_t i = 0; i < count; ++i) {
    sum += std::llrint(std::ldexp(value(i), shift));
  }
  return std::ldexp(static_cast<double>(sum), -shift);
}

}  // namespace athanor
