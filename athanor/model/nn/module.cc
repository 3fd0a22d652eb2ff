#include "athanor/model/nn/module.h"

#include <algorithm>
#include <cmath>

namespace athanor {

std::vector<NamedParameter> Module::named_parameters() const {
  std::vector<NamedParameter> all;
  collect("", all);
  std::vector<NamedParameter> once;
  for (NamedParameter& parameter : all) {
    const bool seen = std::any_of(once.begin(), once.end(),
                                  [&](const NamedParameter& other) { return other.tensor.is_same(parameter.tensor); });
    if (!seen) {
      once.push_back(std::move(parameter));
    }
  }
  return once;
}

std::vector<std::pair<std::string, at::Tensor>> Module::named_buffers() const {
  std::vector<std::pair<std::string, at::Tensor>> all;
  collect_buffers("", all);
  return all;
}

void Module::set_training(bool training) {
  training_ = training;
  for (const auto& [name, child] : children_) {
    child->set_training(training);
  }
}

void Module::set_activation_log(ActivationLog* log) {
  activation_log_ = log;
  for (const auto& [name, child] : children_) {
    child->set_activation_log(log);
  }
}

void Module::note_activation(const std::string& name, const at::Tensor& x) const {
  if (activation_log_ == nullptr) {
    return;
  }
  const at::Tensor values = x.detach().to(at::kCPU).to(at::kFloat).contiguous();
  const auto* data = values.const_data_ptr<float>();
  double sum = 0;
  double largest = 0;
  int64_t zero = 0;
  const int64_t units = values.dim() > 1 ? values.size(1) : 1;
  const int64_t inner = values.numel() / std::max<int64_t>(1, values.size(0) * units);
  std::vector<bool> alive(static_cast<size_t>(units), false);
  for (int64_t i = 0; i < values.numel(); ++i) {
    const double value = data[i];
    if (value != 0) {
      alive[static_cast<size_t>(i / inner % units)] = true;
    }
    sum += value * value;
    largest = std::max(largest, std::abs(value));
    zero += value == 0 ? 1 : 0;
  }
  const auto count = static_cast<double>(std::max<int64_t>(1, values.numel()));
  activation_log_->values.emplace_back(
      name, ActivationLog::Seen{std::sqrt(sum / count), largest, static_cast<double>(zero) / count,
                                static_cast<double>(std::count(alive.begin(), alive.end(), false)) / static_cast<double>(units)});
}

at::Tensor Module::register_parameter(const std::string& name, const at::Tensor& tensor, bool decay) {
  at::Tensor leaf = tensor.is_leaf() ? tensor : tensor.detach();
  leaf.set_requires_grad(true);
  parameters_.push_back({name, leaf, decay});
  return leaf;
}

at::Tensor Module::register_buffer(const std::string& name, const at::Tensor& tensor) {
  buffers_.emplace_back(name, tensor);
  return tensor;
}

void Module::register_child(const std::string& name, Module& child) { children_.emplace_back(name, &child); }

void Module::collect(const std::string& prefix, std::vector<NamedParameter>& out) const {
  for (const NamedParameter& parameter : parameters_) {
    out.push_back({prefix + parameter.name, parameter.tensor, parameter.decay});
  }
  for (const auto& [name, child] : children_) {
    child->collect(name.empty() ? prefix : prefix + name + ".", out);
  }
}

void Module::collect_buffers(const std::string& prefix, std::vector<std::pair<std::string, at::Tensor>>& out) const {
  for (const auto& [name, tensor] : buffers_) {
    out.emplace_back(prefix + name, tensor);
  }
  for (const auto& [name, child] : children_) {
    child->collect_buffers(name.empty() ? prefix : prefix + name + ".", out);
  }
}

}  // namespace athanor
