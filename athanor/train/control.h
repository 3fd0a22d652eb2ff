// Rules over live metrics that steer a run: `control:` of a recipe. Each decision is an event with its evidence.
//
//   control:
//     - {metric: grad_norm, above: 5, for: 20, lr: 0.5, cooldown: 200, at_most: 3}   # halve the rate
//     - {metric: valid_loss, no_better_for: 3, batch: 2, at_most: 2}                 # double the batch
//     - {metric: gap, above: 0.5, for: 2, stop: true}                                # validation far above training
//
// Metrics of each step: loss, loss_mean (of the last 100 steps), grad_norm. Metrics of
// each validation: valid_loss, gap (valid_loss - loss_mean). A rule looks whenever its metric is seen. All are functions
// of the numbers alone, never of the clock, so a resumed run decides the same. Torch-free.
#pragma once

#include <cstdint>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace athanor {

struct ControlRule {
  std::string metric;
  std::optional<double> above, below;   // one of these three is given
  int64_t no_better_for = 0;            // looks since the metric was lowest
  int64_t looks = 1;                    // `for`: so many looks in a row must agree (above, below)
  double lr = 1;                        // factor of the learning rate from then on
  double batch = 1;                     // factor of the batch size, rounded down; all rules together: at least one sample, at
                                        // most 64 x batch_size, where a rule of the batch alone decides no more
  bool stop = false;
  int64_t cooldown = 0;                 // looks after a decision in which the rule rests
  int64_t at_most = 1;                  // decisions; 0: any number
};

// Error(kUsage) that names the rule and the key.
std::vector<ControlRule> parse_control(const nlohmann::json& rules);

struct ControlDecision {
  size_t rule;        // from 0
  std::string what;   // "learning rate x 0.5"
  std::string why;    // "grad_norm above 5 for 20 steps: 6.2"
};

class Control {
 public:
  explicit Control(std::vector<ControlRule> rules);

  std::vector<ControlDecision> see_step(double loss, double grad_norm);
  std::vector<ControlDecision> see_validation(double valid_loss);

  double lr_factor() const { return lr_factor_; }
  double batch_factor() const { return batch_factor_; }  // in (0, 64]
  bool stopped() const { return stopped_; }

  nlohmann::json to_json() const;
  void restore(const nlohmann::json& saved);

 private:
  struct State {
    int64_t agreeing = 0;
    int64_t resting = 0;
    int64_t decisions = 0;
    std::optional<double> best;
    int64_t since_best = 0;
  };
  void look(const std::string& metric, double value, std::vector<ControlDecision>& decisions);
  bool agrees(const ControlRule& rule, State& state, double value) const;
  double batch_after(const ControlRule& rule) const;  // the factor
  bool changes(const ControlRule& rule) const;
  ControlDecision decide(size_t index, double value);

  std::vector<ControlRule> rules_;
  std::vector<State> states_;
  std::deque<double> losses_;  // of the last 100 steps
  double lr_factor_ = 1;
  double batch_factor_ = 1;
  bool stopped_ = false;
};

}  // namespace athanor
