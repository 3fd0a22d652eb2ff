// Notices a loss or gradient that does not belong: NaN, infinity, or an outlier among the last 128 steps
// (z-score over a sliding window, as in llm.c's outlier detector).
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace athanor {

// The last 128 values. Until the window is full no z-score is given: early losses fall too fast to judge.
class OutlierWindow {
 public:
  static constexpr size_t kSize = 128;

  // The z-score of value against the window before it joins; 0 while the window is not full or does not vary. A window that
  // varies less than least_deviation counts as varying by it.
  double zscore(double value, double least_deviation = 0) const;
  void push(double value);

  // Exact: a window read back gives the same scores. from_json throws Error(kInput) on anything else.
  nlohmann::json to_json() const;
  static OutlierWindow from_json(const nlohmann::json& value);

 private:
  std::vector<double> values_;  // a ring once full
  size_t next_ = 0;
};

class SpikeGuard {
 public:
  // Nats: a model that knows its data by heart has losses of 0.001, and a batch of 0.1 is no accident then.
  static constexpr double kLeastDeviation = 0.05;

  SpikeGuard(double loss_zscore, double grad_zscore) : loss_limit_(loss_zscore), grad_limit_(grad_zscore) {}

  struct Verdict {
    bool spike = false;
    bool finite = true;
    double loss_zscore = 0;
    double grad_zscore = 0;
    std::string reason;  // "the loss is not finite", "the loss of 9.1 lies 14.2 deviations above ..."
  };

  // Judges one step, which is no part of the window yet.
  Verdict judge(double loss, double grad_norm) const;
  // Finite values of a step whose update is made join the window, a spike's too: after a lasting change of level the run goes
  // on instead of calling each step a spike for ever. Those of updates that are left out do not: the model's level is as it
  // was, and a burst of bad data must not make itself the measure.
  void push(double loss, double grad_norm);

  nlohmann::json to_json() const;
  void restore(const nlohmann::json& value);

 private:
  double loss_limit_;
  double grad_limit_;
  OutlierWindow losses_;
  OutlierWindow grad_norms_;
};

}  // namespace athanor
