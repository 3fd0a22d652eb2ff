#include "athanor/train/watch.h"

#include <cmath>

namespace athanor {

namespace {

double mean_square(const float* values, const float* minus, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double value = minus == nullptr ? values[i] : static_cast<double>(values[i]) - minus[i];
    sum += value * value;
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

}  // namespace

ParameterWatch::ParameterWatch(const std::vector<NamedParameter>& parameters) : parameters_(parameters) {
  for (const NamedParameter& parameter : parameters) {
    before_.push_back(parameter.tensor.detach().to(at::kCPU, at::kFloat, false, true));
    double gradient = 0;
    if (parameter.tensor.grad().defined()) {
      const at::Tensor grad = parameter.tensor.grad().to(at::kCPU).contiguous();
      gradient = std::sqrt(mean_square(grad.const_data_ptr<float>(), nullptr, grad.numel()));
    }
    gradients_.push_back(gradient);
  }
}

nlohmann::json ParameterWatch::compare(double loss_scale) const {
  nlohmann::json all = nlohmann::json::object();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor now = parameters_[i].tensor.detach().to(at::kCPU);
    const auto* before = before_[i].const_data_ptr<float>();
    const double weight = std::sqrt(mean_square(before, nullptr, now.numel()));
    const double update = std::sqrt(mean_square(now.const_data_ptr<float>(), before, now.numel()));
    all[parameters_[i].name] = {{"weight", weight}, {"gradient", gradients_[i] / loss_scale}, {"ratio", weight > 0 ? update / weight : 0}};
  }
  return all;
}

nlohmann::json to_json(const ActivationLog& log) {
  nlohmann::json all = nlohmann::json::object();
  for (const auto& [name, seen] : log.values) {
    all[name] = {{"rms", seen.rms}, {"largest", seen.largest}, {"zero", seen.zero}, {"dead", seen.dead}};
  }
  return all;
}

}  // namespace athanor
