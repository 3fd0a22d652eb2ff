// The optimiser's passes over parameters that lie on a GPU: one launch for all parameters that share their coefficients.
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "athanor/base/rng.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/device/launch.h"
#include "athanor/train/optimizer.h"

namespace athanor {

namespace {

constexpr int64_t kPartials = 1024;  // athanor_cuda_sum_of_squares

}  // namespace

bool Optimizer::on_gpu() const { return !parameters_.empty() && !parameters_[0].tensor.is_cpu(); }

std::vector<double> Optimizer::gpu_squares() const {
  const std::vector<const float*> grads = gradients();
  const at::Tensor& like = parameters_[0].tensor;
  const auto options = like.options().requires_grad(false);
  const at::Tensor sums = at::zeros({static_cast<int64_t>(grads.size())}, options);
  const at::Tensor partial = at::empty({kPartials}, options);
  for (size_t i = 0; i < grads.size(); ++i) {
    if (grads[i] != nullptr && settings_[i].lr != 0) {
      device::launch("a sum of squares", gpu_unit().sum_of_squares, like, parameters_[i].tensor.numel(), grads[i],
                     partial.mutable_data_ptr<float>(), sums.mutable_data_ptr<float>() + i);
    }
  }
  const at::Tensor host = sums.to(at::kCPU).to(at::kDouble);
  const auto* values = host.const_data_ptr<double>();
  return {values, values + host.numel()};
}

void Optimizer::step_on_gpu(double lr, double grad_scale, const std::vector<const float*>& grads) {
  const NoGrad no_grad;
  std::map<std::tuple<double, double, bool>, std::vector<size_t>> groups;  // by what their coefficients differ in
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (grads[i] != nullptr && !settings_[i].muon && settings_[i].lr != 0) {
      groups[{settings_[i].lr, settings_[i].weight_decay, settings_[i].penalised}].push_back(i);
    }
  }
  for (const auto& [key, members] : groups) {
    update_on_gpu(members, coefficients_of(settings_[members[0]], lr, grad_scale), grads);
  }
}

void Optimizer::update_on_gpu(const std::vector<size_t>& members, const UpdateCoefficients& c, const std::vector<const float*>& grads) {
  std::vector<AthanorParameter> table;  // made anew: gradients move from step to step
  int64_t largest = 0;
  for (const size_t i : members) {
    AthanorParameter row{parameters_[i].tensor.mutable_data_ptr<float>(), grads[i], {nullptr, nullptr}, parameters_[i].tensor.numel(),
                         static_cast<uint64_t>(settings_[i].place.element)};
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
      row.slots[slot] = slot_view(i, slot).mutable_data_ptr();
    }
    table.push_back(row);
    largest = std::max(largest, row.size);
  }
  const at::Tensor& like = parameters_[0].tensor;
  const auto words = static_cast<int64_t>(table.size() * sizeof(AthanorParameter) / sizeof(int64_t));
  const at::Tensor there = at::from_blob(table.data(), {words}, at::kLong).to(like.device());
  const AthanorUpdate step{c.grad_scale, c.keep, c.l2, c.l1, c.step_size, c.eps, c.a, c.b, c.c, c.rounding};
  device::launch("an optimiser's update", gpu_unit().update, like, static_cast<int>(rule_.on_gpu),
                 options_.state == "bf16" ? ATHANOR_BF16 : ATHANOR_FP32, static_cast<int>(table.size()),
                 static_cast<const AthanorParameter*>(there.const_data_ptr()), largest, &step);
}

void Optimizer::round_state(const at::Tensor& from, const at::Tensor& to, uint64_t index, uint64_t rounding) {
  if (from.is_cpu()) {
    return round_by_chance(from.const_data_ptr<float>(), to.mutable_data_ptr<c10::BFloat16>(), from.numel(), index, rounding);
  }
  device::launch("a rounding", gpu_unit().round_by_chance, from, from.numel(), index, rounding, from.const_data_ptr<float>(),
                 to.mutable_data_ptr());
}

void Optimizer::add_noise_on_gpu(double standard_deviation, uint64_t seed) {
  for (const Chunk& chunk : chunks_) {
    const at::Tensor& grad = parameters_[chunk.parameter].tensor.grad();
    if (!grad.defined()) {
      continue;
    }
    Rng rng(random_at(seed, static_cast<uint64_t>(chunk.number)));
    const at::Tensor noise = at::empty({chunk.count}, at::kFloat);
    auto* const values = noise.mutable_data_ptr<float>();
    for (int64_t j = 0; j < chunk.count; ++j) {
      values[j] = static_cast<float>(standard_deviation * rng.normal());
    }
    grad.view(-1).narrow(0, chunk.begin, chunk.count).add_(noise.to(grad.device()));
  }
}

}  // namespace athanor
