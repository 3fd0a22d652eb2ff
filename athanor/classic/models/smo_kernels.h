// The inner loops of sequential minimal optimisation, for the baseline, AVX2 and AVX-512; all three give the same bits.
// Arrays hold a multiple of kSmoLanes values; what lies past the last variable is barred both ways.
#pragma once

#include <cstddef>

namespace athanor::classic {

constexpr size_t kSmoLanes = 8;

struct SmoPick {
  size_t at = 0;
  double value = 0;  // of the search; infinite: there is none
};

// The least slope among the variables that may rise. bar: 0, or infinite where one may not.
SmoPick least_slope(const double* slope, const double* bar, size_t count);

// Of the variables that may fall (bar 0) and whose slope is above `least`: the one that together with a variable of that
// slope wins most, (slope - least)^2 / (own + square - 2 row). highest: the largest slope among all that may fall.
SmoPick best_partner(const double* slope, const double* bar, const float* row, const double* squares, double own, double least,
                     size_t count, double* highest);

// slope += by * (up - down)
void move_slopes(double* slope, const float* up, const float* down, double by, size_t count);

// out = exp(-gamma * distance), as floats.
void exp_rows(const double* distance, double gamma, float* out, size_t count);

}  // namespace athanor::classic
