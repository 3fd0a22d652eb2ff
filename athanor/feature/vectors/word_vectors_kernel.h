// The inner loops of Word2Vec over a group of columns, compiled for the baseline, AVX2 and AVX-512 and chosen when the
// program is loaded.
#pragma once

#include <cstddef>
#include <cstdint>

namespace athanor {

inline constexpr size_t kVectorLanes = 8;  // floats that a row is padded to a multiple of

// Rows that one position reads: `in` of them each meet `out` of them.
struct VectorRows {
  const float* const* in;
  const float* const* out;
  size_t num_in;
  size_t num_out;
};

// sums[i * num_out + o] = inner product of in[i] and out[o] over the columns [begin, end), multiples of kVectorLanes.
void partial_products(const VectorRows& rows, size_t begin, size_t end, float* sums);

// In the same columns, with the old values of both sides on the right: in[i] += sum over o of g[i][o] out[o],
// out[o] += sum over i of g[i][o] in[i]. No row stands twice among `in` or twice among `out` for the result to be as if one
// after another; where one does, its changes are added up. scratch: num_in x (end - begin) floats.
void move_rows(float* const* in, float* const* out, size_t num_in, size_t num_out, const float* g, size_t begin, size_t end,
               float* scratch);

// mean[begin, end) = mean of the rows.
void mean_of_rows(const float* const* in, size_t num_in, size_t begin, size_t end, float* mean);
// The same move where the only row in is a mean, which nobody keeps: change = sum over o of g[o] out[o], which each of the rows
// behind the mean gets; out[o] += g[o] mean. change: end - begin floats.
void move_behind_mean(float* const* in, size_t num_in, const float* mean, float* const* out, size_t num_out, const float* g,
                      size_t begin, size_t end, float* change);

}  // namespace athanor
