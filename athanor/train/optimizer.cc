#include "athanor/train/optimizer.h"

#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/model/vocabulary_change.h"
#include "athanor/tensor/simd.h"
#include "athanor/train/muon.h"
#include "athanor/train/parameter_groups.h"

namespace athanor {

namespace {

using simd::kLanes;
using simd::Vec;

constexpr int64_t kBlock = 1024;   // floats summed before the sum goes on in double
constexpr const char* kMuonSlot = "momentum_buffer";

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

}  // namespace

double clip_scale(double norm, double max_norm) {
  return max_norm > 0 && norm > max_norm ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0;
}

bool is_muon_matrix(const NamedParameter& parameter) {
  return parameter.tensor.dim() == 2 && parameter.decay && !is_token_table(parameter.name) &&
         !parameter.name.ends_with("wpe.weight");
}

int64_t optimizer_bytes(const OptimizerOptions& options, int64_t elements, int64_t muon_elements) {
  const auto slots = static_cast<int64_t>(optimizer_rule(with_defaults(options)).slots.size());
  const int64_t width = options.state == "bf16" ? 2 : 4;
  const int64_t matrices = options.name == "muon" ? muon_elements : 0;
  return width * (slots * (elements - matrices) + matrices);
}

Optimizer::Optimizer(std::vector<NamedParameter> parameters, const OptimizerOptions& options, bool bf16_products,
                     std::vector<ParameterPlace> places)
    : parameters_(std::move(parameters)),
      options_(with_defaults(options)),
      rule_(optimizer_rule(options_)),
      bf16_products_(bf16_products) {
  const std::vector<ParameterGroup> groups = parse_groups(options_.groups);
  std::vector<int64_t> sizes(rule_.slots.size());
  ParameterPlace next;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const auto& [name, tensor, decay] = parameters_[i];
    if (tensor.scalar_type() != at::kFloat || !tensor.is_contiguous()) {
      throw Error(ErrorKind::kInternal, "an optimiser needs contiguous fp32 parameters", name);
    }
    const ParameterGroup group = group_of(groups, name);
    Setting setting;
    setting.lr = group.lr;
    setting.weight_decay = group.weight_decay.value_or(decay ? options_.weight_decay : 0);
    setting.penalised = decay;
    setting.muon = options_.name == "muon" && is_muon_matrix(parameters_[i]);
    setting.place = places.empty() ? next : places.at(i);
    for (size_t slot = 0; slot < sizes.size(); ++slot) {
      setting.slots.push_back(sizes[slot]);
      sizes[slot] += setting.muon && slot > 0 ? 0 : tensor.numel();  // muon has one array
    }
    settings_.push_back(setting);
    for (int64_t begin = 0; begin < tensor.numel(); begin += kChunk) {
      chunks_.push_back({i, begin, std::min(kChunk, tensor.numel() - begin), setting.place.chunk + begin / kChunk});
    }
    next.element += tensor.numel();
    next.chunk += num_chunks(tensor.numel());
  }
  for (const int64_t size : sizes) {
    const auto type = options_.state == "bf16" ? at::kBFloat16 : at::kFloat;
    slots_.push_back(at::zeros({size}, at::TensorOptions(type).device(on_gpu() ? parameters_[0].tensor.device() : at::kCPU)));
  }
}

std::vector<const float*> Optimizer::gradients() const {
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

std::vector<double> Optimizer::chunk_squares() const {
  if (on_gpu()) {
    return gpu_squares();
  }
  const std::vector<const float*> grads = gradients();
  std::vector<double> partial(chunks_.size());
  at::parallel_for(0, static_cast<int64_t>(chunks_.size()), 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Chunk& chunk = chunks_[i];
      const float* grad = grads[chunk.parameter];
      partial[i] = grad == nullptr || settings_[chunk.parameter].lr == 0 ? 0 : sum_of_squares(grad + chunk.begin, chunk.count);
    }
  });
  return partial;
}

double Optimizer::grad_norm() const {
  double total = 0;
  for (const double value : chunk_squares()) {
    total += value;
  }
  return std::sqrt(total);
}

UpdateCoefficients Optimizer::coefficients_of(const Setting& setting, double lr, double grad_scale) const {
  UpdateCoefficients c = rule_.coefficients(options_, lr * setting.lr, static_cast<double>(num_updates_));
  c.grad_scale = static_cast<float>(grad_scale);
  c.keep = static_cast<float>(1 - lr * setting.lr * setting.weight_decay);
  c.l1 = setting.penalised ? static_cast<float>(options_.l1) : 0;
  c.l2 = setting.penalised ? static_cast<float>(options_.l2) : 0;
  c.rounding = static_cast<uint64_t>(num_updates_) * 0x9e3779b97f4a7c15ULL >> 32;
  return c;
}

void Optimizer::step(double lr, double grad_scale) {
  ++num_updates_;
  const std::vector<const float*> grads = gradients();
  on_gpu() ? step_on_gpu(lr, grad_scale, grads) : step_elements(lr, grad_scale, grads);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (settings_[i].muon && grads[i] != nullptr && settings_[i].lr > 0) {
      step_matrix(i, lr, grad_scale);
    }
  }
}

void Optimizer::step_elements(double lr, double grad_scale, const std::vector<const float*>& grads) {
  std::vector<float*> weights;
  std::vector<UpdateCoefficients> coefficients;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    weights.push_back(parameters_[i].tensor.mutable_data_ptr<float>());
    coefficients.push_back(coefficients_of(settings_[i], lr, grad_scale));
  }
  const bool bf16 = options_.state == "bf16";
  const int64_t width = bf16 ? 2 : 4;
  at::parallel_for(0, static_cast<int64_t>(chunks_.size()), 2, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Chunk& chunk = chunks_[i];
      const Setting& setting = settings_[chunk.parameter];
      if (grads[chunk.parameter] == nullptr || setting.muon || setting.lr == 0) {
        continue;
      }
      UpdateRun run{weights[chunk.parameter] + chunk.begin,
                    grads[chunk.parameter] + chunk.begin,
                    {nullptr, nullptr},
                    chunk.count,
                    static_cast<uint64_t>(setting.place.element + chunk.begin)};
      for (size_t slot = 0; slot < slots_.size(); ++slot) {
        run.slots[slot] = static_cast<char*>(slots_[slot].mutable_data_ptr()) +
                          (setting.slots[slot] + chunk.begin) * width;
      }
      (bf16 ? rule_.update_bf16 : rule_.update)(run, coefficients[chunk.parameter]);
    }
  });
}

void Optimizer::step_matrix(size_t parameter, double lr, double grad_scale) {
  const Setting& setting = settings_[parameter];
  const UpdateCoefficients c = coefficients_of(setting, lr, grad_scale);
  at::Tensor weight = parameters_[parameter].tensor.detach();
  at::Tensor grad = parameters_[parameter].tensor.grad().mul(c.grad_scale);
  if (c.l2 != 0 || c.l1 != 0) {
    grad.add_(weight, c.l2).add_(weight.sign(), c.l1);
  }
  at::Tensor buffer = slot_view(parameter, 0);
  if (options_.state == "bf16") {
    const at::Tensor mean = buffer.to(at::kFloat).lerp_(grad, 1 - options_.momentum).contiguous();
    round_state(mean, buffer, static_cast<uint64_t>(setting.place.element), c.rounding);
  } else {
    buffer.lerp_(grad, 1 - options_.momentum);
  }
  const at::Tensor ahead = grad.lerp(buffer.to(at::kFloat), options_.momentum);
  const double rate = lr * setting.lr * muon_scale(weight.size(0), weight.size(1));
  weight.mul_(c.keep).add_(orthogonalised(ahead, bf16_products_), -rate);
}

void Optimizer::add_noise(double standard_deviation, uint64_t seed) {
  gradients();  // makes them contiguous
  if (on_gpu()) {
    return add_noise_on_gpu(standard_deviation, seed);
  }
  at::parallel_for(0, static_cast<int64_t>(chunks_.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      at::Tensor& grad = parameters_[chunks_[i].parameter].tensor.mutable_grad();
      if (!grad.defined()) {
        continue;
      }
      Rng rng(random_at(seed, static_cast<uint64_t>(chunks_[i].number)));
      auto* const values = grad.mutable_data_ptr<float>() + chunks_[i].begin;
      for (int64_t j = 0; j < chunks_[i].count; ++j) {
        values[j] += static_cast<float>(standard_deviation * rng.normal());
      }
    }
  });
}

void Optimizer::zero_grad() {
  for (const NamedParameter& parameter : parameters_) {
    parameter.tensor.mutable_grad().reset();
  }
}

at::Tensor Optimizer::slot_view(size_t parameter, size_t slot) const {
  const at::Tensor& tensor = parameters_[parameter].tensor;
  return slots_[slot].narrow(0, settings_[parameter].slots[slot], tensor.numel()).view(tensor.sizes());
}

std::vector<std::pair<std::string, at::Tensor>> Optimizer::state() const {
  std::vector<std::pair<std::string, at::Tensor>> result;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
      if (!settings_[i].muon || slot == 0) {
        const std::string array = settings_[i].muon ? kMuonSlot : rule_.slots[slot];
        result.emplace_back(array + "." + parameters_[i].name, slot_view(i, slot));
      }
    }
  }
  return result;
}

}  // namespace athanor
