// Dynamic loss scaling for fp16 (Micikevicius et al. 2018), with the rules of PyTorch's GradScaler: the loss is multiplied
// so that small gradients stay above fp16's smallest number; a step whose gradients overflowed is left out and the
// scale halved, 2000 good steps in a row double it.
//
//   LossScale scale;
//   backward(loss.mul(scale.scale()));
//   const double norm = optimizer.grad_norm() / scale.scale();      // not finite: something overflowed
//   if (scale.update(!std::isfinite(norm))) {
//     optimizer.step(lr, clip_scale(norm, max_norm) / scale_used);  // the scale from before update()
//   }
#pragma once

#include <cstdint>

#include <nlohmann/json.hpp>

namespace athanor {

struct LossScaleOptions {
  double initial = 65536;
  double growth = 2;
  double backoff = 0.5;
  int64_t growth_interval = 2000;  // finite steps in a row
};

class LossScale {
 public:
  explicit LossScale(const LossScaleOptions& options = {});

  // What the loss of this step is multiplied by.
  double scale() const { return scale_; }

  // After the step's backward pass. Returns whether the update may be done: false where found_inf, that is where a
  // gradient (so their norm) is not finite. Growth that would leave fp32's range does not happen.
  bool update(bool found_inf);

  int64_t num_skipped() const { return num_skipped_; }

  // All that a resume needs: {"scale", "finite_steps", "skipped"}.
  nlohmann::json state() const;
  // Error(kInput) with `where` unless it is such a state with a positive finite scale.
  void restore(const nlohmann::json& state, const std::string& where);

 private:
  LossScaleOptions options_;
  double scale_;
  int64_t finite_steps_ = 0;
  int64_t num_skipped_ = 0;
};

}  // namespace athanor
