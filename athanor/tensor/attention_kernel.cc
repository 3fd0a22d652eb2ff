#include "athanor/tensor/attention_kernel.h"

#include <algorithm>
#include <cmath>

#include "athanor/tensor/attention_rows.h"

namespace athanor {
namespace {

using simd::kLanes;
using simd::Vec;

constexpr int64_t kStep = kSpanStep;  // columns at a time: 16 sums in registers

int64_t padded(int64_t n) { return (n + kStep - 1) / kStep * kStep; }

template <typename T>
ATHANOR_INLINE void load_row(const T* from, float* to, int64_t dim, int64_t padded_dim, float scale) {
  int64_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    simd::store(to + i, simd::load(from + i) * scale);
  }
  for (; i < dim; ++i) {
    to[i] = static_cast<float>(from[i]) * scale;
  }
  for (; i < padded_dim; ++i) {
    to[i] = 0;
  }
}

ATHANOR_INLINE void read_row(const HeadShape& shape, HeadView view, int64_t t, float* to, int64_t padded_dim,
                             float scale) {
  if (shape.dtype == at::kBFloat16) {
    load_row(static_cast<const c10::BFloat16*>(view.data) + t * view.stride, to, shape.head_dim, padded_dim, scale);
  } else if (shape.dtype == at::kHalf) {
    load_row(static_cast<const c10::Half*>(view.data) + t * view.stride, to, shape.head_dim, padded_dim, scale);
  } else {
    load_row(static_cast<const float*>(view.data) + t * view.stride, to, shape.head_dim, padded_dim, scale);
  }
}

template <typename T>
ATHANOR_INLINE void store_row(const float* from, T* to, int64_t dim) {
  int64_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    simd::store(to + i, simd::load(from + i));
  }
  for (; i < dim; ++i) {
    to[i] = static_cast<T>(from[i]);
  }
}

ATHANOR_INLINE void write_row(const HeadShape& shape, const float* from, void* to, int64_t offset) {
  if (shape.dtype == at::kBFloat16) {
    store_row(from, static_cast<c10::BFloat16*>(to) + offset, shape.head_dim);
  } else if (shape.dtype == at::kHalf) {
    store_row(from, static_cast<c10::Half*>(to) + offset, shape.head_dim);
  } else {
    store_row(from, static_cast<float*>(to) + offset, shape.head_dim);
  }
}

// out[r][c] (+)= sum over i in [begin, end) of a[r][i] b[i][c], for 8 rows and the columns [from, to).
template <bool kAdd>
ATHANOR_INLINE void rows_times(const float* a, int64_t a_stride, const float* b, int64_t b_stride, int64_t begin,
                               int64_t end, float* out, int64_t out_stride, int64_t from, int64_t to) {
  for (int64_t c = from; c < to; c += kStep) {
    Vec low[kRows];
    Vec high[kRows];
    for (int64_t r = 0; r < kRows; ++r) {
      low[r] = kAdd ? simd::load(out + r * out_stride + c) : simd::splat(0);
      high[r] = kAdd ? simd::load(out + r * out_stride + c + kLanes) : simd::splat(0);
    }
    for (int64_t i = begin; i < end; ++i) {
      const Vec b_low = simd::load(b + i * b_stride + c);
      const Vec b_high = simd::load(b + i * b_stride + c + kLanes);
      for (int64_t r = 0; r < kRows; ++r) {
        const float x = a[r * a_stride + i];
        low[r] += x * b_low;
        high[r] += x * b_high;
      }
    }
    for (int64_t r = 0; r < kRows; ++r) {
      simd::store(out + r * out_stride + c, low[r]);
      simd::store(out + r * out_stride + c + kLanes, high[r]);
    }
  }
}

// out[i][c] += sum over the 8 rows of a[r][i] b[r][c], for i in [begin, end).
ATHANOR_INLINE void add_outer(const float* a, int64_t a_stride, const float* b, int64_t width, float* out,
                              int64_t begin, int64_t end) {
  for (int64_t c = 0; c < width; c += kStep) {
    Vec low[kRows];
    Vec high[kRows];
    for (int64_t r = 0; r < kRows; ++r) {
      low[r] = simd::load(b + r * width + c);
      high[r] = simd::load(b + r * width + c + kLanes);
    }
    for (int64_t i = begin; i < end; ++i) {
      float* to = out + i * width + c;
      Vec sum_low = simd::load(to);
      Vec sum_high = simd::load(to + kLanes);
      for (int64_t r = 0; r < kRows; ++r) {
        const float x = a[r * a_stride + i];
        sum_low += x * low[r];
        sum_high += x * high[r];
      }
      simd::store(to, sum_low);
      simd::store(to + kLanes, sum_high);
    }
  }
}

ATHANOR_SIMD void load_rows(const HeadShape& shape, HeadView view, float* rows, float* columns, int64_t padded_dim,
                            int64_t padded_length) {
  for (int64_t t = 0; t < shape.length; ++t) {
    read_row(shape, view, t, rows + t * padded_dim, padded_dim, 1.0f);
  }
  std::fill(rows + shape.length * padded_dim, rows + padded_length * padded_dim, 0.0f);
  // Transposed sixteen positions at a time, so that whole vectors are written.
  for (int64_t t = 0; t < padded_length; t += kLanes) {
    for (int64_t d = 0; d < padded_dim; ++d) {
      float lanes[kLanes];
      for (int64_t j = 0; j < kLanes; ++j) {
        lanes[j] = rows[(t + j) * padded_dim + d];
      }
      simd::store(columns + d * padded_length + t, simd::load(lanes));
    }
  }
}

ATHANOR_SIMD void forward_rows(const HeadShape& shape, AttentionScratch& s, HeadView q, void* out, int64_t out_stride,
                               float* lse) {
  const int64_t dim = s.padded_dim;
  const int64_t length = s.padded_length;
  for (int64_t t = 0; t < shape.length; t += kRows) {
    const int64_t rows = std::min(kRows, shape.length - t);
    for (int64_t r = 0; r < kRows; ++r) {  // the rows past the end repeat the last one; nobody reads them
      read_row(shape, q, t + std::min(r, rows - 1), s.q.data() + r * dim, dim, shape.scale);
    }
    const Span span = span_of(shape, t, rows);
    rows_times<false>(s.q.data(), dim, s.k_DS.data(), length, 0, dim, s.p.data(), length, span.begin, span.end);
    float inverse[kRows];
    for (int64_t r = 0; r < kRows; ++r) {
      float* row = s.p.data() + r * length;
      const int64_t query = t + std::min(r, rows - 1);
      const float highest = row_max(row, shape.begin[query], shape.end[query]);
      const float sum = exp_row(row, span, shape.begin[query], shape.end[query], highest);
      inverse[r] = sum > 0 ? 1.0f / sum : 0.0f;
      lse[query] = sum > 0 ? highest + std::log(sum) : 0.0f;
      if (shape.threshold > 0) {
        drop_row(shape, query, span, row);
      }
    }
    rows_times<false>(s.p.data(), length, s.v_SD.data(), dim, span.begin, span.keys_end, s.acc.data(), dim, 0, dim);
    for (int64_t r = 0; r < rows; ++r) {
      float* row = s.acc.data() + r * dim;
      for (int64_t i = 0; i < dim; i += kLanes) {
        simd::store(row + i, simd::load(row + i) * inverse[r]);
      }
      write_row(shape, row, out, (t + r) * out_stride);
    }
  }
}

ATHANOR_SIMD void backward_rows(const HeadShape& shape, AttentionScratch& s, HeadView q, HeadView out, HeadView dout,
                                const float* lse, void* dq, int64_t dq_stride) {
  const int64_t dim = s.padded_dim;
  const int64_t length = s.padded_length;
  for (int64_t t = 0; t < shape.length; t += kRows) {
    const int64_t rows = std::min(kRows, shape.length - t);
    const Span span = span_of(shape, t, rows);
    float correction[kRows];
    for (int64_t r = 0; r < kRows; ++r) {
      float* dout_row = s.dout.data() + r * dim;
      read_row(shape, q, t + std::min(r, rows - 1), s.q.data() + r * dim, dim, shape.scale);
      read_row(shape, out, t + std::min(r, rows - 1), s.acc.data(), dim, 1.0f);
      read_row(shape, dout, t + std::min(r, rows - 1), dout_row, dim, r < rows ? 1.0f : 0.0f);
      correction[r] = dot(dout_row, s.acc.data(), dim);
    }
    rows_times<false>(s.q.data(), dim, s.k_DS.data(), length, 0, dim, s.p.data(), length, span.begin, span.end);
    rows_times<false>(s.dout.data(), dim, s.v_DS.data(), length, 0, dim, s.dp.data(), length, span.begin, span.end);
    for (int64_t r = 0; r < kRows; ++r) {
      const int64_t query = t + std::min(r, rows - 1);
      exp_row(s.p.data() + r * length, span, shape.begin[query], shape.end[query], lse[query]);
      if (shape.threshold > 0) {
        drop_row(shape, query, span, s.dp.data() + r * length);
      }
      score_gradient(s.p.data() + r * length, s.dp.data() + r * length, span, correction[r], 1.0f);  // q is scaled
      if (shape.threshold > 0) {
        drop_row(shape, query, span, s.p.data() + r * length);
      }
    }
    add_outer(s.p.data(), length, s.dout.data(), dim, s.dv_SD.data(), span.begin, span.keys_end);
    add_outer(s.dp.data(), length, s.q.data(), dim, s.dk_SD.data(), span.begin, span.keys_end);
    rows_times<false>(s.dp.data(), length, s.k_SD.data(), dim, span.begin, span.keys_end, s.acc.data(), dim, 0, dim);
    for (int64_t r = 0; r < rows; ++r) {
      float* row = s.acc.data() + r * dim;
      for (int64_t i = 0; i < dim; i += kLanes) {
        simd::store(row + i, simd::load(row + i) * shape.scale);
      }
      write_row(shape, row, dq, (t + r) * dq_stride);
    }
  }
}

ATHANOR_SIMD void store_rows(const HeadShape& shape, const float* rows, int64_t padded_dim, void* to, int64_t stride) {
  for (int64_t t = 0; t < shape.length; ++t) {
    write_row(shape, rows + t * padded_dim, to, t * stride);
  }
}

}  // namespace

void AttentionScratch::load(const HeadShape& shape, HeadView k, HeadView v, bool backward) {
  padded_dim = padded(shape.head_dim);
  padded_length = padded(shape.length);
  const auto size = static_cast<size_t>(padded_dim * padded_length);
  if (backward) {
    dk_SD.assign(size, 0.0f);
    dv_SD.assign(size, 0.0f);
  }
  if (takes_attention_dot(shape)) {
    dots.load(shape, k, v, backward);
    return;
  }
  for (std::vector<float>* buffer : {&k_SD, &k_DS, &v_SD, &v_DS}) {
    buffer->resize(size);
  }
  for (std::vector<float>* buffer : {&p, &dp}) {
    buffer->resize(static_cast<size_t>(kRows * padded_length));
  }
  for (std::vector<float>* buffer : {&q, &dout, &acc}) {
    buffer->resize(static_cast<size_t>(kRows * padded_dim));
  }
  load_rows(shape, k, k_SD.data(), k_DS.data(), padded_dim, padded_length);
  load_rows(shape, v, v_SD.data(), v_DS.data(), padded_dim, padded_length);
}

void attention_head_forward(const HeadShape& shape, AttentionScratch& scratch, HeadView q, void* out,
                            int64_t out_stride, float* lse) {
  if (takes_attention_dot(shape)) {
    return attention_dot_forward(shape, scratch.dots, q, out, out_stride, lse);
  }
  forward_rows(shape, scratch, q, out, out_stride, lse);
}

void attention_head_backward(const HeadShape& shape, AttentionScratch& scratch, HeadView q, HeadView out, HeadView dout,
                             const float* lse, void* dq, int64_t dq_stride) {
  if (takes_attention_dot(shape)) {
    return attention_dot_backward(shape, scratch.dots, q, out, dout, lse, scratch.dk_SD.data(), scratch.dv_SD.data(), dq,
                                  dq_stride);
  }
  backward_rows(shape, scratch, q, out, dout, lse, dq, dq_stride);
}

void store_head(const HeadShape& shape, const std::vector<float>& rows, int64_t padded_dim, void* to, int64_t stride) {
  store_rows(shape, rows.data(), padded_dim, to, stride);
}

}  // namespace athanor
