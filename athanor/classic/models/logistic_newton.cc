// Newton's method: the Hessian written out and factorised where it is small, conjugate gradients with its diagonal as
// preconditioner where it is not (Lin, Weng, Keerthi 2008, without the trust region: the line search does that).
#include <Eigen/Cholesky>
#include <cmath>

#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/logistic_problem.h"

namespace athanor::classic {

namespace {

using Vector = std::vector<double>;
using Index = Eigen::Index;

constexpr size_t kDirectSize = 1024;
constexpr double kDirectWork = 4e9;

double product(const Vector& a, const Vector& b) { return dot(a.data(), b.data(), a.size()); }

bool is_small(const LogisticProblem& problem) {
  const auto& design = problem.design();
  const double pairs = static_cast<double>(problem.outputs() * (problem.outputs() + 1)) / 2;
  const double stored = static_cast<double>(design.is_sparse() ? design.matrix().sparse.values.size() : design.rows() * design.columns());
  const double a_row = stored / static_cast<double>(design.rows());
  return problem.size() <= kDirectSize && pairs * stored * a_row <= kDirectWork;
}

// X' diag(h) X, and X'h: lower triangle, column j in parallel.
void weighted_gram(const Design& design, const Vector& h, ThreadPool& pool, Eigen::MatrixXd& gram) {
  const size_t n = design.rows();
  const size_t columns = design.columns();
  gram.setZero(static_cast<Index>(columns), static_cast<Index>(columns));
  if (design.is_sparse()) {
    const auto& sparse = design.matrix().sparse;
    pool.parallel_for(columns, [&](size_t j) {
      const auto rows = design.rows_of(j);
      const auto values = design.values_of(j);
      double* out = gram.col(static_cast<Index>(j)).data();
      for (size_t i = 0; i < rows.size(); ++i) {
        const double factor = values[i] * h[rows[i]];
        for (size_t at = sparse.offsets[rows[i]]; at < sparse.offsets[rows[i] + 1]; ++at) {
          out[sparse.indices[at]] += factor * sparse.values[at];
        }
      }
    });
    return;
  }
  constexpr size_t kBlock = 32;
  const Eigen::Map<const Eigen::MatrixXd> x(design.column(0), static_cast<Index>(n), static_cast<Index>(columns));
  for_pieces(pool, columns, kBlock, [&](size_t, size_t begin, size_t end) {
    const auto width = static_cast<Index>(end - begin);
    const auto rest = static_cast<Index>(columns - begin);
    const Eigen::Map<const Eigen::VectorXd> weight(h.data(), static_cast<Index>(n));
    const Eigen::MatrixXd scaled = weight.asDiagonal() * x.middleCols(static_cast<Index>(begin), width);
    gram.block(static_cast<Index>(begin), static_cast<Index>(begin), rest, width).noalias() =
        x.rightCols(rest).transpose() * scaled;
  });
}

Eigen::MatrixXd written_out(const LogisticProblem& problem, const Vector& p) {
  const auto& design = problem.design();
  const size_t columns = design.columns();
  const size_t outputs = problem.outputs();
  const auto size = static_cast<Index>(problem.size());
  Eigen::MatrixXd hessian = Eigen::MatrixXd::Zero(size, size);
  Eigen::MatrixXd gram;
  Vector edge(columns);
  const auto width = static_cast<Index>(columns);
  for (size_t l = 0; l < outputs; ++l) {
    for (size_t k = l; k < outputs; ++k) {
      const Vector h = problem.row_curvature(p, k, l);
      weighted_gram(design, h, problem.pool(), gram);
      const auto row = static_cast<Index>(k) * width;
      const auto col = static_cast<Index>(l) * width;
      hessian.block(row, col, width, width) = gram.selfadjointView<Eigen::Lower>();
      if (problem.intercept()) {
        design.transposed(h, problem.pool(), edge);
        double sum = 0;
        for (const double value : h) {
          sum += value;
        }
        const auto bias_k = static_cast<Index>(outputs * columns + k);
        const auto bias_l = static_cast<Index>(outputs * columns + l);
        hessian.row(bias_k).segment(col, width) = Eigen::Map<Eigen::RowVectorXd>(edge.data(), width);
        hessian.row(bias_l).segment(row, width) = Eigen::Map<Eigen::RowVectorXd>(edge.data(), width);
        hessian(bias_k, bias_l) = sum;
      }
    }
  }
  return hessian;
}

Vector direct_step(const LogisticProblem& problem, const Vector& p, const Vector& g) {
  Eigen::MatrixXd hessian = written_out(problem, p);
  const Index size = hessian.rows();
  // Softmax does not change when all intercepts move together: a trace of damping makes the matrix definite there.
  const double damping = 1e-13 * (hessian.trace() / static_cast<double>(size)) + 1e-300;
  for (Index i = 0; i < size; ++i) {
    const bool punished = problem.is_punished(static_cast<size_t>(i));
    hessian(i, i) += punished ? problem.l2() : 0;
    hessian(i, i) += punished && problem.l2() > 0 ? 0 : damping;
    hessian(i, i) += !punished && !problem.intercept() ? 1 : 0;
  }
  // Scaled to a diagonal of ones, so that columns of unlike size do not cost digits.
  Eigen::VectorXd scale = hessian.diagonal().cwiseSqrt().cwiseInverse();
  hessian = scale.asDiagonal() * hessian.selfadjointView<Eigen::Lower>().toDenseMatrix() * scale.asDiagonal();
  const Eigen::Map<const Eigen::VectorXd> right(g.data(), size);
  const Eigen::VectorXd step = scale.cwiseProduct(hessian.ldlt().solve(scale.cwiseProduct(right)));
  Vector out(problem.size());
  for (Index i = 0; i < size; ++i) {
    out[static_cast<size_t>(i)] = -step(i);
  }
  return out;
}

Vector conjugate_step(const LogisticProblem& problem, const Vector& p, const Vector& g, double accuracy) {
  const Vector diagonal = problem.curvature_diagonal(p);
  Vector step(g.size(), 0.0);
  Vector left(g.size());
  Vector scaled(g.size());
  for (size_t i = 0; i < g.size(); ++i) {
    left[i] = -g[i];
    scaled[i] = left[i] / std::max(diagonal[i], 1e-300);
  }
  Vector direction = scaled;
  double square = product(left, scaled);
  const double stop = accuracy * accuracy * square;
  constexpr int kMaxSteps = 500;
  for (int i = 0; i < kMaxSteps && square > stop; ++i) {
    const Vector bent = problem.curvature_times(p, direction);
    const double curve = product(direction, bent);
    if (!(curve > 0)) {
      break;
    }
    const double a = square / curve;
    add_scaled(step.data(), direction.data(), a, step.size());
    add_scaled(left.data(), bent.data(), -a, left.size());
    for (size_t j = 0; j < left.size(); ++j) {
      scaled[j] = left[j] / std::max(diagonal[j], 1e-300);
    }
    const double next = product(left, scaled);
    for (size_t j = 0; j < left.size(); ++j) {
      direction[j] = scaled[j] + next / square * direction[j];
    }
    square = next;
  }
  return step;
}

}  // namespace

std::vector<double> solve_smooth(const LogisticProblem& problem, double tolerance, int64_t max_iterations,
                                 FitContext& context) {
  Vector theta(problem.size(), 0.0);
  Vector z = problem.scores(theta);
  double value = problem.value(theta, z);
  const bool direct = is_small(problem);
  double first = 0;
  double best = INFINITY;
  int stale = 0;
  for (int64_t i = 0; i < max_iterations; ++i) {
    const Vector p = problem.probabilities(z);
    const Vector g = problem.gradient(theta, p);
    const double far = problem.violation(theta, g);
    first = i == 0 ? far : first;
    if (far <= tolerance) {
      return theta;
    }
    stale = far < 0.5 * best ? 0 : stale + 1;
    best = std::min(best, far);
    context.progress(std::min(0.99, std::log(first / far + 1) / std::log(first / tolerance + 2)));
    const Vector step = direct ? direct_step(problem, p, g)
                               : conjugate_step(problem, p, g, std::min(0.25, std::sqrt(far / first)));
    const double slope = product(g, step);
    const Vector moved = problem.scores(step);
    const double slack = 1e-14 * std::max(1.0, std::fabs(value));
    bool taken = false;
    for (double t = 1; t > 1e-12 && slope < 0 && !taken; t /= 2) {
      Vector next = theta;
      add_scaled(next.data(), step.data(), t, next.size());
      Vector next_z = z;
      add_scaled(next_z.data(), moved.data(), t, next_z.size());
      const double found = problem.value(next, next_z);
      if (found <= value + 1e-4 * t * slope + slack) {
        stale = found < value - 10 * slack ? 0 : stale;
        theta = std::move(next);
        z = std::move(next_z);
        value = found;
        taken = true;
      }
    }
    if (!taken || stale > 5) {  // rounding allows no more
      if (best > 1e-7) {
        context.warn("logistic: stopped where the gradient is " + std::to_string(best) + "; scale the features");
      }
      return theta;
    }
  }
  context.warn("logistic: max_iterations steps did not reach the tolerance; give more, scale the features, or lower c");
  return theta;
}

}  // namespace athanor::classic
