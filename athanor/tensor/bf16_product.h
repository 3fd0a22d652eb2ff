// Products of bf16 matrices with fp32 sums on processors that have AVX-512's bf16 dot products (vdpbf16ps) and no matrix
// unit: Zen 4 and 5, Cooper Lake. Blocked as Goto and van de Geijn (2008) do it. Zen 5, two threads: 880 to 930 GFLOP/s where
// oneDNN, which does well on one thread, gives 740 to 860; what is made of a block of the product (a bias, an activation, a
// rounding, a sum in fp32) is made while it lies in the cache.
//
// M rows, N columns, K summed over. Sums over K are cut at places that depend on K and N alone, so the bits do not depend on
// the number of threads.
#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <functional>

namespace athanor {

// Where element (i, k) of the left operand, or (k, j) of the right one, lies.
struct Bf16Matrix {
  const c10::BFloat16* data;
  int64_t stride;   // elements between lines
  bool k_in_lines;  // a line holds one i (or j) and all k; else it holds one k
  const float* wide = nullptr;  // the right operand's alone: elements to round to bf16 (nearest even), in place of data
};

// A finished block of the product: values[r * stride + c] is element (row + r, column + c). Called on several threads, once
// for each element; which elements come together depends on the number of threads.
struct ProductBlock {
  int64_t row;
  int64_t rows;
  int64_t column;
  int64_t columns;
  const float* values;  // columns past the last one may be read up to the stride, and mean nothing
  int64_t stride;
};
using ProductSink = std::function<void(const ProductBlock& block)>;

// Whether this processor runs bf16_product, and runs it faster than a matrix unit would.
bool has_bf16_product();
// What bf16_product takes: K even, at least one of each.
bool fits_bf16_product(int64_t m, int64_t n, int64_t k);

// Gives a b to sink, block by block. Uses at::parallel_for.
void bf16_product(const Bf16Matrix& a, const Bf16Matrix& b, int64_t m, int64_t n, int64_t k, const ProductSink& sink);

}  // namespace athanor
