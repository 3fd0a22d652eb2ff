// Limited-memory BFGS (Liu, Nocedal 1989) for the smooth objective: what scikit-learn's LogisticRegression runs, with its
// memory, its line search and its two ways to stop.
#include <cmath>
#include <deque>

#include "athanor/classic/models/line_search.h"
#include "athanor/classic/models/logistic_problem.h"

namespace athanor::classic {

namespace {

using Vector = LogisticProblem::Vector;

constexpr size_t kMemory = 10;
constexpr int kMostSteps = 50;  // of a line search
constexpr double kEpsilon = 2.220446049250313e-16;
constexpr double kLeastGain = 64 * kEpsilon;  // of the objective, relative

struct Pair {
  Vector step, change;  // of the parameters, of the gradient
  double product = 0;   // of the two
};

double product(const Vector& a, const Vector& b) { return dot(a.data(), b.data(), a.size()); }

// -H g, H from the pairs (the two loops of Nocedal 1980).
Vector direction_of(const std::deque<Pair>& pairs, const Vector& gradient) {
  Vector d(gradient.size());
  for (size_t i = 0; i < d.size(); ++i) {
    d[i] = -gradient[i];
  }
  std::vector<double> shares(pairs.size());
  for (size_t i = pairs.size(); i-- > 0;) {
    shares[i] = product(pairs[i].step, d) / pairs[i].product;
    add_scaled(d.data(), pairs[i].change.data(), -shares[i], d.size());
  }
  if (!pairs.empty()) {
    const double scale = pairs.back().product / product(pairs.back().change, pairs.back().change);
    for (double& value : d) {
      value *= scale;
    }
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    const double by = shares[i] - product(pairs[i].change, d) / pairs[i].product;
    add_scaled(d.data(), pairs[i].step.data(), by, d.size());
  }
  return d;
}

// Where the search stands.
struct Place {
  Vector theta, scores, gradient;
  double value = 0;
};

Place place_at(const LogisticProblem& problem, Vector theta, Vector scores) {
  Place out{std::move(theta), std::move(scores), {}, 0};
  out.value = problem.value(out.theta, out.scores);
  out.gradient = problem.gradient(out.theta, problem.probabilities(out.scores));
  return out;
}

// False: no step along d lowers the objective.
bool walk(const LogisticProblem& problem, const Vector& d, double first_step, Place& place, double& step) {
  const double slope = product(place.gradient, d);
  if (!(slope < 0)) {
    return false;
  }
  const Vector moved = problem.scores(d);
  LineSearch search(place.value, slope, first_step);
  Place next;
  for (int i = 0; i < kMostSteps && !search.done(); ++i) {
    step = search.step();
    Vector theta = place.theta;
    add_scaled(theta.data(), d.data(), step, theta.size());
    Vector scores = place.scores;
    add_scaled(scores.data(), moved.data(), step, scores.size());
    next = place_at(problem, std::move(theta), std::move(scores));
    search.tell(next.value, product(next.gradient, d));
  }
  if (search.found()) {
    place = std::move(next);
  }
  return search.found();
}

}  // namespace

std::vector<double> solve_lbfgs(const LogisticProblem& problem, double tolerance, int64_t max_iterations, FitContext& context) {
  Vector start(problem.size(), 0.0);
  Vector scores = problem.scores(start);
  Place place = place_at(problem, std::move(start), std::move(scores));
  std::deque<Pair> pairs;
  const double first = problem.violation(place.theta, place.gradient);
  for (int64_t i = 0; i < max_iterations; ++i) {
    const double far = problem.violation(place.theta, place.gradient);
    if (far <= tolerance) {
      return place.theta;
    }
    context.progress(std::min(0.99, std::log(first / far + 1) / std::log(first / tolerance + 2)));
    const Vector d = direction_of(pairs, place.gradient);
    const Place before = place;
    double step = 0;
    if (!walk(problem, d, i == 0 ? 1 / std::sqrt(product(d, d)) : 1.0, place, step)) {
      if (pairs.empty()) {
        context.warn("logistic: stopped where the gradient is " + std::to_string(far) + "; scale the features");
        return place.theta;
      }
      pairs.clear();  // begin anew from here
      continue;
    }
    const double gain = before.value - place.value;
    if (gain <= kLeastGain * std::max({std::fabs(before.value), std::fabs(place.value), 1.0})) {
      return place.theta;
    }
    Pair pair{d, place.gradient, 0};
    for (size_t j = 0; j < d.size(); ++j) {
      pair.step[j] = step * d[j];
      pair.change[j] -= before.gradient[j];
    }
    pair.product = product(pair.step, pair.change);
    if (pair.product > -kEpsilon * step * product(before.gradient, d)) {
      pairs.push_back(std::move(pair));
    }
    if (pairs.size() > kMemory) {
      pairs.pop_front();
    }
  }
  context.warn("logistic: max_iterations steps did not reach the tolerance; give more, scale the features, or lower c");
  return place.theta;
}

}  // namespace athanor::classic
