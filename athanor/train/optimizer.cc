#include "athanor/train/optimizer.h"

#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr int64_t kChunk = 16384;  // 64 KiB of each array: four of them stay in a core's second-level cache
constexpr int64_t kBlock = 1024;   // floats summed before the sum goes on in double
constexpr int64_t kLanes = 16;

#if defined(__x86_64__)
#define ATHANOR_OPTIMIZER_KERNEL \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3", "no-math-errno")))
#else
#define ATHANOR_OPTIMIZER_KERNEL __attribute__((optimize("O3", "no-math-errno")))
#endif

// Sixteen partial sums whatever the instruction set, so that the order of additions is always the same.
ATHANOR_OPTIMIZER_KERNEL double sum_of_squares(const float* x, int64_t count) {
  double total = 0;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t end = std::min(begin + kBlock, count);
    float lanes[kLanes] = {};
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        lanes[lane] += x[i + lane] * x[i + lane];
      }
    }
    for (; i < end; ++i) {
      lanes[0] += x[i] * x[i];
    }
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      total += lanes[lane];
    }
  }
  return total;
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

ATHANOR_OPTIMIZER_KERNEL void update(float* __restrict p, const float* __restrict g, float* __restrict m,
                                     float* __restrict v, int64_t count, const Coefficients& given) {
  const Coefficients c = given;
  for (int64_t i = 0; i < count; ++i) {
    const float grad = g[i] * c.grad_scale;
    const float moment1 = m[i] + c.one_minus_beta1 * (grad - m[i]);
    const float moment2 = c.beta2 * v[i] + c.one_minus_beta2 * grad * grad;
    const float denominator = std::sqrt(moment2) * c.inverse_root_correction2 + c.eps;
    m[i] = moment1;
    v[i] = moment2;
    p[i] = p[i] * c.keep - c.step_size * (moment1 / denominator);
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
