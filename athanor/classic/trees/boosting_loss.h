// What boosting minimises: where the scores start, the slopes at a score, and the loss. A score is
// a raw number: the value itself (squared, absolute, huber), log odds (logistic, one score a
// label), a log share (softmax), a log rate (poisson).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/feature/matrix.h"
#include "athanor/feature/target.h"

namespace athanor {

// One score's first and second derivative a row.
struct Slopes {
  std::vector<double> g;
  std::vector<double> h;
};

class BoostingLoss {
 public:
  virtual ~BoostingLoss() = default;

  virtual uint64_t outputs() const { return 1; }
  // The best constant score of each output.
  virtual std::vector<double> start() const = 0;
  // Called once a round, before slopes(): scores are outputs x rows.
  virtual void begin_round(std::span<const double>, ThreadPool&) {}
  // Of one output, weighted.
  virtual void slopes(uint64_t output, std::span<const double> scores, Slopes& out,
                      ThreadPool& pool) const = 0;
  // The leaf's value is then what leaf_value() says of its rows, not -G / H.
  virtual bool renews_leaves() const { return false; }
  virtual double leaf_value(std::span<const uint32_t>, std::span<const double>) const { return 0; }
  // The mean over rows, weighted.
  virtual double mean_loss(std::span<const double> scores) const = 0;
};

struct LossSpec {
  std::string name;  // squared, absolute, huber, poisson, logistic, softmax
  double huber_delta =
      0;  // 0: 1.345 times the scaled median distance of the target from its median
};

// target is kept by reference. Error(kInput) for what the loss cannot take (a negative count).
std::unique_ptr<BoostingLoss> make_loss(const LossSpec& spec, const Target& target);
// The name that "auto" means.
std::string usual_loss(const Target& target);

// Raw scores (rows x outputs, changed in place) as what predict() gives: probabilities, rates,
// values. One score of two classes becomes two columns.
Matrix scores_to_predictions(const std::string& loss, Task task, uint64_t labels, Matrix scores);

// The value with half of the weight at or below it; 0 of nothing. Sorts.
double weighted_median(std::vector<std::pair<double, double>>& values_and_weights);

}  // namespace athanor
