// How far one step moves each parameter: what shows a layer that stands still, or one that is about to run away.
// A healthy ratio of update to weight lies near 1e-3 for AdamW (Karpathy, "Neural Networks: Zero to Hero").
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "athanor/model/nn/module.h"

namespace athanor {

// Takes a copy of every parameter and the size of its gradient before an update, and compares after it.
class ParameterWatch {
 public:
  explicit ParameterWatch(const std::vector<NamedParameter>& parameters);
  // {name: {"weight": root mean square, "gradient": the same (0 without one), "ratio": update's over weight's}}. Call
  // after the update. loss_scale: what the gradients are multiplied by (loss_scale.h).
  nlohmann::json compare(double loss_scale) const;

 private:
  const std::vector<NamedParameter>& parameters_;
  std::vector<at::Tensor> before_;
  std::vector<double> gradients_;
};

// What layers give, where a module was told to note it (Module::set_activation_log): the last forward pass of each name.
nlohmann::json to_json(const ActivationLog& log);

}  // namespace athanor
