#include "athanor/classic/models/linear_svm_primal.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "athanor/classic/models/row_ops.h"

namespace athanor::classic {

namespace {

using Vector = std::vector<double>;
using Index = Eigen::Index;

constexpr size_t kDirectSize = 512;
constexpr double kRounds = 50;  // of conjugate gradients, about what a step takes
constexpr size_t kBlockRows = 256;
constexpr double kRounding = 1e-14;

double product(const Vector& a, const Vector& b) { return dot(a.data(), b.data(), a.size()); }

class Newton {
 public:
  explicit Newton(const PrimalProblem& problem)
      : problem_(problem), x_(problem.x), size_(problem.x.columns + (problem.intercept ? 1 : 0)), slacks_(problem.x.rows) {
    double pairs = 0;
    double stored = 0;
    for (size_t r = 0; r < x_.rows && x_.is_sparse; ++r) {
      const auto width = static_cast<double>(x_.sparse.offsets[r + 1] - x_.sparse.offsets[r] + 1);
      pairs += width * width / 2;
      stored += width;
    }
    direct_ = size_ <= kDirectSize && pairs <= kRounds * stored;
  }

  bool run(double tolerance, int64_t max_iterations, const std::function<void(double)>& progress, Vector& w);

 private:
  double times(size_t row, const Vector& v) const {
    return row_dot(x_, row, v.data()) + (problem_.intercept ? v.back() : 0);
  }
  void add(size_t row, double factor, Vector& v) const {
    add_row(x_, row, factor, v.data());
    v.back() += problem_.intercept ? factor : 0;
  }
  // Slacks, the rows that have one, the gradient; the size of the terms that it is the sum of.
  double look(const Vector& w, const Vector& decisions);
  void curvature_times(const Vector& v, Vector& out) const;
  Vector conjugate_step(double accuracy) const;
  Eigen::MatrixXd written_out() const;
  Vector direct_step() const;
  double length_along(const Vector& w, const Vector& decisions, const Vector& step, const Vector& moved) const;

  const PrimalProblem& problem_;
  const Matrix& x_;
  size_t size_;
  bool direct_ = false;
  Vector slacks_;
  std::vector<uint32_t> active_;
  Vector gradient_;
};

double Newton::look(const Vector& w, const Vector& decisions) {
  active_.clear();
  gradient_ = w;
  double terms = product(w, w);
  for (size_t r = 0; r < x_.rows; ++r) {
    slacks_[r] = problem_.costs[r] > 0 ? problem_.slack(r, decisions[r]) : 0;
    if (slacks_[r] != 0) {
      active_.push_back(static_cast<uint32_t>(r));
      const double factor = 2 * problem_.costs[r] * slacks_[r];
      add(r, -factor, gradient_);
      terms += factor * factor * (row_square(x_, r) + 1);
    }
  }
  return std::sqrt(terms);
}

void Newton::curvature_times(const Vector& v, Vector& out) const {
  out = v;
  for (const uint32_t r : active_) {
    add(r, 2 * problem_.costs[r] * times(r, v), out);
  }
}

Eigen::MatrixXd Newton::written_out() const {
  const auto size = static_cast<Index>(size_);
  Eigen::MatrixXd hessian = Eigen::MatrixXd::Identity(size, size);
  if (x_.is_sparse) {  // lower triangle; columns of a row ascend, the intercept's is the last
    for (const uint32_t r : active_) {
      const double factor = 2 * problem_.costs[r];
      const uint64_t end = x_.sparse.offsets[r + 1];
      for (uint64_t a = x_.sparse.offsets[r]; a < end; ++a) {
        double* column = hessian.col(static_cast<Index>(x_.sparse.indices[a])).data();
        const double value = factor * x_.sparse.values[a];
        for (uint64_t b = a; b < end; ++b) {
          column[x_.sparse.indices[b]] += value * x_.sparse.values[b];
        }
        if (problem_.intercept) {
          column[size_ - 1] += value;
        }
      }
      hessian(size - 1, size - 1) += problem_.intercept ? factor : 0;
    }
    return hessian;
  }
  for (size_t begin = 0; begin < active_.size(); begin += kBlockRows) {
    const size_t count = std::min(kBlockRows, active_.size() - begin);
    Eigen::MatrixXd block = Eigen::MatrixXd::Ones(size, static_cast<Index>(count));
    for (size_t i = 0; i < count; ++i) {
      const uint32_t r = active_[begin + i];
      std::copy_n(x_.row(r), x_.columns, block.col(static_cast<Index>(i)).data());
      block.col(static_cast<Index>(i)) *= std::sqrt(2 * problem_.costs[r]);
    }
    hessian.selfadjointView<Eigen::Lower>().rankUpdate(block);
  }
  return hessian;
}

Vector Newton::direct_step() const {
  const Eigen::MatrixXd hessian = written_out();
  const Eigen::Map<const Eigen::VectorXd> gradient(gradient_.data(), static_cast<Index>(size_));
  const Eigen::VectorXd step = -hessian.selfadjointView<Eigen::Lower>().llt().solve(gradient);
  return {step.data(), step.data() + step.size()};
}

// Preconditioned by its diagonal, mixed with 1: alone it is too bold where few rows hold a column (Hsia et al. 2018).
Vector Newton::conjugate_step(double accuracy) const {
  Vector inverse(size_, 1.0);
  for (const uint32_t r : active_) {
    const double factor = 2 * problem_.costs[r];
    x_.for_each_in_row(r, [&](uint32_t column, double value) { inverse[column] += factor * value * value; });
    inverse.back() += problem_.intercept ? factor : 0;
  }
  constexpr double kMix = 0.01;
  for (double& value : inverse) {
    value = 1 / (1 - kMix + kMix * value);
  }
  Vector step(size_, 0.0);
  Vector left(size_);
  Vector direction(size_);
  for (size_t i = 0; i < size_; ++i) {
    left[i] = -gradient_[i];
    direction[i] = inverse[i] * left[i];
  }
  double square = product(left, direction);
  const double stop = accuracy * accuracy * square;
  Vector bent;
  for (size_t i = 0; i < 10 * size_ && square > stop; ++i) {
    curvature_times(direction, bent);
    const double length = square / product(direction, bent);
    add_scaled(step.data(), direction.data(), length, size_);
    add_scaled(left.data(), bent.data(), -length, size_);
    double next = 0;
    for (size_t j = 0; j < size_; ++j) {
      next += left[j] * left[j] * inverse[j];
    }
    for (size_t j = 0; j < size_; ++j) {
      direction[j] = inverse[j] * left[j] + next / square * direction[j];
    }
    square = next;
  }
  return step;
}

// Where the value along the step is lowest: its slope is piecewise linear and rises, so Newton's method within a bracket
// ends after a few rounds.
double Newton::length_along(const Vector& w, const Vector& decisions, const Vector& step, const Vector& moved) const {
  const double flat = product(w, step);
  const double square = product(step, step);
  double low = 0;
  double high = INFINITY;
  double t = 1;
  double first = product(gradient_, step);
  for (int round = 0; round < 60; ++round) {
    double slope = flat + t * square;
    double curve = square;
    for (size_t r = 0; r < x_.rows; ++r) {
      const double slack = problem_.costs[r] > 0 ? problem_.slack(r, decisions[r] + t * moved[r]) : 0;
      if (slack != 0) {
        slope -= 2 * problem_.costs[r] * slack * moved[r];
        curve += 2 * problem_.costs[r] * moved[r] * moved[r];
      }
    }
    if (std::fabs(slope) <= 1e-3 * std::fabs(first)) {
      return t;
    }
    (slope > 0 ? high : low) = t;
    const double next = t - slope / curve;
    t = next > low && next < high ? next : (std::isfinite(high) ? (low + high) / 2 : 2 * low);
  }
  return t;
}

bool Newton::run(double tolerance, int64_t max_iterations, const std::function<void(double)>& progress, Vector& w) {
  const Vector zero(x_.rows, 0.0);
  look(Vector(size_, 0.0), zero);
  double share = 1;
  if (problem_.classes && x_.rows > 0) {
    const auto yes = std::count_if(problem_.targets.begin(), problem_.targets.end(), [](double y) { return y > 0; });
    const auto fewer = std::min<ptrdiff_t>(yes, static_cast<ptrdiff_t>(x_.rows) - yes);
    share = static_cast<double>(std::max<ptrdiff_t>(fewer, 1)) / static_cast<double>(x_.rows);
  }
  const double first = std::sqrt(product(gradient_, gradient_));
  const double limit = tolerance * share * first;
  Vector decisions(x_.rows);
  for (size_t r = 0; r < x_.rows; ++r) {
    decisions[r] = times(r, w);
  }
  Vector moved(x_.rows);
  for (int64_t i = 0; i < max_iterations; ++i) {
    const double terms = look(w, decisions);
    const double size = std::sqrt(product(gradient_, gradient_));
    if (size <= std::max(limit, kRounding * terms)) {
      return true;
    }
    progress(std::min(0.99, std::log(first / size + 1) / std::log(first / limit + 2)));
    const Vector step = direct_ ? direct_step() : conjugate_step(std::min(0.1, std::sqrt(size / first)));
    for (size_t r = 0; r < x_.rows; ++r) {
      moved[r] = times(r, step);
    }
    const double t = length_along(w, decisions, step, moved);
    add_scaled(w.data(), step.data(), t, size_);
    for (size_t r = 0; r < x_.rows; ++r) {
      decisions[r] = i % 8 == 7 ? times(r, w) : decisions[r] + t * moved[r];  // now and then anew: sums drift
    }
  }
  return false;
}

}  // namespace

bool solve_primal(const PrimalProblem& problem, double tolerance, int64_t max_iterations,
                  const std::function<void(double)>& progress, std::span<double> w, double& intercept) {
  Vector all(w.begin(), w.end());
  if (problem.intercept) {
    all.push_back(intercept);
  }
  const bool done = Newton(problem).run(tolerance, max_iterations, progress, all);
  std::copy_n(all.begin(), w.size(), w.begin());
  intercept = problem.intercept ? all.back() : 0;
  return done;
}

bool compacted(const Matrix& x, Matrix& out) {
  constexpr double kWorth = 0.25;
  if (x.is_sparse) {
    return false;
  }
  const auto zeros = static_cast<size_t>(std::count(x.values.begin(), x.values.end(), 0.0));
  const size_t stored = x.values.size() - zeros;
  if (static_cast<double>(stored) > kWorth * static_cast<double>(x.values.size())) {
    return false;
  }
  out = Matrix{};
  out.rows = x.rows;
  out.columns = x.columns;
  out.is_sparse = true;
  out.sparse.indices.reserve(stored);
  out.sparse.values.reserve(stored);
  for (size_t r = 0; r < x.rows; ++r) {
    x.for_each_in_row(r, [&](uint32_t column, double value) {
      if (value != 0) {
        out.sparse.indices.push_back(column);
        out.sparse.values.push_back(value);
      }
    });
    out.sparse.offsets.push_back(out.sparse.indices.size());
  }
  return true;
}

}  // namespace athanor::classic
