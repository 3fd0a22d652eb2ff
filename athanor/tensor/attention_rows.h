// What the attention kernels do to eight queries' rows of scores. Included by them alone.
#pragma once

#include <algorithm>
#include <cmath>

#include "athanor/base/rng.h"
#include "athanor/tensor/attention_head.h"
#include "athanor/tensor/simd.h"

namespace athanor {

using simd::kLanes;
using simd::Vec;

constexpr int64_t kRows = 8;                // queries at a time
constexpr int64_t kSpanStep = 2 * kLanes;   // spans begin and end at multiples of it

// The columns that eight queries from t on read: whole vectors around [smallest begin, largest end).
struct Span {
  int64_t begin;
  int64_t end;
  int64_t keys_end;  // largest end itself
};
ATHANOR_INLINE Span span_of(const HeadShape& shape, int64_t t, int64_t rows) {
  int64_t begin = shape.begin[t];
  int64_t end = shape.end[t];
  for (int64_t r = 1; r < rows; ++r) {
    begin = std::min(begin, shape.begin[t + r]);
    end = std::max(end, shape.end[t + r]);
  }
  end = std::max(begin, end);
  return {begin / kSpanStep * kSpanStep, (end + kSpanStep - 1) / kSpanStep * kSpanStep, end};
}

// Zero outside [begin, end), e^(x - shift) inside. Returns the sum.
ATHANOR_INLINE float exp_row(float* row, Span span, int64_t begin, int64_t end, float shift) {
  if (begin >= end) {
    std::fill(row + span.begin, row + span.end, 0.0f);
    return 0.0f;
  }
  std::fill(row + span.begin, row + begin, 0.0f);
  std::fill(row + end, row + span.end, 0.0f);
  Vec total = simd::splat(0);
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    const Vec e = simd::exp(simd::load(row + i) - shift);
    simd::store(row + i, e);
    total += e;
  }
  if (i < end) {
    const int64_t left = end - i;
    simd::store_part(row + i, simd::exp(simd::load_part(row + i, left) - shift), left);
    for (; i < end; ++i) {
      total[0] += row[i];
    }
  }
  return simd::sum(total);
}

// 0 where there are no keys.
ATHANOR_INLINE float row_max(const float* row, int64_t begin, int64_t end) {
  if (begin >= end) {
    return 0.0f;
  }
  Vec best = simd::splat(-INFINITY);
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    best = simd::max(best, simd::load(row + i));
  }
  float highest = simd::max_lane(best);
  for (; i < end; ++i) {
    highest = std::max(highest, row[i]);
  }
  return highest;
}

ATHANOR_INLINE float dot(const float* a, const float* b, int64_t width) {
  Vec total = simd::splat(0);
  for (int64_t i = 0; i < width; i += kLanes) {
    total += simd::load(a + i) * simd::load(b + i);
  }
  return simd::sum(total);
}

// The span's numbers of query t times the mask of dropout.
ATHANOR_INLINE void drop_row(const HeadShape& shape, int64_t t, Span span, float* row) {
  const uint64_t key = shape.dropout_key + static_cast<uint64_t>(t * shape.length);
  for (int64_t i = span.begin; i < span.end; i += kLanes) {
    Vec kept = simd::splat(shape.kept);
    for (int64_t j = 0; j < kLanes; ++j) {
      kept[j] = (mix64(key + static_cast<uint64_t>(i + j)) >> 32) >= shape.threshold ? shape.kept : 0.0f;
    }
    simd::store(row + i, simd::load(row + i) * kept);
  }
}

// dS = scale P (dP - sum(dout * out)) over [span], in place over dp.
ATHANOR_INLINE void score_gradient(const float* p, float* dp, Span span, float correction, float scale) {
  for (int64_t i = span.begin; i < span.end; i += kLanes) {
    simd::store(dp + i, simd::load(p + i) * (simd::load(dp + i) - correction) * scale);
  }
}

}  // namespace athanor
