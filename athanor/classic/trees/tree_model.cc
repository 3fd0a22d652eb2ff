#include "athanor/classic/trees/tree_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr size_t kMostShown = 30;

void check_target(const Matrix& x, const Target& target) {
  if (x.rows == 0 || x.columns == 0) {
    throw Error(ErrorKind::kInput, "there are no rows or no features to learn from", "",
                "check the table's rows and features");
  }
  if (target.rows() != x.rows || (!target.weights.empty() && target.weights.size() != x.rows)) {
    throw Error(ErrorKind::kInternal, "the target has " + std::to_string(target.rows()) +
                                          " rows, the features " + std::to_string(x.rows));
  }
  for (const double value : target.values) {
    if (!std::isfinite(value)) {
      throw Error(ErrorKind::kInput, "the target holds a value that is missing or infinite", "",
                  "drop these rows");
    }
  }
  for (const int32_t code : target.classes) {
    if (code < 0 || static_cast<size_t>(code) >= target.labels.size()) {
      throw Error(ErrorKind::kInput, "the target holds a class that has no name", "",
                  "drop these rows");
    }
  }
}

}  // namespace

FitRows::FitRows(const Matrix& x, const Target& target) : given_x_(&x), given_target_(&target) {
  check_target(x, target);
  std::vector<uint64_t> kept;
  for (uint64_t r = 0; r < target.weights.size(); ++r) {
    if (!(target.weights[r] >= 0) || !std::isfinite(target.weights[r])) {
      throw Error(ErrorKind::kInput, "the weight of a row is negative, missing or infinite",
                  "row " + std::to_string(r), "weights are numbers from 0 up");
    }
    if (target.weights[r] > 0) {
      kept.push_back(r);
    }
  }
  if (target.weights.empty() || kept.size() == x.rows) {
    return;
  }
  if (kept.empty()) {
    throw Error(ErrorKind::kInput, "the weights of all rows are 0", "", "give some rows a weight");
  }
  dropped_ = true;
  x_ = take_rows(x, kept);
  target_ = take_rows(target, kept);
}

double gain_unit_of(const Target& target, int power) {
  double largest = 0;
  for (const double value : target.values) {
    largest = std::max(largest, std::fabs(value));
  }
  return largest > 0x1p45 ? std::ldexp(1.0, power * std::ilogb(largest)) : 1;
}

nlohmann::json TreeModel::trees_description(const std::vector<std::string>& names) const {
  int depth = 0;
  for (uint64_t t = 0; t < trees_.trees(); ++t) {
    depth = std::max(depth, trees_.depth_of(t));
  }
  const auto gain = trees_.gain_importances();
  const auto splits = trees_.split_importances();
  std::vector<size_t> order(gain.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return gain[a] > gain[b]; });
  auto features = nlohmann::json::array();
  for (const size_t c : order) {
    if (features.size() == kMostShown || splits[c] == 0) {
      break;
    }
    features.push_back({{"name", c < names.size() ? names[c] : "column " + std::to_string(c)},
                        {"gain", gain[c]},
                        {"splits", splits[c]}});
  }
  return {{"trees", trees_.trees()},
          {"leaves", trees_.leaves()},
          {"depth", depth},
          {"features", features}};
}

}  // namespace athanor
