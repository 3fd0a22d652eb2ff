#include "athanor/tensor/attention_dot.h"

#include "athanor/base/error.h"
#include "athanor/tensor/attention_rows.h"
#include "athanor/tensor/bf16_dot.h"

namespace athanor {

#if defined(ATHANOR_BF16_DOT)
namespace {

using c10::BFloat16;

constexpr int64_t kBlock = 32;  // queries whose shares of dk and dv are added at once
constexpr int64_t kGroups = kBlock / kRows;

// One product of eight rows: word (r, p) of a lies at a + r * row + p * pair bytes; b is [pairs][b_width] words.
struct RowsTimes {
  const void* a;
  int64_t row;
  int64_t pair;
  const uint32_t* b;
  int64_t b_width;
  int64_t first_pair;
  int64_t last_pair;
  float* out;
  int64_t out_width;
  float scale;
};

// Columns [c, c + 16 kVectors). kAdd: on what out holds, unscaled.
template <int64_t kVectors, bool kAdd>
ATHANOR_DOT_INLINE void columns_of(const RowsTimes& x, int64_t c) {
  __m512 total[kRows][kVectors];
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t v = 0; v < kVectors; ++v) {
      total[r][v] = kAdd ? _mm512_loadu_ps(x.out + r * x.out_width + c + 16 * v) : _mm512_setzero_ps();
    }
  }
  const char* a = static_cast<const char*>(x.a) + x.first_pair * x.pair;
  const uint32_t* b = x.b + x.first_pair * x.b_width + c;
  for (int64_t p = x.first_pair; p < x.last_pair; ++p, a += x.pair, b += x.b_width) {
    __m512i right[kVectors];
#pragma GCC unroll 3
    for (int64_t v = 0; v < kVectors; ++v) {
      right[v] = _mm512_loadu_si512(b + 16 * v);
    }
#pragma GCC unroll 8
    for (int64_t r = 0; r < kRows; ++r) {
      const __m512i left = bf16_dot::everywhere(a + r * x.row);
#pragma GCC unroll 3
      for (int64_t v = 0; v < kVectors; ++v) {
        total[r][v] = bf16_dot::add_dot(total[r][v], left, right[v]);
      }
    }
  }
  const __m512 scale = _mm512_set1_ps(x.scale);
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t v = 0; v < kVectors; ++v) {
      _mm512_storeu_ps(x.out + r * x.out_width + c + 16 * v, kAdd ? total[r][v] : _mm512_mul_ps(total[r][v], scale));
    }
  }
}

// Columns [from, to), whole 16s.
template <bool kAdd>
ATHANOR_DOT void rows_times(const RowsTimes& x, int64_t from, int64_t to) {
  int64_t c = from;
  for (; c + 48 <= to && to - c != 64; c += 48) {
    columns_of<3, kAdd>(x, c);
  }
  for (; c + 32 <= to; c += 32) {
    columns_of<2, kAdd>(x, c);
  }
  for (; c < to; c += 16) {
    columns_of<1, kAdd>(x, c);
  }
}

const BFloat16* elements(HeadView view, int64_t t) { return static_cast<const BFloat16*>(view.data) + t * view.stride; }

// Rows [t, t + count) of a head, zeros after them, to [kBlock][dim].
void copy_block(HeadView from, int64_t t, int64_t count, int64_t dim, BFloat16* to) {
  for (int64_t r = 0; r < kBlock; ++r) {
    if (r < count) {
      std::copy_n(elements(from, t + r), dim, to + r * dim);
    } else {
      std::fill_n(to + r * dim, dim, BFloat16(0));
    }
  }
}

ATHANOR_DOT_INLINE void round_row(const float* from, BFloat16* to, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += 16) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), bf16_dot::rounded(_mm512_loadu_ps(from + i)));
  }
}

// Two rows of fp32 to words, zeros in the rest of the block's span.
ATHANOR_DOT_INLINE void pair_rows(const float* low, const float* high, uint32_t* to, Span span, Span block) {
  std::fill(to + block.begin, to + span.begin, 0U);
  for (int64_t i = span.begin; i < span.end; i += 16) {
    const __m256i a = bf16_dot::rounded(_mm512_loadu_ps(low + i));
    const __m256i b = bf16_dot::rounded(_mm512_loadu_ps(high + i));
    _mm512_storeu_si512(to + i, bf16_dot::interleaved(a, b));
  }
  std::fill(to + span.end, to + block.end, 0U);
}

ATHANOR_DOT_INLINE float dot_rows(const BFloat16* a, const BFloat16* b, int64_t dim) {
  __m512 total = _mm512_setzero_ps();
  for (int64_t i = 0; i < dim; i += 16) {
    total = _mm512_fmadd_ps(bf16_dot::widened(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i))),
                            bf16_dot::widened(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + i))), total);
  }
  return simd::sum(reinterpret_cast<Vec>(total));
}

ATHANOR_DOT void store_rows(const float* from, int64_t dim, int64_t rows, BFloat16* to, int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    round_row(from + r * dim, to + r * stride, 0, dim);
  }
}

ATHANOR_DOT void forward_group(const HeadShape& shape, AttentionDotScratch& s, int64_t t, int64_t rows,
                               const BFloat16* q, BFloat16* out, int64_t out_stride, float* lse) {
  const int64_t dim = shape.head_dim;
  const int64_t length = s.padded_length;
  const Span span = span_of(shape, t, rows);
  rows_times<false>({q, 2 * dim, 4, s.k_pairs_DS.data(), length, 0, dim / 2, s.p.data(), length, shape.scale},
                    span.begin, span.end);
  float inverse[kRows];
  for (int64_t r = 0; r < rows; ++r) {
    float* row = s.p.data() + r * length;
    const int64_t query = t + r;
    const float highest = row_max(row, shape.begin[query], shape.end[query]);
    const float sum = exp_row(row, span, shape.begin[query], shape.end[query], highest);
    inverse[r] = sum > 0 ? 1.0f / sum : 0.0f;
    lse[query] = sum > 0 ? highest + std::log(sum) : 0.0f;
    if (shape.threshold > 0) {
      drop_row(shape, query, span, row);
    }
    round_row(row, s.p16.data() + r * length, span.begin, span.end);
  }
  float* acc = s.acc.data();
  rows_times<false>({s.p16.data(), 2 * length, 4, s.v_pairs_SD.data(), dim, span.begin / 2, (span.keys_end + 1) / 2, acc,
                     dim, 1.0f}, 0, dim);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < dim; i += 16) {
      simd::store(acc + r * dim + i, simd::load(acc + r * dim + i) * inverse[r]);
    }
  }
  store_rows(acc, dim, rows, out, out_stride);
}

// One block's queries on their way back: their probabilities and score gradients as words, and their dq.
struct BackwardBlock {
  int64_t t;
  int64_t rows;
  Span span;             // of all
  Span spans[kGroups];   // of eight each
};

ATHANOR_DOT void backward_group(const HeadShape& shape, AttentionDotScratch& s, const BackwardBlock& block,
                                int64_t group, HeadView out, const float* lse, BFloat16* dq, int64_t dq_stride) {
  const int64_t dim = shape.head_dim;
  const int64_t length = s.padded_length;
  const int64_t t = block.t + group * kRows;
  const int64_t rows = std::clamp<int64_t>(block.rows - group * kRows, 0, kRows);
  const Span span = block.spans[group];
  float* p = s.p.data();
  float* dp = s.dp.data();
  if (rows > 0) {
    rows_times<false>({s.q.data() + group * kRows * dim, 2 * dim, 4, s.k_pairs_DS.data(), length, 0, dim / 2, p, length,
                       shape.scale}, span.begin, span.end);
    rows_times<false>({s.dout.data() + group * kRows * dim, 2 * dim, 4, s.v_pairs_DS.data(), length, 0, dim / 2, dp, length,
                       1.0f}, span.begin, span.end);
  }
  for (int64_t r = 0; r < kRows; ++r) {
    if (r >= rows) {
      std::fill(p + r * length + span.begin, p + r * length + span.end, 0.0f);
      std::fill(dp + r * length + span.begin, dp + r * length + span.end, 0.0f);
      continue;
    }
    exp_row(p + r * length, span, shape.begin[t + r], shape.end[t + r], lse[t + r]);
    if (shape.threshold > 0) {
      drop_row(shape, t + r, span, dp + r * length);
    }
    const float correction = dot_rows(s.dout.data() + (group * kRows + r) * dim, elements(out, t + r), dim);
    score_gradient(p + r * length, dp + r * length, span, correction, shape.scale);
    if (shape.threshold > 0) {
      drop_row(shape, t + r, span, p + r * length);
    }
    round_row(dp + r * length, s.p16.data() + r * length, span.begin, span.end);
  }
  for (int64_t r = 0; r < kRows; r += 2) {
    const int64_t at = (group * kRows + r) / 2 * length;
    pair_rows(p + r * length, p + (r + 1) * length, s.p_pairs.data() + at, span, block.span);
    pair_rows(dp + r * length, dp + (r + 1) * length, s.ds_pairs.data() + at, span, block.span);
  }
  if (rows > 0) {
    rows_times<false>({s.p16.data(), 2 * length, 4, s.k_pairs_SD.data(), dim, span.begin / 2, (span.keys_end + 1) / 2,
                       s.acc.data(), dim, 1.0f}, 0, dim);
    store_rows(s.acc.data(), dim, rows, dq + t * dq_stride, dq_stride);
  }
}

// dk and dv of eight keys: the queries of those groups that read any of them.
ATHANOR_DOT void add_keys(AttentionDotScratch& s, const BackwardBlock& block, int64_t key, int64_t dim, float* dk,
                          float* dv) {
  int64_t first = kGroups;
  int64_t last = 0;
  for (int64_t g = 0; g < kGroups; ++g) {
    if (block.spans[g].begin < key + kRows && block.spans[g].keys_end > key) {
      first = std::min(first, g);
      last = g + 1;
    }
  }
  if (first >= last) {
    return;
  }
  const int64_t pair = 4 * s.padded_length;
  const int64_t from = first * kRows / 2;
  const int64_t to = last * kRows / 2;
  rows_times<true>({s.p_pairs.data() + key, 4, pair, s.dout_pairs.data(), dim, from, to, dv + key * dim, dim, 1.0f}, 0, dim);
  rows_times<true>({s.ds_pairs.data() + key, 4, pair, s.q_pairs.data(), dim, from, to, dk + key * dim, dim, 1.0f}, 0, dim);
}

BackwardBlock block_at(const HeadShape& shape, int64_t t) {
  BackwardBlock block{t, std::min(kBlock, shape.length - t), {}, {}};
  block.span = span_of(shape, t, block.rows);
  for (int64_t g = 0; g < kGroups; ++g) {
    const int64_t rows = std::min(kRows, block.rows - g * kRows);
    block.spans[g] = rows > 0 ? span_of(shape, t + g * kRows, rows) : Span{block.span.begin, block.span.begin, 0};
  }
  return block;
}

}  // namespace

bool takes_attention_dot(const HeadShape& shape) {
  return shape.dtype == at::kBFloat16 && shape.head_dim % 32 == 0 && shape.length % 2 == 0 && bf16_dot::supported();
}

void AttentionDotScratch::load(const HeadShape& shape, HeadView k, HeadView v, bool backward) {
  const int64_t dim = shape.head_dim;
  padded_length = (shape.length + kSpanStep - 1) / kSpanStep * kSpanStep;
  const int64_t words = dim * padded_length / 2;
  const auto across = [&](HeadView from, Aligned<uint32_t>& to) {
    bf16_dot::pack_lines(elements(from, 0), from.stride, dim, shape.length, padded_length, to.reserve(words));
  };
  const auto along = [&](HeadView from, Aligned<uint32_t>& to) {
    bf16_dot::interleave_lines(elements(from, 0), from.stride, shape.length, dim, dim, to.reserve(words));
  };
  across(k, k_pairs_DS);
  p.reserve(kRows * padded_length);
  acc.reserve(kRows * dim);
  q.reserve(kBlock * dim);
  p16.reserve(kRows * padded_length);
  if (!backward) {
    along(v, v_pairs_SD);
    return;
  }
  across(v, v_pairs_DS);
  along(k, k_pairs_SD);
  dp.reserve(kRows * padded_length);
  dout.reserve(kBlock * dim);
  p_pairs.reserve(kBlock / 2 * padded_length);
  ds_pairs.reserve(kBlock / 2 * padded_length);
  q_pairs.reserve(kBlock / 2 * dim);
  dout_pairs.reserve(kBlock / 2 * dim);
}

void attention_dot_forward(const HeadShape& shape, AttentionDotScratch& s, HeadView q, void* out, int64_t out_stride,
                           float* lse) {
  const int64_t dim = shape.head_dim;
  for (int64_t t = 0; t < shape.length; t += kBlock) {
    const int64_t count = std::min(kBlock, shape.length - t);
    copy_block(q, t, count, dim, s.q.data());
    for (int64_t r = 0; r < count; r += kRows) {
      forward_group(shape, s, t + r, std::min(kRows, count - r), s.q.data() + r * dim,
                    static_cast<BFloat16*>(out) + (t + r) * out_stride, out_stride, lse);
    }
  }
}

void attention_dot_backward(const HeadShape& shape, AttentionDotScratch& s, HeadView q, HeadView out, HeadView dout,
                            const float* lse, float* dk_SD, float* dv_SD, void* dq, int64_t dq_stride) {
  const int64_t dim = shape.head_dim;
  for (int64_t t = 0; t < shape.length; t += kBlock) {
    const BackwardBlock block = block_at(shape, t);
    copy_block(q, t, block.rows, dim, s.q.data());
    copy_block(dout, t, block.rows, dim, s.dout.data());
    bf16_dot::interleave_lines(s.q.data(), dim, kBlock, dim, dim, s.q_pairs.data());
    bf16_dot::interleave_lines(s.dout.data(), dim, kBlock, dim, dim, s.dout_pairs.data());
    for (int64_t g = 0; g < kGroups; ++g) {
      backward_group(shape, s, block, g, out, lse, static_cast<BFloat16*>(dq), dq_stride);
    }
    for (int64_t key = block.span.begin; key < block.span.keys_end; key += kRows) {
      add_keys(s, block, key, dim, dk_SD, dv_SD);
    }
  }
}

#else

bool takes_attention_dot(const HeadShape&) { return false; }
void AttentionDotScratch::load(const HeadShape&, HeadView, HeadView, bool) {}
void attention_dot_forward(const HeadShape&, AttentionDotScratch&, HeadView, void*, int64_t, float*) {
  throw Error(ErrorKind::kInternal, "this build has no bf16 dot products");
}
void attention_dot_backward(const HeadShape&, AttentionDotScratch&, HeadView, HeadView, HeadView, const float*, float*,
                            float*, void*, int64_t) {
  throw Error(ErrorKind::kInternal, "this build has no bf16 dot products");
}

#endif

}  // namespace athanor
