#include "athanor/classic/models/sgd.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/base/rng.h"
#include "athanor/classic/models/decision_core.h"
#include "athanor/classic/models/row_ops.h"

namespace athanor::classic {

namespace {

struct Loss {
  double value;
  double slope;  // by the decision value
};

Loss loss_at(const std::string& name, double d, double sign) {
  const double z = d * sign;
  if (name == "perceptron") {
    return {std::max(0.0, -z), z <= 0 ? -sign : 0};
  }
  if (name == "hinge") {
    return {std::max(0.0, 1 - z), z <= 1 ? -sign : 0};
  }
  if (name == "squared_hinge") {
    const double lack = std::max(0.0, 1 - z);
    return {lack * lack, -2 * sign * lack};
  }
  if (name == "modified_huber") {
    if (z >= 1) {
      return {0, 0};
    }
    return z >= -1 ? Loss{(1 - z) * (1 - z), -2 * (1 - z) * sign} : Loss{-4 * z, -4 * sign};
  }
  const double e = std::exp(-std::fabs(z));  // log
  return {std::log1p(e) + std::max(0.0, -z), -sign * (z > 0 ? e / (1 + e) : 1 / (1 + e))};
}

constexpr char kTooFew[] =
    "the loss still fell by more than tolerance when all epochs had passed; give more, or scale the features";

struct Plan {
  SgdOptions options;
  bool punished = true;
};

// Whether the tolerance ended it.
bool learn(const Plan& plan, const Matrix& x, std::span<const double> signs, const ClassRows& rows, uint64_t seed,
           const std::function<void(double)>& progress, std::span<double> w, double& intercept) {
  const SgdOptions& given = plan.options;
  const double alpha = given.alpha;
  const double start = 1 / (std::sqrt(1 / std::sqrt(alpha)) * alpha);  // Bottou's t0
  std::vector<uint32_t> order(x.rows);
  std::iota(order.begin(), order.end(), 0u);
  Rng rng(seed);
  double scale = 1;  // the coefficients are scale * w
  double t = 1;
  double best = INFINITY;
  int stale = 0;
  bool done = given.tolerance == 0;  // as many epochs as asked for are what was wanted
  for (int64_t epoch = 0; epoch < given.epochs; ++epoch) {
    for (size_t i = order.size(); given.shuffle && i > 1; --i) {
      std::swap(order[i - 1], order[rng.below(i)]);
    }
    double sum = 0;
    for (const uint32_t r : order) {
      const Loss loss = loss_at(given.loss, scale * row_dot(x, r, w.data()) + intercept, signs[r]);
      sum += loss.value * rows.weight(r);
      const double rate = plan.punished ? 1 / (alpha * (start + t - 1)) : 1.0;
      if (plan.punished) {
        scale *= std::max(0.0, 1 - rate * alpha);
        if (scale < 1e-9) {
          for (double& value : w) {
            value *= scale;
          }
          scale = 1;
        }
      }
      const double by = -rate * std::clamp(loss.slope, -1e12, 1e12) * rows.weight(r);
      if (by != 0) {
        add_row(x, r, by / scale, w.data());
        intercept += given.intercept ? by : 0;
      }
      ++t;
    }
    if (!std::isfinite(sum)) {
      break;  // the caller's check of the coefficients says what to do
    }
    stale = sum > best - given.tolerance * static_cast<double>(x.rows) ? stale + 1 : 0;
    best = std::min(best, sum);
    if (given.tolerance > 0 && stale >= 5) {
      done = true;
      break;
    }
    progress(static_cast<double>(epoch) / static_cast<double>(given.epochs));
  }
  for (double& value : w) {
    value *= scale;
  }
  return done;
}

std::unique_ptr<ClassicModel> make(const Plan& plan, Task task) {
  return core_classifier(decision_cores([plan](const Matrix& x, std::span<const double> signs, const ClassRows& rows,
                                               uint64_t seed, const std::function<void(double)>& progress,
                                               std::span<double> w, double& intercept) {
                           const bool done = learn(plan, x, signs, rows, seed, progress, w, intercept);
                           return std::string(done ? "" : kTooFew);
                         }),
                         task);
}

}  // namespace

std::unique_ptr<ClassicModel> make_perceptron(const nlohmann::json& options, Task task) {
  SgdOptions all;
  static_cast<PerceptronOptions&>(all) = load_options<PerceptronOptions>(options);
  all.loss = "perceptron";
  return make({all, false}, task);
}
std::unique_ptr<ClassicModel> make_sgd(const nlohmann::json& options, Task task) {
  return make({load_options<SgdOptions>(options), true}, task);
}

}  // namespace athanor::classic
