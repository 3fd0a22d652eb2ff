#include "athanor/tensor/rope.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <cmath>

#include "athanor/tensor/device/ops.h"
#include "athanor/tensor/simd.h"

namespace athanor {
namespace {

using simd::kLanes;
using simd::Vec;

struct RopeRows {
  void* x;
  const float* cos;
  const float* sin;
  const int64_t* position;
  int64_t width;
  int64_t num_heads;
  int64_t half;
  float sign;
  at::ScalarType dtype;
};

template <typename T>
ATHANOR_INLINE void turn_rows_of(const RopeRows& a, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    const float* cos = a.cos + a.position[n] * a.half;
    const float* sin = a.sin + a.position[n] * a.half;
    for (int64_t head = 0; head < a.num_heads; ++head) {
      T* low = static_cast<T*>(a.x) + n * a.width + head * 2 * a.half;
      T* high = low + a.half;
      int64_t i = 0;
      for (; i + kLanes <= a.half; i += kLanes) {
        const Vec c = simd::load(cos + i);
        const Vec s = simd::load(sin + i) * a.sign;
        const Vec x = simd::load(low + i);
        const Vec y = simd::load(high + i);
        simd::store(low + i, x * c - y * s);
        simd::store(high + i, y * c + x * s);
      }
      for (; i < a.half; ++i) {
        const float s = sin[i] * a.sign;
        const float x = static_cast<float>(low[i]);
        const float y = static_cast<float>(high[i]);
        low[i] = static_cast<T>(x * cos[i] - y * s);
        high[i] = static_cast<T>(y * cos[i] + x * s);
      }
    }
  }
}

ATHANOR_SIMD void turn_rows(const RopeRows& a, int64_t begin, int64_t end) {
  if (a.dtype == at::kBFloat16) {
    turn_rows_of<c10::BFloat16>(a, begin, end);
  } else if (a.dtype == at::kHalf) {
    turn_rows_of<c10::Half>(a, begin, end);
  } else {
    turn_rows_of<float>(a, begin, end);
  }
}

}  // namespace

std::vector<float> rope_frequencies(int64_t head_dim, double theta) {
  std::vector<float> frequencies(static_cast<size_t>(head_dim / 2));
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
    frequencies[i] = 1.0f / std::pow(static_cast<float>(theta), exponent);
  }
  return frequencies;
}

RopeTable make_rope_table(int64_t num_positions, const std::vector<float>& frequencies, double amplitude) {
  const auto factor = static_cast<float>(amplitude);
  const auto half = static_cast<int64_t>(frequencies.size());
  RopeTable table;
  table.cos_PH = at::empty({num_positions, half}, at::kFloat);
  table.sin_PH = at::empty({num_positions, half}, at::kFloat);
  float* cos = table.cos_PH.mutable_data_ptr<float>();
  float* sin = table.sin_PH.mutable_data_ptr<float>();
  for (int64_t p = 0; p < num_positions; ++p) {
    for (const float frequency : frequencies) {
      const float angle = static_cast<float>(p) * frequency;
      *cos++ = std::cos(angle) * factor;
      *sin++ = std::sin(angle) * factor;
    }
  }
  return table;
}

RopeTable make_rope_table(int64_t num_positions, int64_t head_dim, double theta) {
  return make_rope_table(num_positions, rope_frequencies(head_dim, theta));
}

void rope_(at::Tensor& x_NF, const RopeTable& table, const at::Tensor& position_N, int64_t num_heads,
           int64_t head_dim, bool inverse) {
  RECORD_USER_SCOPE("athanor::rope");
  if (device::on_gpu(x_NF)) {
    return device::rope_(x_NF, table, position_N, num_heads, head_dim, inverse);
  }
  const RopeRows args{x_NF.mutable_data_ptr(),
                      table.cos_PH.const_data_ptr<float>(),
                      table.sin_PH.const_data_ptr<float>(),
                      position_N.const_data_ptr<int64_t>(),
                      x_NF.size(1),
                      num_heads,
                      head_dim / 2,
                      inverse ? -1.0f : 1.0f,
                      x_NF.scalar_type()};
  const int64_t grain = std::max<int64_t>(1, 16384 / (num_heads * head_dim));
  at::parallel_for(0, x_NF.size(0), grain, [&](int64_t begin, int64_t end) { turn_rows(args, begin, end); });
}

}  // namespace athanor
