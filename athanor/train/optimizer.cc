#include "athanor/train/optimizer.h"

#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/tensor/simd.h"

namespace athanor {

namespace {

using simd::kLanes;
using simd::Vec;

constexpr int64_t kChunk = 16384;  // 64 KiB of each array: four of them stay in a core's second-level cache
constexpr int64_t kBlock = 1024;   // floats summed before the sum goes on in double

// Sixteen partial sums whatever the instruction set, so that the order of additions is always the same.
ATHANOR_SIMD double sum_of_squares(const float* x, int64_t count) {
  double total = 0;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t size = count - begin < kBlock ? count - begin : kBlock;
    const float* block = x + begin;
    Vec squares = simd::splat(0);
    int64_t i = 0;
    for (; i + kLanes <= size; i += kLanes) {
      const Vec value = simd::load(block + i);
      squares += value * value;
    }
    if (i < size) {
      const Vec value = simd::load_part(block + i, size - i);
      squares += value * value;
    }
    total += simd::sum(squares);
  }
  return total;
}

// The square root of x >= 0 within 2 ulp, 0 for 0: 1 / sqrt(x) from the exponent bits, three steps of Newton. (The
// compiler would make a vector of sqrtf only under a flag for the whole file.)
ATHANOR_INLINE Vec root(Vec x) {
  Vec y = reinterpret_cast<Vec>(0x5f3759df - (reinterpret_cast<simd::IntVec>(x) >> 1));
  const Vec half = x * 0.5f;
  y = y * (1.5f - half * y * y);
  y = y * (1.5f - half * y * y);
  y = y * (1.5f - half * y * y);
  return x * y;
}

struct Coefficients {
  float grad_scale;
  float keep;  // 1 - lr * weight decay
  float one_minus_beta1;
  float beta2;
  float one_minus_beta2;
  float inverse_root_correction2;  // 1 / sqrt(1 - beta2^t)
  float eps;
  float step_size;  // lr / (1 - beta1^t)
};

struct Vectors {
  Vec weight;
  Vec moment1;
  Vec moment2;
};

ATHANOR_INLINE void update_lanes(Vectors& x, Vec raw_grad, const Coefficients& c) {
  const Vec grad = raw_grad * c.grad_scale;
  x.moment1 = x.moment1 + c.one_minus_beta1 * (grad - x.moment1);
  x.moment2 = c.beta2 * x.moment2 + c.one_minus_beta2 * grad * grad;
  const Vec denominator = root(x.moment2) * c.inverse_root_correction2 + c.eps;
  x.weight = x.weight * c.keep - c.step_size * (x.moment1 / denominator);
}

ATHANOR_SIMD void update(float* p, const float* g, float* m, float* v, int64_t count, const Coefficients& given) {
  const Coefficients c = given;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    Vectors x{simd::load(p + i), simd::load(m + i), simd::load(v + i)};
    update_lanes(x, simd::load(g + i), c);
    simd::store(p + i, x.weight);
    simd::store(m + i, x.moment1);
    simd::store(v + i, x.moment2);
  }
  if (const int64_t rest = count - i; rest > 0) {
    Vectors x{simd::load_part(p + i, rest), simd::load_part(m + i, rest), simd::load_part(v + i, rest)};
    update_lanes(x, simd::load_part(g + i, rest), c);
    simd::store_part(p + i, x.weight, rest);
    simd::store_part(m + i, x.moment1, rest);
    simd::store_part(v + i, x.moment2, rest);
  }
}

}  // namespace

double clip_scale(double norm, double max_norm) {
  return max_norm > 0 && norm > max_norm ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0;
}

AdamW::AdamW(std::vector<NamedParameter> parameters, const OptimizerOptions& options)
    : parameters_(std::move(parameters)), options_(options) {
  int64_t total = 0;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& tensor = parameters_[i].tensor;
    if (tensor.scalar_type() != at::kFloat || !tensor.is_contiguous()) {
      throw Error(ErrorKind::kInternal, "AdamW needs contiguous fp32 parameters", parameters_[i].name);
    }
    offsets_.push_back(total);
    for (int64_t begin = 0; begin < tensor.numel(); begin += kChunk) {
      chunks_.push_back({i, begin, std::min(kChunk, tensor.numel() - begin)});
    }
    total += tensor.numel();
  }
  moment1_ = at::zeros({total}, at::kFloat);
  moment2_ = at::zeros({total}, at::kFloat);
}

std::vector<const float*> AdamW::gradients() const {
  std::vector<const float*> result;
  result.reserve(parameters_.size());
  for (const NamedParameter& parameter : parameters_) {
    at::Tensor& grad = parameter.tensor.mutable_grad();
    if (!grad.defined()) {
      result.push_back(nullptr);
      continue;
    }
    if (grad.scalar_type() != at::kFloat || grad.numel() != parameter.tensor.numel()) {
      throw Error(ErrorKind::kInternal, "a gradient has another type or shape than its parameter", parameter.name);
    }
    if (!grad.is_contiguous()) {
      grad = grad.contiguous();
    }
    result.push_back(grad.const_data_ptr<float>());
  }
  return result;
}

double AdamW::grad_norm() const {
  const std::vector<const float*> grads = gradients();
  std::vector<double> partial(chunks_.size());
  at::parallel_for(0, static_cast<int64_t>(chunks_.size()), 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Chunk& chunk = chunks_[i];
      const float* grad = grads[chunk.parameter];
      partial[i] = grad == nullptr ? 0 : sum_of_squares(grad + chunk.begin, chunk.count);
    }
  });
  double total = 0;
  for (double value : partial) {
    total += value;
  }
  return std::sqrt(total);
}

void AdamW::step(double lr, double grad_scale) {
  ++num_updates_;
  const auto t = static_cast<double>(num_updates_);
  Coefficients common{};
  common.grad_scale = static_cast<float>(grad_scale);
  common.one_minus_beta1 = static_cast<float>(1 - options_.beta1);
  common.beta2 = static_cast<float>(options_.beta2);
  common.one_minus_beta2 = static_cast<float>(1 - options_.beta2);
  common.inverse_root_correction2 = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, t)));
  common.eps = static_cast<float>(options_.eps);
  common.step_size = static_cast<float>(lr / (1 - std::pow(options_.beta1, t)));
  const std::vector<const float*> grads = gradients();
  std::vector<float*> weights;
  weights.reserve(parameters_.size());
  for (const NamedParameter& parameter : parameters_) {
    weights.push_back(parameter.tensor.mutable_data_ptr<float>());
  }
  auto* m = moment1_.mutable_data_ptr<float>();
  auto* v = moment2_.mutable_data_ptr<float>();
  at::parallel_for(0, static_cast<int64_t>(chunks_.size()), 2, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Chunk& chunk = chunks_[i];
      if (grads[chunk.parameter] == nullptr) {
        continue;
      }
      Coefficients c = common;
      c.keep = parameters_[chunk.parameter].decay ? static_cast<float>(1 - lr * options_.weight_decay) : 1.0f;
      const int64_t place = offsets_[chunk.parameter] + chunk.begin;
      update(weights[chunk.parameter] + chunk.begin, grads[chunk.parameter] + chunk.begin, m + place, v + place,
             chunk.count, c);
    }
  });
}

void AdamW::zero_grad() {
  for (const NamedParameter& parameter : parameters_) {
    parameter.tensor.mutable_grad().reset();
  }
}

std::vector<std::pair<std::string, at::Tensor>> AdamW::state() const {
  std::vector<std::pair<std::string, at::Tensor>> result;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& tensor = parameters_[i].tensor;
    const auto view = [&](const at::Tensor& moments) {
      return moments.narrow(0, offsets_[i], tensor.numel()).view(tensor.sizes());
    };
    result.emplace_back("exp_avg." + parameters_[i].name, view(moment1_));
    result.emplace_back("exp_avg_sq." + parameters_[i].name, view(moment2_));
  }
  return result;
}

}  // namespace athanor
