// Scores of a number a row.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "athanor/metric/answers.h"
#include "athanor/metric/bootstrap.h"

namespace athanor {

namespace {

class Computer {
 public:
  explicit Computer(const NumberAnswers& answers) : answers_(answers), by_distance_(answers.rows()) {
    for (uint64_t i = 0; i < answers.rows(); ++i) {
      has_zero_ = has_zero_ || answers.truth[i] == 0;
    }
    std::iota(by_distance_.begin(), by_distance_.end(), 0U);
    std::stable_sort(by_distance_.begin(), by_distance_.end(), [&](uint32_t a, uint32_t b) { return distance(a) < distance(b); });
  }

  std::vector<Score> names() const {
    std::vector<Score> list;
    for (const char* name : {"mae", "mse", "rmse", "r2", "mape", "median_absolute_error", "max_error", "bias"}) {
      Score score;
      score.name = name;
      score.higher_is_better = score.name == "r2";
      list.push_back(score);
    }
    return list;
  }

  std::vector<double> operator()(const std::vector<double>& weights) const {
    double total = 0;
    double distances = 0;
    double squares = 0;
    double relative = 0;
    double off = 0;
    double truths = 0;
    double furthest = 0;
    for (uint64_t i = 0; i < answers_.rows(); ++i) {
      const double weight = weights.empty() ? 1.0 : weights[i];
      const double d = answers_.answer[i] - answers_.truth[i];
      total += weight;
      distances += weight * std::abs(d);
      squares += weight * d * d;
      relative += has_zero_ ? 0 : weight * std::abs(d / answers_.truth[i]);
      off += weight * d;
      truths += weight * answers_.truth[i];
      furthest = weight > 0 ? std::max(furthest, std::abs(d)) : furthest;
    }
    const double mean = truths / total;
    double spread = 0;
    for (uint64_t i = 0; i < answers_.rows(); ++i) {
      const double d = answers_.truth[i] - mean;
      spread += (weights.empty() ? 1.0 : weights[i]) * d * d;
    }
    return {distances / total, squares / total, std::sqrt(squares / total),
            spread > 0 ? 1 - squares / spread : std::nan(""),
            has_zero_ ? std::nan("") : relative / total, median(weights, total), furthest, off / total};
  }

 private:
  double distance(uint64_t i) const { return std::abs(answers_.answer[i] - answers_.truth[i]); }

  double median(const std::vector<double>& weights, double total) const {
    if (weights.empty()) {
      const size_t n = by_distance_.size();
      return (distance(by_distance_[(n - 1) / 2]) + distance(by_distance_[n / 2])) / 2;
    }
    double seen = 0;
    for (const uint32_t i : by_distance_) {
      seen += weights[i];
      if (2 * seen >= total && weights[i] > 0) {
        return distance(i);
      }
    }
    return std::nan("");
  }

  const NumberAnswers& answers_;
  bool has_zero_ = false;
  std::vector<uint32_t> by_distance_;
};

}  // namespace

std::vector<Score> number_scores(const NumberAnswers& answers, const ScoreOptions& options, ThreadPool& pool) {
  if (answers.rows() == 0) {
    return {};
  }
  const Computer compute(answers);
  std::vector<Score> scores = compute.names();
  const std::vector<double> values = compute(answers.weights);
  for (size_t s = 0; s < scores.size(); ++s) {
    scores[s].value = values[s];
  }
  bootstrap(scores, std::cref(compute), answers.rows(), answers.weights, options, 4.0 * static_cast<double>(answers.rows()), pool);
  std::erase_if(scores, [](const Score& score) { return !std::isfinite(score.value); });
  return scores;
}

}  // namespace athanor
