// The optimiser's passes over parameters that lie on a GPU: AdamW by our kernel, all parameters in one launch; the other
// rules by LibTorch's operators, in the arithmetic of optimizer_rules.h.
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <map>

#include "athanor/base/rng.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/device/launch.h"
#include "athanor/train/optimizer.h"

namespace athanor {

namespace {

constexpr int64_t kPartials = 1024;  // athanor_cuda_sum_of_squares

struct Arrays {
  at::Tensor weight;
  at::Tensor grad;  // scaled, with the penalties
  std::vector<at::Tensor> slots;
};

at::Tensor root_and_eps(const at::Tensor& squares, const UpdateCoefficients& c) { return squares.sqrt().add_(c.eps); }

// slot = keep slot + (1 - keep) value
void smooth(at::Tensor& slot, double keep, const at::Tensor& value) { slot.mul_(keep).add_(value, 1 - keep); }

// The direction that weights go against, times the step size; updates the slots.
at::Tensor direction(const std::string& rule, Arrays& x, const UpdateCoefficients& c) {
  const at::Tensor& g = x.grad;
  if (x.slots.empty()) {  // sgd
    return g;
  }
  at::Tensor& first = x.slots[0];
  if (rule == "sgd") {
    first.mul_(c.a).add_(g);
    return c.b == 0 ? first : g.add(first, c.a);
  }
  if (rule == "adagrad") {
    first.add_(g.square());
    return g.div(root_and_eps(first, c));
  }
  if (rule == "adadelta") {
    smooth(first, c.a, g.square());
    const at::Tensor delta = x.slots[1].add(c.eps).sqrt_().div_(first.add(c.eps).sqrt_()).mul_(g);
    smooth(x.slots[1], c.a, delta.square());
    return delta;
  }
  if (rule == "rmsprop") {
    smooth(first, c.a, g.square());
    const at::Tensor scaled = g.div(root_and_eps(first, c));
    return x.slots.size() == 1 ? scaled : x.slots[1].mul_(c.b).add_(scaled);
  }
  if (rule == "lion") {
    const at::Tensor sign = first.mul(c.a).add_(g, 1 - c.a).sign_();
    smooth(first, c.b, g);
    return sign;
  }
  first.lerp_(g, c.a);  // adam, adamw, muon's other parameters
  smooth(x.slots[1], c.b, g.square());
  return first.div(x.slots[1].sqrt().mul_(c.c).add_(c.eps));
}

}  // namespace

bool Optimizer::on_gpu() const { return !parameters_.empty() && !parameters_[0].tensor.is_cpu(); }

std::vector<double> Optimizer::gpu_squares() const {
  const std::vector<const float*> grads = gradients();
  const at::Tensor& like = parameters_[0].tensor;
  const auto options = like.options().requires_grad(false);
  const at::Tensor sums = at::zeros({static_cast<int64_t>(grads.size())}, options);
  const at::Tensor partial = at::empty({kPartials}, options);
  for (size_t i = 0; i < grads.size(); ++i) {
    if (grads[i] != nullptr) {
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
  const bool fused = rule_.slots.size() == 2 && rule_.slots[0] == "exp_avg" && options_.l1 == 0 && options_.l2 == 0;
  std::map<std::pair<double, double>, std::vector<size_t>> groups;  // by what their coefficients differ in
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (grads[i] == nullptr || settings_[i].muon || settings_[i].lr == 0) {
      continue;
    }
    if (fused) {
      groups[{settings_[i].lr, settings_[i].weight_decay}].push_back(i);
      continue;
    }
    const UpdateCoefficients c = coefficients_of(settings_[i], lr, grad_scale);
    Arrays x{parameters_[i].tensor.detach(), parameters_[i].tensor.grad().mul(c.grad_scale), {}};
    if (c.l1 != 0 || c.l2 != 0) {
      x.grad.add_(x.weight, c.l2).add_(x.weight.sign(), c.l1);
    }
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
      x.slots.push_back(slot_view(i, slot));
    }
    const at::Tensor against = direction(options_.name, x, c);
    x.weight.mul_(c.keep).add_(against, -c.step_size);
  }
  for (const auto& [key, members] : groups) {
    fused_adamw(members, coefficients_of(settings_[members[0]], lr, grad_scale), grads);
  }
}

void Optimizer::fused_adamw(const std::vector<size_t>& members, const UpdateCoefficients& c, const std::vector<const float*>& grads) {
  // Rows: weights, gradients, first and second moments, sizes. Made anew: gradients move from step to step.
  const auto count = static_cast<int64_t>(members.size());
  std::vector<int64_t> table(static_cast<size_t>(5 * count));
  int64_t largest = 0;
  const auto place = [](const void* pointer) { return static_cast<int64_t>(reinterpret_cast<intptr_t>(pointer)); };
  for (int64_t k = 0; k < count; ++k) {
    const size_t i = members[static_cast<size_t>(k)];
    table[k] = place(parameters_[i].tensor.const_data_ptr());
    table[count + k] = place(grads[i]);
    table[2 * count + k] = place(slot_view(i, 0).const_data_ptr());
    table[3 * count + k] = place(slot_view(i, 1).const_data_ptr());
    table[4 * count + k] = parameters_[i].tensor.numel();
    largest = std::max(largest, parameters_[i].tensor.numel());
  }
  const at::Tensor& like = parameters_[0].tensor;
  const at::Tensor there = at::from_blob(table.data(), {5 * count}, at::kLong).to(like.device());
  int64_t* const rows = there.mutable_data_ptr<int64_t>();
  const float constants[] = {c.grad_scale, c.keep, c.step_size, c.a, c.b, c.c, c.eps};
  device::launch("AdamW", gpu_unit().adamw, like, static_cast<int>(count), reinterpret_cast<float* const*>(rows),
                 reinterpret_cast<const float* const*>(rows + count), reinterpret_cast<float* const*>(rows + 2 * count),
                 reinterpret_cast<float* const*>(rows + 3 * count), static_cast<const int64_t*>(rows + 4 * count), largest,
                 static_cast<const float*>(constants));
}

void Optimizer::add_noise_on_gpu(double standard_deviation, uint64_t seed) {
  for (size_t i = 0; i < chunks_.size(); ++i) {
    const at::Tensor& grad = parameters_[chunks_[i].parameter].tensor.grad();
    if (!grad.defined()) {
      continue;
    }
    Rng rng(random_at(seed, static_cast<uint64_t>(i)));
    const at::Tensor noise = at::empty({chunks_[i].count}, at::kFloat);
    auto* const values = noise.mutable_data_ptr<float>();
    for (int64_t j = 0; j < chunks_[i].count; ++j) {
      values[j] = static_cast<float>(standard_deviation * rng.normal());
    }
    grad.view(-1).narrow(0, chunks_[i].begin, chunks_[i].count).add_(noise.to(grad.device()));
  }
}

}  // namespace athanor
