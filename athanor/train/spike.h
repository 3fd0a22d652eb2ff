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

  // The z-score of value against the window before it joins; 0 while the window is not full or does not vary.
  double zscore(double value) const;
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
  SpikeGuard(double loss_zscore, double grad_zscore) : loss_limit_(loss_zscore), grad_limit_(grad_zscore) {}

  struct Verdict {
    bool spike = false;
    bool finite = true;
    double loss_zscore = 0;
    double grad_zscore = 0;
    std::string reason;  // "the loss is not finite", "the loss of 9.1 lies 14.2 deviations above ..."
  };

  // Judges one step. Every finite value joins the window, a spike too: after a lasting change of level the
  // run goes on instead of calling each step a spike for ever.
  Verdict judge(double loss, double grad_norm);

  nlohmann::json to_json() const;
  void restore(const nlohmann::json& value);

 private:
  double loss_limit_;
  double grad_limit_;
  OutlierWindow losses_;
  OutlierWindow grad_norms_;
};

}  // namespace athanor
