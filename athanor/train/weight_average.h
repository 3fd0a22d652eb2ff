// A moving average of a model's weights (Polyak and Juditsky 1992): what validation and the saved model use when
// ema_decay is set. After update t the decay is min(ema_decay, (1 + t) / (10 + t)), so that the start is soon forgotten.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "athanor/model/nn/module.h"

namespace athanor {

class WeightAverage {
 public:
  // decay 0: off, all calls do nothing. The averages begin as the weights are.
  WeightAverage(const std::vector<NamedParameter>& parameters, double decay);

  bool on() const { return decay_ > 0; }
  // After the optimiser's update number num_updates (from 1 on).
  void update(int64_t num_updates);
  // Exchanges weights and averages. Twice: as before.
  void swap();

  // "ema.<parameter>", views on the averages; for checkpoints.
  std::vector<std::pair<std::string, at::Tensor>> state() const;

 private:
  double decay_;
  std::vector<NamedParameter> parameters_;
  std::vector<at::Tensor> averages_;
};

}  // namespace athanor
