#include "athanor/model/nn/module.h"

#include <algorithm>

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
