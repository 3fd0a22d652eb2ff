#include "athanor/metric/curves.h"

namespace athanor {

Curve roc_curve(const std::vector<double>& scores, const std::vector<uint8_t>& truth) {
  const auto score = [&](uint64_t i) { return scores[i]; };
  Curve curve{{0}, {0}};
  walk_ranks(descending_order(scores.size(), score), score, [&](uint64_t i) { return truth[i] != 0; }, {},
             [&](double trues, double falses) {
               curve.x.push_back(falses);
               curve.y.push_back(trues);
             });
  const double falses = std::max(1.0, curve.x.back());
  const double trues = std::max(1.0, curve.y.back());
  for (size_t i = 0; i < curve.x.size(); ++i) {
    curve.x[i] /= falses;
    curve.y[i] /= trues;
  }
  return curve;
}

Curve precision_recall_curve(const std::vector<double>& scores, const std::vector<uint8_t>& truth) {
  const auto score = [&](uint64_t i) { return scores[i]; };
  Curve curve;
  walk_ranks(descending_order(scores.size(), score), score, [&](uint64_t i) { return truth[i] != 0; }, {},
             [&](double trues, double falses) {
               curve.x.push_back(trues);
               curve.y.push_back(trues / (trues + falses));
             });
  if (!curve.x.empty()) {
    const double trues = std::max(1.0, curve.x.back());
    for (double& recall : curve.x) {
      recall /= trues;
    }
    curve.x.insert(curve.x.begin(), 0.0);
    curve.y.insert(curve.y.begin(), curve.y.front());
  }
  return curve;
}

Curve reliability_curve(const std::vector<double>& probabilities, const std::vector<uint8_t>& truth, int bins) {
  const auto count = static_cast<size_t>(std::max(1, bins));
  std::vector<double> rows(count, 0.0);
  std::vector<double> claimed(count, 0.0);
  std::vector<double> trues(count, 0.0);
  for (size_t i = 0; i < probabilities.size(); ++i) {
    const double p = std::clamp(probabilities[i], 0.0, 1.0);
    const size_t bin = std::min(count - 1, static_cast<size_t>(p * static_cast<double>(count)));
    ++rows[bin];
    claimed[bin] += p;
    trues[bin] += truth[i] != 0 ? 1 : 0;
  }
  Curve curve;
  for (size_t bin = 0; bin < count; ++bin) {
    if (rows[bin] > 0) {
      curve.x.push_back(claimed[bin] / rows[bin]);
      curve.y.push_back(trues[bin] / rows[bin]);
    }
  }
  return curve;
}

}  // namespace athanor
