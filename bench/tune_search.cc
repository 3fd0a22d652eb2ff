// Searches over known functions, for bench/tune.py: tune_search SAMPLER FUNCTION TRIALS SEED prints the best value after
// the trials, the CPU seconds of all suggestions, and those of the last hundred.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "athanor/base/error.h"
#include "athanor/tune/sampler.h"

using namespace athanor;
using namespace athanor::tune;

namespace {

constexpr double kPi = 3.141592653589793;

struct Problem {
  const char* name;
  int dims;
  double low, high;
  double (*loss)(const Point&);
};

double sphere(const Point& x) {
  double sum = 0;
  for (const double v : x) {
    sum += v * v;
  }
  return sum;
}

double rosenbrock(const Point& x) {
  double sum = 0;
  for (size_t i = 0; i + 1 < x.size(); ++i) {
    sum += 100 * std::pow(x[i + 1] - x[i] * x[i], 2) + std::pow(1 - x[i], 2);
  }
  return sum;
}

double rastrigin(const Point& x) {
  double sum = 0;
  for (const double v : x) {
    sum += v * v - 10 * std::cos(2 * kPi * v) + 10;
  }
  return sum;
}

double ackley(const Point& x) {
  double squares = 0;
  double waves = 0;
  for (const double v : x) {
    squares += v * v;
    waves += std::cos(2 * kPi * v);
  }
  const double n = static_cast<double>(x.size());
  return -20 * std::exp(-0.2 * std::sqrt(squares / n)) - std::exp(waves / n) + 20 + std::exp(1.0);
}

double styblinski(const Point& x) {  // moved up so that its least value is 0
  double sum = 0;
  for (const double v : x) {
    sum += 0.5 * (v * v * v * v - 16 * v * v + 5 * v) + 39.16616570377142;
  }
  return sum;
}

constexpr Problem kProblems[] = {{"sphere", 5, -4, 6, &sphere},
                                 {"rosenbrock", 5, -2, 2, &rosenbrock},
                                 {"rastrigin", 5, -4, 5.12, &rastrigin},
                                 {"ackley", 5, -25, 32, &ackley},
                                 {"styblinski", 5, -5, 5, &styblinski}};

// Of this process's own work: other work on the machine does not count.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "tune_search SAMPLER FUNCTION TRIALS SEED\n");
    return 2;
  }
  const Problem* problem = nullptr;
  for (const Problem& known : kProblems) {
    problem = std::string(argv[2]) == known.name ? &known : problem;
  }
  if (problem == nullptr) {
    return 2;
  }
  std::vector<Parameter> parameters(static_cast<size_t>(problem->dims));
  for (size_t i = 0; i < parameters.size(); ++i) {
    parameters[i].name = "x" + std::to_string(i);
    parameters[i].low = problem->low;
    parameters[i].high = problem->high;
  }
  const Space space(parameters);
  SamplerOptions options;
  options.kind = argv[1];
  const int64_t trials = std::atoll(argv[3]);
  try {
    const auto sampler = make_sampler(options, space, 1, std::strtoull(argv[4], nullptr, 10));
    double best = 1e300;
    double all = 0;
    double late = 0;
    for (int64_t i = 0; i < trials; ++i) {
      const double begin = cpu_seconds();
      Trial trial;
      trial.number = i;
      trial.point = sampler->ask(i);
      trial.values = {problem->loss(trial.point)};
      trial.state = TrialState::kComplete;
      sampler->tell(trial);
      const double seconds = cpu_seconds() - begin;
      all += seconds;
      late += i + 100 >= trials ? seconds : 0;
      best = std::min(best, trial.values[0]);
    }
    std::printf("%.12g %.6g %.6g\n", best, all, late / static_cast<double>(std::min<int64_t>(100, trials)));
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.message().c_str());
    return 1;
  }
  return 0;
}
