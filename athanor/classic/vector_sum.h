// The three loops that the classifiers spend their time in, compiled for the baseline, AVX2 and AVX-512 and chosen at
// the first call. Additions happen in the order of the rows, lane by lane, whatever the instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace athanor {

// out[0, dim) = the sum of rows[ids[i]]; rows are dim floats wide.
void sum_rows(const float* rows, size_t dim, const int32_t* ids, size_t count, float* out);

// rows[ids[i]] += delta, one after another.
void add_to_rows(float* rows, size_t dim, const int32_t* ids, size_t count, const float* delta);

// out[i] = rows[i] . x, for count consecutive rows. Sums run over 16 lanes.
void dot_rows(const float* rows, size_t dim, size_t count, const float* x, float* out);

// y += factor * x
void add_scaled(float* y, const float* x, float factor, size_t dim);

}  // namespace athanor
