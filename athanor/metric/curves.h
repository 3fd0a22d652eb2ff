// Curves of a classifier for one label against the rest: ROC, precision and recall, reliability; and what is read off
// the order of the scores. Ties count as one step, as in scikit-learn.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

namespace athanor {

struct Curve {
  std::vector<double> x;
  std::vector<double> y;
};

// Rows with the highest score first; equal ones in their own order. score(i), i < rows < 2^32.
template <class Fn>
std::vector<uint32_t> descending_order(uint64_t rows, Fn score) {
  std::vector<uint32_t> order(rows);
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return score(a) > score(b); });
  return order;
}

// Walks down the order; step(true weight so far, false weight so far) after each group of equal scores.
template <class ScoreFn, class TruthFn, class StepFn>
void walk_ranks(const std::vector<uint32_t>& order, ScoreFn score, TruthFn is_true, const std::vector<double>& weights,
                StepFn step) {
  double trues = 0;
  double falses = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const double weight = weights.empty() ? 1.0 : weights[order[i]];
    (is_true(order[i]) ? trues : falses) += weight;
    if (i + 1 == order.size() || score(order[i + 1]) != score(order[i])) {
      step(trues, falses);
    }
  }
}

// Area under ROC; NaN with one class.
template <class ScoreFn, class TruthFn>
double ranked_auc(const std::vector<uint32_t>& order, ScoreFn score, TruthFn is_true, const std::vector<double>& weights) {
  double area = 0;
  double last_true = 0;
  double last_false = 0;
  walk_ranks(order, score, is_true, weights, [&](double trues, double falses) {
    area += (falses - last_false) * (trues + last_true) / 2;
    last_true = trues;
    last_false = falses;
  });
  return last_true > 0 && last_false > 0 ? area / (last_true * last_false) : std::nan("");
}

// Sum over thresholds of (recall gained) x precision; NaN without a true row.
template <class ScoreFn, class TruthFn>
double ranked_average_precision(const std::vector<uint32_t>& order, ScoreFn score, TruthFn is_true,
                                const std::vector<double>& weights) {
  double sum = 0;
  double last_true = 0;
  walk_ranks(order, score, is_true, weights, [&](double trues, double falses) {
    if (trues > last_true) {
      sum += (trues - last_true) * trues / (trues + falses);
      last_true = trues;
    }
  });
  return last_true > 0 ? sum / last_true : std::nan("");
}

// x: false positive rate, y: true positive rate, from (0, 0) to (1, 1). truth[i] != 0: a true row.
Curve roc_curve(const std::vector<double>& scores, const std::vector<uint8_t>& truth);
// x: recall, y: precision, by falling threshold; begins at recall 0 with the first precision.
Curve precision_recall_curve(const std::vector<double>& scores, const std::vector<uint8_t>& truth);
// x: mean probability of a bin, y: share of true rows in it; bins of equal width over [0, 1], empty ones left out.
Curve reliability_curve(const std::vector<double>& probabilities, const std::vector<uint8_t>& truth, int bins = 10);

}  // namespace athanor
