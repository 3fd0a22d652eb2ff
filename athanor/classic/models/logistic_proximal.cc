// Proximal Newton for |w|_1: the loss is bent around the point class by class, coordinate descent solves that, a line
// search on the true objective takes the step.
#include <cmath>

#include "athanor/classic/models/logistic_problem.h"

namespace athanor::classic {

namespace {

using Vector = std::vector<double>;

double soft(double value, double by) { return value > by ? value - by : (value < -by ? value + by : 0.0); }

// The quadratic around a point for one class: change d of its parameters, u = share * residual + h * (X d + d0).
struct Quadratic {
  const LogisticProblem& problem;
  size_t output;
  const Vector& theta;
  Vector h;
  Vector u;
  Vector squares;  // of columns under h
  Vector change;   // columns, then the intercept

  // One coordinate; how far its optimality was violated.
  double coordinate(size_t j) {
    const auto& design = problem.design();
    const double curve = squares[j] + problem.l2();
    if (!(curve > 0)) {
      return 0;
    }
    const double now = theta[output * design.columns() + j] + change[j];
    const double slope = design.column_dot(j, u.data()) + problem.l2() * now;
    const double next = soft(curve * now - slope, problem.l1()) / curve;
    if (next == now) {
      return 0;
    }
    change[j] += next - now;
    design.add_column(j, next - now, h.data(), u.data());
    return curve * std::fabs(next - now);
  }
  double intercept(double total) {
    if (!problem.intercept() || !(total > 0)) {
      return 0;
    }
    double slope = 0;
    for (const double value : u) {
      slope += value;
    }
    const double by = -slope / total;
    change.back() += by;
    add_scaled(u.data(), h.data(), by, u.size());
    return std::fabs(slope);
  }
};

void descend(Quadratic& q, double tolerance) {
  const size_t columns = q.problem.design().columns();
  double total = 0;
  for (const double value : q.h) {
    total += value;
  }
  std::vector<size_t> active(columns);
  constexpr int kPasses = 200;
  for (int pass = 0; pass < kPasses; ++pass) {
    double far = q.intercept(total);
    active.clear();
    for (size_t j = 0; j < columns; ++j) {
      far = std::max(far, q.coordinate(j));
      if (q.theta[q.output * columns + j] + q.change[j] != 0) {
        active.push_back(j);
      }
    }
    if (far <= tolerance) {
      return;
    }
    for (int inner = 0; inner < kPasses; ++inner) {
      double near = q.intercept(total);
      for (const size_t j : active) {
        near = std::max(near, q.coordinate(j));
      }
      if (near <= tolerance) {
        break;
      }
    }
  }
}

// theta, z and value after the best step along `change`; false when none is better.
bool search(const LogisticProblem& problem, size_t output, const Vector& change, Vector& theta, Vector& z, double& value) {
  const size_t n = problem.design().rows();
  const size_t columns = problem.design().columns();
  Vector moved(n);
  problem.design().times({change.data(), columns}, problem.pool(), moved);
  for (double& one : moved) {
    one += change.back();
  }
  const double slack = 1e-15 * std::max(1.0, std::fabs(value));
  for (double t = 1; t > 1e-10; t /= 2) {
    Vector next = theta;
    add_scaled(next.data() + output * columns, change.data(), t, columns);
    next[problem.outputs() * columns + output] += t * change.back();
    if (t == 1) {  // exact zeros stay exact
      for (size_t j = 0; j < columns; ++j) {
        next[output * columns + j] = theta[output * columns + j] == -change[j] ? 0.0 : next[output * columns + j];
      }
    }
    Vector next_z = z;
    add_scaled(next_z.data() + output * n, moved.data(), t, n);
    const double found = problem.value(next, next_z);
    if (found <= value + slack) {
      theta = std::move(next);
      z = std::move(next_z);
      value = found;
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<double> solve_sparse(const LogisticProblem& problem, double tolerance, int64_t max_iterations,
                                 FitContext& context) {
  const auto& design = problem.design();
  const size_t n = design.rows();
  const size_t columns = design.columns();
  Vector theta(problem.size(), 0.0);
  Vector z = problem.scores(theta);
  double value = problem.value(theta, z);
  double first = 0;
  const int64_t rounds = max_iterations * (problem.outputs() == 1 ? 1 : 10);  // classes take turns: more, cheaper rounds
  for (int64_t i = 0; i < rounds; ++i) {
    double far = 0;
    bool moved = false;
    for (size_t k = 0; k < problem.outputs(); ++k) {
      const Vector p = problem.probabilities(z);
      const Vector g = problem.gradient(theta, p);
      if (k == 0) {
        far = problem.violation(theta, g);
        first = i == 0 ? far : first;
        if (far <= tolerance) {
          return theta;
        }
      }
      Quadratic q{problem, k, theta, problem.row_curvature(p, k, k), Vector(n), Vector(columns), Vector(columns + 1, 0.0)};
      const Vector residual = problem.row_residual(p, k);
      for (size_t r = 0; r < n; ++r) {
        q.h[r] = std::max(q.h[r], 1e-12 * problem.share(r));
        q.u[r] = residual[r];
      }
      problem.pool().parallel_for(columns < 64 ? 1 : 64, [&](size_t part) {
        const size_t parts = columns < 64 ? 1 : 64;
        for (size_t j = part * columns / parts; j < (part + 1) * columns / parts; ++j) {
          q.squares[j] = design.column_square(j, q.h.data());
        }
      });
      descend(q, std::max(0.1 * tolerance, std::min(0.1 * far, far * far / std::max(first, 1e-300))));
      moved = search(problem, k, q.change, theta, z, value) || moved;
      context.progress(std::min(0.99, std::log(first / far + 1) / std::log(first / tolerance + 2)));
    }
    if (!moved) {
      if (far > 1e-7) {
        context.warn("logistic: stopped where the gradient is " + std::to_string(far) + "; scale the features");
      }
      return theta;
    }
  }
  context.warn("logistic: max_iterations steps did not reach the tolerance; give more, scale the features, or lower c");
  return theta;
}

}  // namespace athanor::classic
