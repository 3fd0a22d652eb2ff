#include "athanor/classic/models/least_squares.h"

#include <Eigen/Cholesky>
#include <Eigen/QR>
#include <cmath>

#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/design.h"

namespace athanor::classic {

namespace {

using Dense = Eigen::MatrixXd;
using Index = Eigen::Index;

constexpr size_t kDirectColumns = 2048;  // a sparse matrix up to here is solved as a dense one
constexpr uint64_t kDirectBytes = uint64_t{1} << 30;
constexpr Index kBlock = 64;

// Rows times sqrt(weight), columns and target without their means.
struct Centred {
  std::vector<double> means;
  double target_mean = 0;
  Dense x;
  Eigen::VectorXd y;
};

double total_weight(const Target& target) {
  double total = 0;
  for (size_t r = 0; r < target.values.size(); ++r) {
    total += target.weight(r);
  }
  return total;
}

double target_mean_of(const Target& target) {
  double sum = 0;
  for (size_t r = 0; r < target.values.size(); ++r) {
    sum += target.weight(r) * target.values[r];
  }
  return sum / total_weight(target);
}

Centred centre(const Matrix& x, const Target& target, bool intercept, ThreadPool& pool) {
  Centred out;
  const Design design(x);
  out.means.assign(x.columns, 0.0);
  if (intercept) {
    out.means = weighted_means(design, target.weights, total_weight(target), pool);
    out.target_mean = target_mean_of(target);
  }
  out.x.resize(static_cast<Index>(x.rows), static_cast<Index>(x.columns));
  out.y.resize(static_cast<Index>(x.rows));
  const double total = total_weight(target);
  std::vector<double> roots(x.rows);
  for (size_t r = 0; r < x.rows; ++r) {
    roots[r] = std::sqrt(target.weight(r));
    out.y(static_cast<Index>(r)) = roots[r] * (target.values[r] - out.target_mean);
  }
  pool.parallel_for(x.columns, [&](size_t j) {
    const double* from = design.column(j);
    double* to = out.x.col(static_cast<Index>(j)).data();
    for (size_t r = 0; r < x.rows; ++r) {
      to[r] = roots[r] * (from[r] - out.means[j]);
    }
    const double rounding = 8 * 2.220446049250313e-16 * std::fabs(out.means[j]);
    if (dot(to, to, x.rows) <= rounding * rounding * total) {
      std::fill(to, to + x.rows, 0.0);  // a constant column: what is left of it is rounding alone
    }
  });
  return out;
}

LinearWeights finish(const Eigen::VectorXd& w, const std::vector<double>& means, double target_mean) {
  LinearWeights out = LinearWeights::zeros(1, means.size());
  out.intercepts[0] = target_mean;
  for (size_t j = 0; j < means.size(); ++j) {
    out.coefficients[j] = w(static_cast<Index>(j));
    out.intercepts[0] -= means[j] * out.coefficients[j];
  }
  return out;
}

// The upper triangle of [X y] by pieces of rows, each reduced to its own triangle and those together.
Dense triangle(const Centred& data, ThreadPool& pool) {
  const Index width = data.x.cols() + 1;
  const auto piece = static_cast<size_t>(std::max<Index>(4096, 4 * width));
  const auto rows = static_cast<size_t>(data.x.rows());
  std::vector<Dense> parts(num_pieces(rows, piece));
  for_pieces(pool, rows, piece, [&](size_t i, size_t begin, size_t end) {
    const auto height = static_cast<Index>(end - begin);
    Dense block(height, width);
    block.leftCols(width - 1) = data.x.middleRows(static_cast<Index>(begin), height);
    block.col(width - 1) = data.y.segment(static_cast<Index>(begin), height);
    const Eigen::HouseholderQR<Dense> qr(block);
    parts[i] = qr.matrixQR().topRows(std::min(height, width)).triangularView<Eigen::Upper>();
  });
  if (parts.size() == 1) {
    return parts[0];
  }
  Index height = 0;
  for (const auto& part : parts) {
    height += part.rows();
  }
  Dense all(height, width);
  Index at = 0;
  for (const auto& part : parts) {
    all.middleRows(at, part.rows()) = part;
    at += part.rows();
  }
  const Eigen::HouseholderQR<Dense> qr(all);
  return qr.matrixQR().topRows(std::min(height, width)).triangularView<Eigen::Upper>();
}

Eigen::VectorXd least_squares(const Centred& data, ThreadPool& pool) {
  Eigen::CompleteOrthogonalDecomposition<Dense> solver;
  const Index columns = data.x.cols();
  solver.setThreshold(static_cast<double>(std::max(data.x.rows(), columns)) * 2.220446049250313e-16);
  if (data.x.rows() <= columns) {
    solver.compute(data.x);
    return solver.solve(data.y);
  }
  const Dense r = triangle(data, pool);
  solver.compute(r.leftCols(columns));
  return solver.solve(r.col(columns));
}

Eigen::VectorXd ridge_direct(const Centred& data, double alpha, ThreadPool& pool) {
  const Index columns = data.x.cols();
  if (data.x.rows() < columns) {
    Dense kernel = data.x * data.x.transpose();
    kernel.diagonal().array() += alpha;
    return data.x.transpose() * kernel.llt().solve(data.y);
  }
  Dense gram(columns, columns);
  const Index blocks = (columns + kBlock - 1) / kBlock;
  pool.parallel_for(static_cast<size_t>(blocks), [&](size_t i) {
    const Index begin = static_cast<Index>(i) * kBlock;
    const Index width = std::min(kBlock, columns - begin);
    gram.block(begin, begin, columns - begin, width).noalias() =
        data.x.rightCols(columns - begin).transpose() * data.x.middleCols(begin, width);
  });
  gram.diagonal().array() += alpha;
  return gram.selfadjointView<Eigen::Lower>().llt().solve(data.x.transpose() * data.y);
}

// Conjugate gradients on (A'A + alpha) w = A'y, A = sqrt(W) (X - means), never written out (Hestenes, Stiefel 1952).
class SparseLeastSquares {
 public:
  SparseLeastSquares(const Matrix& x, const Target& target, double alpha, bool intercept, FitContext& context)
      : design_(x), target_(target), alpha_(alpha), context_(context), means_(x.columns, 0.0), mean_(0) {
    if (intercept) {
      means_ = weighted_means(design_, target.weights, total_weight(target), context.pool);
      mean_ = target_mean_of(target);
    }
  }

  LinearWeights solve() {
    const size_t columns = design_.columns();
    std::vector<double> left(design_.rows());  // weight * residual
    for (size_t r = 0; r < left.size(); ++r) {
      left[r] = target_.weight(r) * (target_.values[r] - mean_);
    }
    Eigen::VectorXd w = Eigen::VectorXd::Zero(static_cast<Index>(columns));
    Eigen::VectorXd s = back(left);
    Eigen::VectorXd p = s;
    const double first = s.squaredNorm();
    double square = first;
    constexpr int kMaxSteps = 10000;
    for (int step = 0; step < kMaxSteps && square > 1e-24 * first; ++step) {
      const auto moved = forward(p);
      double curve = alpha_ * p.squaredNorm();
      for (size_t r = 0; r < moved.size(); ++r) {
        curve += target_.weight(r) * moved[r] * moved[r];
      }
      if (!(curve > 0)) {
        break;
      }
      const double a = square / curve;
      w += a * p;
      for (size_t r = 0; r < moved.size(); ++r) {
        left[r] -= a * target_.weight(r) * moved[r];
      }
      s = back(left) - alpha_ * w;
      const double next = s.squaredNorm();
      p = s + (next / square) * p;
      square = next;
      context_.progress(static_cast<double>(step) / kMaxSteps);
    }
    return finish(w, means_, mean_);
  }

 private:
  std::vector<double> forward(const Eigen::VectorXd& v) const {
    std::vector<double> out(design_.rows());
    design_.times({v.data(), design_.columns()}, context_.pool, out);
    const double shift = dot(v.data(), means_.data(), means_.size());
    for (double& value : out) {
      value -= shift;
    }
    return out;
  }
  Eigen::VectorXd back(const std::vector<double>& left) const {
    Eigen::VectorXd out(static_cast<Index>(design_.columns()));
    design_.transposed(left, context_.pool, {out.data(), design_.columns()});
    double sum = 0;
    for (const double value : left) {
      sum += value;
    }
    add_scaled(out.data(), means_.data(), -sum, means_.size());
    return out;
  }

  Design design_;
  const Target& target_;
  double alpha_;
  FitContext& context_;
  std::vector<double> means_;
  double mean_;
};

}  // namespace

LinearWeights solve_ridge(const Matrix& x, const Target& target, double alpha, bool intercept, FitContext& context) {
  if (x.is_sparse && (x.columns > kDirectColumns || x.rows * x.columns * sizeof(double) > kDirectBytes)) {
    return SparseLeastSquares(x, target, alpha, intercept, context).solve();
  }
  const Centred data = centre(x.is_sparse ? to_dense(x) : x, target, intercept, context.pool);
  context.progress(0.3);
  const Eigen::VectorXd w = alpha == 0 ? least_squares(data, context.pool) : ridge_direct(data, alpha, context.pool);
  return finish(w, data.means, data.target_mean);
}

}  // namespace athanor::classic
