// Gaps filled by ridge regressions, one a column on all others, in rounds (chained equations, van
// Buuren and Groothuis-Oudshoorn 2011; order and end as scikit-learn's
// IterativeImputer(Ridge(alpha))).
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/feature/numeric/columns.h"
#include "athanor/feature/numeric/impute.h"

namespace athanor {

namespace {

using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

class ModelFiller : public GapFiller {
 public:
  explicit ModelFiller(const ImputeOptions& options) : options_(options) {}

  void fit(Matrix& x, const std::vector<double>& middle, FitContext& context) override {
    columns_ = x.columns;
    weights_.clear();
    rounds_ = 0;
    Matrix filled = x;
    const std::vector<uint64_t> missing = start(filled, middle);
    set_order(missing);
    double largest = 0;
    for (const double value : x.values) {
      largest = std::isnan(value) ? largest : std::max(largest, std::fabs(value));
    }
    if (std::accumulate(missing.begin(), missing.end(), uint64_t{0}) == 0 || columns_ < 2) {
      return;
    }
    for (int64_t round = 0; round < options_.iterations; ++round) {
      const std::vector<double> before = filled.values;
      for (size_t i = 0; i < order_.size(); ++i) {
        const auto column = static_cast<uint64_t>(order_[i]);
        const Eigen::VectorXd weights = regress(x, filled, column);
        weights_.insert(weights_.end(), weights.data(), weights.data() + weights.size());
        predict(x, filled, column, weights.data());
        context.progress((static_cast<double>(round) +
                          static_cast<double>(i) / static_cast<double>(order_.size())) /
                         static_cast<double>(options_.iterations));
      }
      ++rounds_;
      double change = 0;
      for (size_t i = 0; i < before.size(); ++i) {
        change = std::max(change, std::fabs(filled.values[i] - before[i]));
      }
      if (change < options_.tolerance * largest) {
        return;
      }
    }
    context.warn("impute by model: the gaps still moved after " +
                 std::to_string(options_.iterations) + " rounds");
  }

  void fill(Matrix& x, const std::vector<double>& middle, ThreadPool&) const override {
    Matrix filled = x;
    start(filled, middle);
    const double* weights = weights_.data();
    for (uint64_t round = 0; round < rounds_; ++round) {
      for (const int64_t column : order_) {
        predict(x, filled, static_cast<uint64_t>(column), weights);
        weights += columns_;
      }
    }
    x.values = std::move(filled.values);
  }

  void save(SavedWriter& out) const override {
    out.json()["rounds"] = rounds_;
    out.put("order", std::span<const int64_t>(order_));
    out.put("weights", weights_);
  }

  void load(const SavedReader& in, uint64_t columns) override {
    columns_ = columns;
    rounds_ = in.get<uint64_t>("rounds");
    const auto order = in.int64s("order", columns);
    if (rounds_ > 1000 || std::any_of(order.begin(), order.end(), [&](int64_t column) {
          return column < 0 || static_cast<uint64_t>(column) >= columns;
        })) {
      in.fail("'rounds' or 'order' is out of range");
    }
    const auto weights = in.doubles("weights", rounds_ * columns * columns);
    order_.assign(order.begin(), order.end());
    weights_.assign(weights.begin(), weights.end());
  }

 private:
  // Gaps at the middle of their columns; how many there were.
  static std::vector<uint64_t> start(Matrix& x, const std::vector<double>& middle) {
    std::vector<uint64_t> missing(x.columns, 0);
    for (uint64_t row = 0; row < x.rows; ++row) {
      for (uint64_t column = 0; column < x.columns; ++column) {
        if (std::isnan(x.at(row, column))) {
          x.at(row, column) = middle[column];
          ++missing[column];
        }
      }
    }
    return missing;
  }

  void set_order(const std::vector<uint64_t>& missing) {
    order_.resize(columns_);
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(), [&](int64_t a, int64_t b) {
      return missing[static_cast<size_t>(a)] < missing[static_cast<size_t>(b)];
    });
  }

  // Slopes of the other columns, in their order, then the intercept: columns_ numbers.
  Eigen::VectorXd regress(const Matrix& x, const Matrix& filled, uint64_t column) const {
    std::vector<uint64_t> rows;
    for (uint64_t row = 0; row < x.rows; ++row) {
      if (!std::isnan(x.at(row, column))) {
        rows.push_back(row);
      }
    }
    const auto n = static_cast<Eigen::Index>(rows.size());
    const auto d = static_cast<Eigen::Index>(columns_ - 1);
    RowMatrix others(n, d);
    Eigen::VectorXd y(n);
    for (Eigen::Index i = 0; i < n; ++i) {
      const double* values = filled.row(rows[static_cast<size_t>(i)]);
      y[i] = values[column];
      std::copy(values, values + column, others.row(i).data());
      std::copy(values + column + 1, values + columns_, others.row(i).data() + column);
    }
    const Eigen::RowVectorXd mean =
        n > 0 ? Eigen::RowVectorXd(others.colwise().mean()) : Eigen::RowVectorXd::Zero(d);
    const double y_mean = n > 0 ? y.mean() : 0;
    others.rowwise() -= mean;
    y.array() -= y_mean;
    Eigen::MatrixXd gram = Eigen::MatrixXd::Identity(d, d) * std::max(options_.alpha, 1e-12);
    gram.noalias() += others.transpose() * others;
    const Eigen::VectorXd slopes = gram.ldlt().solve(others.transpose() * y);
    Eigen::VectorXd weights(d + 1);
    weights.head(d) = slopes;
    weights[d] = y_mean - mean.dot(slopes);
    return weights;
  }

  void predict(const Matrix& x, Matrix& filled, uint64_t column, const double* weights) const {
    for (uint64_t row = 0; row < x.rows; ++row) {
      if (!std::isnan(x.at(row, column))) {
        continue;
      }
      double* values = filled.row(row);
      double sum = weights[columns_ - 1];
      for (uint64_t other = 0; other < columns_; ++other) {
        sum += other == column ? 0 : weights[other - (other > column ? 1 : 0)] * values[other];
      }
      values[column] = sum;
    }
  }

  ImputeOptions options_;
  uint64_t columns_ = 0;
  uint64_t rounds_ = 0;
  std::vector<int64_t> order_;   // columns by their number of gaps
  std::vector<double> weights_;  // rounds x columns (in order_) x columns
};

}  // namespace

std::unique_ptr<GapFiller> make_model_filler(const ImputeOptions& options) {
  return std::make_unique<ModelFiller>(options);
}

}  // namespace athanor
