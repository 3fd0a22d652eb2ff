#include "athanor/train/weight_average.h"

#include <algorithm>

#include "athanor/tensor/autograd.h"

namespace athanor {

WeightAverage::WeightAverage(const std::vector<NamedParameter>& parameters, double decay) : decay_(decay) {
  if (on()) {
    parameters_ = parameters;
    for (const NamedParameter& parameter : parameters_) {
      averages_.push_back(parameter.tensor.detach().clone());
    }
  }
}

void WeightAverage::update(int64_t num_updates) {
  const NoGrad no_grad;
  const auto t = static_cast<double>(num_updates);
  const double decay = std::min(decay_, (1 + t) / (10 + t));
  for (size_t i = 0; i < averages_.size(); ++i) {
    averages_[i].lerp_(parameters_[i].tensor, 1 - decay);
  }
}

void WeightAverage::swap() {
  const NoGrad no_grad;
  for (size_t i = 0; i < averages_.size(); ++i) {
    const at::Tensor kept = averages_[i].clone();
    averages_[i].copy_(parameters_[i].tensor);
    at::Tensor weight = parameters_[i].tensor;
    weight.copy_(kept);
  }
}

std::vector<std::pair<std::string, at::Tensor>> WeightAverage::state() const {
  std::vector<std::pair<std::string, at::Tensor>> result;
  for (size_t i = 0; i < averages_.size(); ++i) {
    result.emplace_back("ema." + parameters_[i].name, averages_[i]);
  }
  return result;
}

}  // namespace athanor
