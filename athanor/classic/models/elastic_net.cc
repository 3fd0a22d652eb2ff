// Cyclic coordinate descent for the elastic net (Friedman, Hastie, Tibshirani 2010), stopped by the duality gap.
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/design.h"
#include "athanor/classic/models/least_squares.h"

namespace athanor::classic {

namespace {

// Columns without their means, rows times sqrt(weight), and the residual. A sparse matrix is never written out: its
// stored residual lacks `offset_`, and since the weighted residuals sum to 0 a column's mean drops out of its product.
class Columns {
 public:
  Columns(const Matrix& x, const Target& target, bool intercept, ThreadPool& pool)
      : design_(x), means_(x.columns, 0.0) {
    const size_t rows = x.rows;
    double total = 0;
    for (size_t r = 0; r < rows; ++r) {
      total += target.weight(r);
    }
    weights_.resize(rows);
    for (size_t r = 0; r < rows; ++r) {
      weights_[r] = target.weight(r) / total * static_cast<double>(rows);
    }
    if (intercept) {
      means_ = weighted_means(design_, weights_, static_cast<double>(rows), pool);
      for (size_t r = 0; r < rows; ++r) {
        target_mean_ += weights_[r] * target.values[r] / static_cast<double>(rows);
      }
    }
    y_.resize(rows);
    for (size_t r = 0; r < rows; ++r) {
      y_[r] = (target.values[r] - target_mean_) * (x.is_sparse ? 1.0 : std::sqrt(weights_[r]));
    }
    residual_ = y_;
    if (!x.is_sparse) {
      centred_.resize(rows * x.columns);
    }
    squares_.resize(x.columns);
    sums_.resize(x.columns);
    pool.parallel_for(x.columns, [&](size_t j) { prepare(j); });
  }

  double square(size_t j) const { return squares_[j]; }
  double gradient(size_t j) const {  // x_j'R
    if (!design_.is_sparse()) {
      return dot(centred_.data() + j * y_.size(), residual_.data(), y_.size());
    }
    const auto rows = design_.rows_of(j);
    const auto values = design_.values_of(j);
    double sum = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      sum += values[i] * weights_[rows[i]] * residual_[rows[i]];
    }
    return sum + offset_ * sums_[j] - means_[j] * residual_sum();
  }
  void move(size_t j, double by) {  // R -= by * x_j
    if (!design_.is_sparse()) {
      add_scaled(residual_.data(), centred_.data() + j * y_.size(), -by, y_.size());
      return;
    }
    design_.add_column(j, -by, nullptr, residual_.data());
    stored_sum_ -= by * sums_[j];
    offset_ += by * means_[j];
  }
  // |R|^2 and R'y under the weights.
  std::pair<double, double> norms() const {
    double square = 0;
    double with_y = 0;
    for (size_t r = 0; r < y_.size(); ++r) {
      const double value = residual_[r] + offset_;
      const double weight = design_.is_sparse() ? weights_[r] : 1.0;
      square += weight * value * value;
      with_y += weight * value * y_[r];
    }
    return {square, with_y};
  }
  double target_square() const {
    double square = 0;
    for (size_t r = 0; r < y_.size(); ++r) {
      square += (design_.is_sparse() ? weights_[r] : 1.0) * y_[r] * y_[r];
    }
    return square;
  }
  const std::vector<double>& means() const { return means_; }
  double target_mean() const { return target_mean_; }

 private:
  void prepare(size_t j) {
    const size_t rows = y_.size();
    if (!design_.is_sparse()) {
      double* to = centred_.data() + j * rows;
      const double* from = design_.column(j);
      for (size_t r = 0; r < rows; ++r) {
        to[r] = (from[r] - means_[j]) * std::sqrt(weights_[r]);
      }
      squares_[j] = dot(to, to, rows);
      return;
    }
    sums_[j] = design_.column_dot(j, weights_.data());
    const double n = static_cast<double>(rows);
    squares_[j] = std::max(0.0, design_.column_square(j, weights_.data()) - 2 * means_[j] * sums_[j] + n * means_[j] * means_[j]);
  }
  double residual_sum() const { return stored_sum_ + offset_ * static_cast<double>(y_.size()); }

  Design design_;
  std::vector<double> means_;
  std::vector<double> weights_;
  std::vector<double> y_;
  std::vector<double> residual_;
  std::vector<double> centred_;
  std::vector<double> squares_;
  std::vector<double> sums_;  // sparse: sum of weight * x_j
  double offset_ = 0;
  double stored_sum_ = 0;  // sparse: weighted sum of the stored residual, 0 at first (y is centred)
  double target_mean_ = 0;
};

double soft(double value, double by) { return value > by ? value - by : (value < -by ? value + by : 0.0); }

double duality_gap(const Columns& columns, const std::vector<double>& w, double l1, double l2) {
  double dual = 0;
  double absolute = 0;
  double squares = 0;
  for (size_t j = 0; j < w.size(); ++j) {
    dual = std::max(dual, std::fabs(columns.gradient(j) - l2 * w[j]));
    absolute += std::fabs(w[j]);
    squares += w[j] * w[j];
  }
  const auto [square, with_y] = columns.norms();
  const double scale = dual > l1 ? l1 / dual : 1.0;
  return 0.5 * (square + square * scale * scale) + l1 * absolute - scale * with_y + 0.5 * l2 * (1 + scale * scale) * squares;
}

// One pass over the columns that `use` names; the largest change and the largest coefficient.
std::pair<double, double> pass(Columns& columns, std::vector<double>& w, const std::vector<uint8_t>* use, double l1, double l2) {
  double change = 0;
  double largest = 0;
  for (size_t j = 0; j < w.size(); ++j) {
    if (columns.square(j) == 0 || (use != nullptr && (*use)[j] == 0)) {
      continue;
    }
    const double old = w[j];
    w[j] = soft(columns.gradient(j) + old * columns.square(j), l1) / (columns.square(j) + l2);
    if (w[j] != old) {
      columns.move(j, w[j] - old);
    }
    change = std::max(change, std::fabs(w[j] - old));
    largest = std::max(largest, std::fabs(w[j]));
  }
  return {change, largest};
}

}  // namespace

LinearWeights solve_elastic_net(const Matrix& x, const Target& target, const ElasticNetProblem& problem, FitContext& context) {
  Columns columns(x, target, problem.intercept, context.pool);
  const double n = static_cast<double>(x.rows);
  const double l1 = problem.alpha * problem.l1 * n;
  const double l2 = problem.alpha * (1 - problem.l1) * n;
  std::vector<double> w(x.columns, 0.0);
  const double limit = problem.tolerance * columns.target_square();
  bool done = limit == 0;
  constexpr int kActivePasses = 20;
  constexpr double kRounding = 1e-15;  // coefficients that move no more: the gap is what rounding leaves
  for (int64_t i = 0; i < problem.max_iterations && !done; ++i) {
    const auto [change, largest] = pass(columns, w, nullptr, l1, l2);
    if (largest == 0 || change <= problem.tolerance * largest || i + 1 == problem.max_iterations || i % 10 == 9) {
      done = duality_gap(columns, w, l1, l2) <= limit || change <= kRounding * largest;
    }
    // The columns in use are worth more passes than the many that stay at 0.
    std::vector<uint8_t> use(w.size());
    for (size_t j = 0; j < w.size(); ++j) {
      use[j] = w[j] != 0 ? 1 : 0;
    }
    for (int a = 0; a < kActivePasses && !done; ++a) {
      const auto [small, size] = pass(columns, w, &use, l1, l2);
      if (small <= problem.tolerance * size) {
        break;
      }
    }
    context.progress(static_cast<double>(i) / static_cast<double>(problem.max_iterations));
  }
  if (!done) {
    context.warn("elastic net: the duality gap is still above the tolerance after max_iterations passes; scale the "
                 "features, or give more");
  }
  LinearWeights out = LinearWeights::zeros(1, x.columns);
  out.coefficients = std::move(w);
  out.intercepts[0] = columns.target_mean() - dot(out.coefficients.data(), columns.means().data(), x.columns);
  return out;
}

}  // namespace athanor::classic
