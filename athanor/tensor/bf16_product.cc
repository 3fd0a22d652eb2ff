#include "athanor/tensor/bf16_product.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/tensor/aligned.h"
#include "athanor/tensor/bf16_dot.h"

namespace athanor {

#if defined(ATHANOR_BF16_DOT)
namespace {

using bf16_dot::Words;

constexpr int64_t kRows = 8;                 // of a tile, whose sums stay in registers
constexpr int64_t kVectors = 3;
constexpr int64_t kColumns = 16 * kVectors;  // of a tile: the right operand lies in panels of this width
constexpr int64_t kDepth = 512;              // of a tile at most: a panel's part stays in the first cache
constexpr int64_t kBlockRows = 128;          // of the left operand, which stay in the second
constexpr int64_t kPackedElements = int64_t{3} << 19;  // of the right operand at once

int64_t rounded_up(int64_t x, int64_t step) { return (x + step - 1) / step * step; }
int64_t parts_of(int64_t x, int64_t size) { return (x + size - 1) / size; }

// sums[8][48] (+)= a b over `pairs` pairs of k; word (r, p) of a lies at a + r * row + p * pair bytes, b is one panel.
template <int64_t kTileRows>
ATHANOR_DOT_INLINE void add_tile(const char* a, int64_t row, int64_t pair, const Words* b, int64_t pairs, float* sums,
                                 int64_t stride, bool first) {
  __m512 total[kTileRows][kVectors];
  for (int64_t r = 0; r < kTileRows; ++r) {
    for (int64_t v = 0; v < kVectors; ++v) {
      total[r][v] = first ? _mm512_setzero_ps() : _mm512_loadu_ps(sums + r * stride + 16 * v);
    }
  }
  for (int64_t p = 0; p < pairs; ++p) {
    __m512i right[kVectors];
#pragma GCC unroll 3
    for (int64_t v = 0; v < kVectors; ++v) {
      right[v] = _mm512_load_si512(b + 16 * v);
    }
#pragma GCC unroll 8
    for (int64_t r = 0; r < kTileRows; ++r) {
      const __m512i left = bf16_dot::everywhere(a + r * row);
#pragma GCC unroll 3
      for (int64_t v = 0; v < kVectors; ++v) {
        total[r][v] = bf16_dot::add_dot(total[r][v], left, right[v]);
      }
    }
    a += pair;
    b += kColumns;
  }
  for (int64_t r = 0; r < kTileRows; ++r) {
    for (int64_t v = 0; v < kVectors; ++v) {
      _mm512_storeu_ps(sums + r * stride + 16 * v, total[r][v]);
    }
  }
}

// All rows of a block against one panel.
ATHANOR_DOT void add_panel(const char* a, int64_t row, int64_t pair, const Words* b, int64_t pairs, int64_t rows,
                           float* sums, int64_t stride, bool first) {
  int64_t r = 0;
  for (; r + kRows <= rows; r += kRows) {
    add_tile<kRows>(a + r * row, row, pair, b, pairs, sums + r * stride, stride, first);
  }
  for (; r < rows; ++r) {
    add_tile<1>(a + r * row, row, pair, b, pairs, sums + r * stride, stride, first);
  }
}

// One product: its cut into depths, packed parts and blocks.
struct Product {
  Product(const Bf16Matrix& a, const Bf16Matrix& b, int64_t m, int64_t n, int64_t k) : a(a), b(b), m(m), n(n), k(k) {
    depth = rounded_up(parts_of(k, parts_of(k, kDepth)), 2);
    const bool whole = kPackedElements / k >= 8 * kColumns;  // all of K at once: sums never leave the second cache
    // The left operand, where it must be packed too, is packed once for each part of N: better parts of K then.
    const int64_t narrow = whole || a.k_in_lines ? kPackedElements / k : kPackedElements / depth;
    part_columns = rounded_up(std::min(n, std::max(narrow, 8 * kColumns)), kColumns);
    part_depth = whole ? k : std::max<int64_t>(kPackedElements / part_columns / depth, 1) * depth;
    const int64_t share = parts_of(m, std::max<int64_t>(1, at::get_num_threads()));
    block_rows = rounded_up(parts_of(share, parts_of(share, kBlockRows)), kRows);
  }

  Bf16Matrix a, b;
  int64_t m, n, k;
  int64_t depth;         // of a tile
  int64_t part_columns;  // of the right operand, packed at once
  int64_t part_depth;    // of it
  int64_t block_rows;
};

// The right operand's columns [column, column + columns) over [from, to) of k, as panels [depth block][panel][pair][48].
struct PackedPart {
  int64_t column, columns, from, to;
  Words* words;
  int64_t stride() const { return rounded_up(columns, kColumns); }
  const Words* panel(int64_t at, int64_t pairs, int64_t index) const {
    return words + (at - from) / 2 * stride() + index * kColumns * pairs;
  }
};

template <typename T>
void pack_part(const Product& p, const T* lines, const PackedPart& part) {
  const int64_t panels = part.stride() / kColumns;
  const int64_t stride = p.b.stride;
  at::parallel_for(0, panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) {
      for (int64_t at = part.from; at < part.to; at += p.depth) {
        const int64_t count = std::min(p.depth, part.to - at);
        Words* to = const_cast<Words*>(part.panel(at, count / 2, panel));
        const int64_t j = part.column + panel * kColumns;
        const int64_t width = std::min(kColumns, part.column + part.columns - j);
        p.b.k_in_lines ? bf16_dot::pack_lines(lines + j * stride + at, stride, count, width, kColumns, to)
                       : bf16_dot::interleave_lines(lines + at * stride + j, stride, count, width, kColumns, to);
      }
    }
  });
}

// sums (+)= rows [row, row + rows) of the left operand times the part. packed: room for the rows of one depth.
void add_block(const Product& p, const PackedPart& part, int64_t row, int64_t rows, float* sums, Words* packed) {
  for (int64_t at = part.from; at < part.to; at += p.depth) {
    const int64_t count = std::min(p.depth, part.to - at);
    const char* left = reinterpret_cast<const char*>(p.a.data + row * p.a.stride + at);
    int64_t row_bytes = 2 * p.a.stride;
    int64_t pair_bytes = sizeof(Words);
    if (!p.a.k_in_lines) {
      bf16_dot::interleave_lines(p.a.data + at * p.a.stride + row, p.a.stride, count, rows, rounded_up(rows, 16), packed);
      left = reinterpret_cast<const char*>(packed);
      row_bytes = sizeof(Words);
      pair_bytes = rounded_up(rows, 16) * static_cast<int64_t>(sizeof(Words));
    }
    for (int64_t panel = 0; panel * kColumns < part.columns; ++panel) {
      add_panel(left, row_bytes, pair_bytes, part.panel(at, count / 2, panel), count / 2, rows, sums + panel * kColumns,
                part.stride(), at == 0);
    }
  }
}

struct Scratch {
  Aligned<float> sums;
  Aligned<Words> packed;
};

// The columns of one part of N, all of K.
void finish_columns(const Product& p, int64_t column, int64_t columns, Words* words, const ProductSink& sink) {
  const int64_t stride = rounded_up(columns, kColumns);
  const bool whole = p.part_depth >= p.k;  // else the sums of all rows wait for the next part of K
  const at::Tensor waiting = whole ? at::Tensor() : at::empty({p.m * stride}, at::kFloat);
  float* all = whole ? nullptr : waiting.mutable_data_ptr<float>();
  for (int64_t from = 0; from < p.k; from += p.part_depth) {
    const PackedPart part{column, columns, from, std::min(p.k, from + p.part_depth), words};
    p.b.wide != nullptr ? pack_part(p, p.b.wide, part) : pack_part(p, p.b.data, part);
    at::parallel_for(0, parts_of(p.m, p.block_rows), 1, [&](int64_t begin, int64_t end) {
      thread_local Scratch scratch;  // a thread's for good: as much as the largest block, below a megabyte
      float* own = whole ? scratch.sums.reserve(p.block_rows * stride) : nullptr;
      Words* packed = p.a.k_in_lines ? nullptr : scratch.packed.reserve(p.depth / 2 * rounded_up(p.block_rows, 16));
      for (int64_t block = begin; block < end; ++block) {
        const int64_t row = block * p.block_rows;
        const int64_t rows = std::min(p.block_rows, p.m - row);
        float* sums = whole ? own : all + row * stride;
        add_block(p, part, row, rows, sums, packed);
        if (part.to == p.k) {
          sink({row, rows, column, columns, sums, stride});
        }
      }
    });
  }
}

}  // namespace

bool has_bf16_product() { return bf16_dot::supported(); }

void bf16_product(const Bf16Matrix& a, const Bf16Matrix& b, int64_t m, int64_t n, int64_t k, const ProductSink& sink) {
  if (!has_bf16_product() || !fits_bf16_product(m, n, k)) {
    throw Error(ErrorKind::kInternal, "a bf16 product that this processor or kernel does not take");
  }
  const Product product(a, b, m, n, k);
  thread_local Aligned<Words> room;
  Words* words = room.reserve(std::min(rounded_up(k, product.depth), product.part_depth) / 2 * product.part_columns);
  for (int64_t column = 0; column < n; column += product.part_columns) {
    finish_columns(product, column, std::min(product.part_columns, n - column), words, sink);
  }
}

#else

bool has_bf16_product() { return false; }
void bf16_product(const Bf16Matrix&, const Bf16Matrix&, int64_t, int64_t, int64_t, const ProductSink&) {
  throw Error(ErrorKind::kInternal, "this build has no bf16 dot products");
}

#endif

bool fits_bf16_product(int64_t m, int64_t n, int64_t k) { return m > 0 && n > 0 && k > 1 && k % 2 == 0; }

}  // namespace athanor
