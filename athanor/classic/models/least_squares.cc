#include "athanor/classic/models/least_squares.h"

#include <Eigen/Cholesky>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>

#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/design.h"
#include "athanor/classic/models/gram.h"

namespace athanor::classic {

namespace {

using Dense = Eigen::MatrixXd;
using Index = Eigen::Index;

constexpr size_t kDirectColumns = 2048;  // a sparse matrix up to here is solved as a dense one
constexpr uint64_t kDirectBytes = uint64_t{1} << 30;

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

// Sums of each column times the rows' weights, a piece of rows after another.
std::vector<double> means_of(const Matrix& x, const Target& target, double total, ThreadPool& pool) {
  constexpr size_t kPiece = 4096;
  std::vector<std::vector<double>> parts(num_pieces(x.rows, kPiece));
  for_pieces(pool, x.rows, kPiece, [&](size_t i, size_t begin, size_t end) {
    parts[i].assign(x.columns, 0.0);
    for (size_t r = begin; r < end; ++r) {
      add_scaled(parts[i].data(), x.row(r), target.weight(r), x.columns);
    }
  });
  std::vector<double> means(x.columns, 0.0);
  for (const auto& part : parts) {
    add_scaled(means.data(), part.data(), 1.0, x.columns);
  }
  for (double& mean : means) {
    mean /= total;
  }
  return means;
}

// Cholesky of X'X, or of XX' where there are fewer rows than columns; X without its means, rows times sqrt(weight).
class Ridge {
 public:
  Ridge(const Matrix& x, const Target& target, double alpha, bool intercept, ThreadPool& pool)
      : x_(x), target_(target), alpha_(alpha), pool_(pool), total_(total_weight(target)), means_(x.columns, 0.0) {
    if (intercept) {
      means_ = means_of(x, target, total_, pool);
      mean_ = target_mean_of(target);
    }
  }

  LinearWeights solve() const {
    return finish(x_.rows < x_.columns ? by_rows() : by_columns(), means_, mean_);
  }

 private:
  using Square = Eigen::Map<Dense>;

  double root(size_t r) const { return target_.weights.empty() ? 1.0 : std::sqrt(target_.weight(r)); }
  double y(size_t r) const { return root(r) * (target_.values[r] - mean_); }
  void write_row(size_t r, double* to) const {
    const double* from = x_.row(r);
    const double by = root(r);
    for (size_t j = 0; j < x_.columns; ++j) {
      to[j] = by * (from[j] - means_[j]);
    }
  }
  // A constant column: what is left of it is rounding alone.
  bool is_nothing(size_t j, double square) const {
    const double rounding = 8 * 2.220446049250313e-16 * std::fabs(means_[j]);
    return square <= rounding * rounding * total_;
  }

  Eigen::VectorXd by_columns() const {
    const size_t columns = x_.columns;
    PackedColumns packed(x_.rows, columns + 1);
    packed.fill(pool_, [&](size_t r, double* to) {
      write_row(r, to);
      to[columns] = y(r);
    });
    std::vector<double> sums = packed.gram(pool_);
    Dense gram = Square(sums.data(), static_cast<Index>(columns + 1), static_cast<Index>(columns + 1));
    for (Index j = 0; j < static_cast<Index>(columns); ++j) {
      if (is_nothing(static_cast<size_t>(j), gram(j, j))) {
        gram.row(j).setZero();
        gram.col(j).setZero();
      }
    }
    const auto last = static_cast<Index>(columns);
    const Eigen::VectorXd right = gram.col(last).head(last);
    gram.diagonal().array() += alpha_;
    return gram.topLeftCorner(last, last).selfadjointView<Eigen::Lower>().llt().solve(right);
  }

  Eigen::VectorXd by_rows() const {
    std::vector<double> squares(x_.columns, 0.0);
    std::vector<double> row(x_.columns);
    for (size_t r = 0; r < x_.rows; ++r) {
      write_row(r, row.data());
      for (size_t j = 0; j < x_.columns; ++j) {
        squares[j] += row[j] * row[j];
      }
    }
    std::vector<uint8_t> nothing(x_.columns);
    for (size_t j = 0; j < x_.columns; ++j) {
      nothing[j] = is_nothing(j, squares[j]) ? 1 : 0;
    }
    PackedColumns packed(x_.columns, x_.rows);
    packed.fill(pool_, [&](size_t j, double* to) {
      for (size_t r = 0; r < x_.rows; ++r) {
        to[r] = nothing[j] != 0 ? 0 : root(r) * (x_.row(r)[j] - means_[j]);
      }
    });
    std::vector<double> sums = packed.gram(pool_);
    const auto rows = static_cast<Index>(x_.rows);
    Square kernel(sums.data(), rows, rows);
    kernel.diagonal().array() += alpha_;
    Eigen::VectorXd right(rows);
    for (Index r = 0; r < rows; ++r) {
      right(r) = y(static_cast<size_t>(r));
    }
    const Eigen::VectorXd dual = kernel.selfadjointView<Eigen::Lower>().llt().solve(right);
    Eigen::VectorXd w = Eigen::VectorXd::Zero(static_cast<Index>(x_.columns));
    for (size_t r = 0; r < x_.rows; ++r) {
      write_row(r, row.data());
      add_scaled(w.data(), row.data(), dual(static_cast<Index>(r)), x_.columns);
    }
    for (size_t j = 0; j < x_.columns; ++j) {
      w(static_cast<Index>(j)) = nothing[j] != 0 ? 0 : w(static_cast<Index>(j));
    }
    return w;
  }

  const Matrix& x_;
  const Target& target_;
  double alpha_;
  ThreadPool& pool_;
  double total_;
  std::vector<double> means_;
  double mean_ = 0;
};

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
    constexpr double kEnough = 1e-16;  // below it rounding may be what is left
    if (square > kEnough * first) {
      context_.warn("least squares: " + std::to_string(kMaxSteps) + " steps of conjugate gradients left a gradient of " +
                    std::to_string(std::sqrt(square / first)) + " of the first one; scale the features, or give a larger alpha");
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

// Columns that some row holds, ascending: the others' coefficients are 0.
std::vector<int32_t> used_columns(const Matrix& x) {
  std::vector<int32_t> used(x.sparse.indices.begin(), x.sparse.indices.end());
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  return used;
}

}  // namespace

LinearWeights solve_ridge(const Matrix& x, const Target& target, double alpha, bool intercept, FitContext& context) {
  if (x.is_sparse && x.columns > kDirectColumns && x.columns <= static_cast<uint64_t>(INT32_MAX)) {
    const auto used = used_columns(x);
    if (!used.empty() && used.size() < x.columns) {
      const LinearWeights narrow = solve_ridge(take_columns(x, used), target, alpha, intercept, context);
      LinearWeights out = LinearWeights::zeros(1, x.columns);
      out.intercepts = narrow.intercepts;
      for (size_t j = 0; j < used.size(); ++j) {
        out.coefficients[static_cast<size_t>(used[j])] = narrow.coefficients[j];
      }
      return out;
    }
  }
  if (x.is_sparse && (x.columns > kDirectColumns || x.rows * x.columns * sizeof(double) > kDirectBytes)) {
    return SparseLeastSquares(x, target, alpha, intercept, context).solve();
  }
  const Matrix unpacked = x.is_sparse ? to_dense(x) : Matrix{};
  const Matrix& dense = x.is_sparse ? unpacked : x;
  if (alpha > 0) {
    return Ridge(dense, target, alpha, intercept, context.pool).solve();
  }
  const Centred data = centre(dense, target, intercept, context.pool);
  context.progress(0.3);
  return finish(least_squares(data, context.pool), data.means, data.target_mean);
}

}  // namespace athanor::classic
