// Searches over known functions, for bench/tune.py: tune_search SAMPLER FUNCTION TRIALS SEED prints the best value after
// the trials, the CPU seconds of all suggestions, those of one of the last hundred, and the process's peak memory (KiB)
// after 10,000 trials and at the end. A whole study is timed: Search with its history, all digits kept.
#include <sys/resource.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "athanor/base/error.h"
#include "athanor/tune/search.h"

using namespace athanor;
using namespace athanor::tune;

namespace {

constexpr double kPi = 3.141592653589793;
constexpr int64_t kEarly = 10000;

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

double branin(const Point& x) {  // the same
  const double u = 15 * x[0] - 5;
  const double v = 15 * x[1];
  return std::pow(v - 5.1 / (4 * kPi * kPi) * u * u + 5 / kPi * u - 6, 2) + 10 * (1 - 1 / (8 * kPi)) * std::cos(u) + 10 -
         0.397887357729738;
}

double hartmann6(const Point& x) {  // the same
  constexpr double kWeights[4] = {1.0, 1.2, 3.0, 3.2};
  constexpr double kScales[4][6] = {
      {10, 3, 17, 3.5, 1.7, 8}, {0.05, 10, 17, 0.1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, 0.05, 10, 0.1, 14}};
  constexpr double kPlaces[4][6] = {{1312, 1696, 5569, 124, 8283, 5886},
                                    {2329, 4135, 8307, 3736, 1004, 9991},
                                    {2348, 1451, 3522, 2883, 3047, 6650},
                                    {4047, 8828, 8732, 5743, 1091, 381}};
  double sum = 3.322368011415515;
  for (int k = 0; k < 4; ++k) {
    double power = 0;
    for (int i = 0; i < 6; ++i) {
      power += kScales[k][i] * std::pow(x[static_cast<size_t>(i)] - 1e-4 * kPlaces[k][i], 2);
    }
    sum -= kWeights[k] * std::exp(-power);
  }
  return sum;
}

// A network's settings: an optimiser with a rate of its own, layers, a width each kind of which costs, dropout. Least 0 at
// adam, 1e-3, 4 layers, 64 wide, 0.2.
double settings(const Space& space, const Point& point) {
  const auto at = [&](const char* name) { return point[static_cast<size_t>(space.find(name))]; };
  constexpr double kWidthCost[4] = {0.4, 0.15, 0, 0.2};
  const double kind = at("kind");
  double loss = 4 * std::pow(at("dropout") - 0.2, 2) + kWidthCost[static_cast<size_t>(at("width"))];
  if (kind == 0) {
    loss += 0.1 + 0.1 * std::pow(std::log10(at("sgd.rate")) + 1, 2) + std::pow(at("sgd.momentum") - 0.9, 2);
  } else if (kind == 1) {
    loss += 0.1 * std::pow(std::log10(at("adam.rate")) + 3, 2);
  } else {
    loss += 0.5;
  }
  return loss + 0.02 * std::abs(at("layers") - 4);
}

struct Problem {
  const char* name;
  int dims;
  double low, high;
  double (*loss)(const Point&);
};

constexpr Problem kProblems[] = {{"sphere", 5, -4, 6, &sphere},
                                 {"rosenbrock", 5, -2, 2, &rosenbrock},
                                 {"rastrigin", 5, -4, 5.12, &rastrigin},
                                 {"ackley", 5, -25, 32, &ackley},
                                 {"styblinski", 5, -5, 5, &styblinski},
                                 {"branin", 2, 0, 1, &branin},
                                 {"hartmann6", 6, 0, 1, &hartmann6}};

Space settings_space() {
  return Space::from_json({{"kind", {{"choice", {"sgd", "adam", "none"}}}},
                           {"sgd.rate", {{"log", {1e-5, 1}}, {"when", {{"kind", "sgd"}}}}},
                           {"sgd.momentum", {{"float", {0, 0.99}}, {"when", {{"kind", "sgd"}}}}},
                           {"adam.rate", {{"log", {1e-5, 1}}, {"when", {{"kind", "adam"}}}}},
                           {"layers", {{"int", {1, 12}}}},
                           {"width", {{"choice", {16, 32, 64, 128}}}},
                           {"dropout", {{"float", {0, 0.5}}}}});
}

Space space_of(const Problem& problem) {
  std::vector<Parameter> parameters(static_cast<size_t>(problem.dims));
  for (size_t i = 0; i < parameters.size(); ++i) {
    parameters[i].name = "x" + std::to_string(i);
    parameters[i].low = problem.low;
    parameters[i].high = problem.high;
  }
  return Space(parameters);
}

// Of this process's own work: other work on the machine does not count.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

long peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

template <class Loss>
void run(const Space& space, const SearchOptions& options, const Loss& loss) {
  Search search(space, options);
  double best = 1e300;
  double all = 0;
  double late = 0;
  long early_kib = 0;
  for (int64_t i = 0; i < options.trials; ++i) {
    const double begin = cpu_seconds();
    const Job job = *search.next();
    JobResult result;
    result.values = {loss(search.trial(job.trial).point)};
    best = std::min(best, result.values[0]);
    search.report(job.index, std::move(result));
    const double seconds = cpu_seconds() - begin;
    all += seconds;
    late += i + 100 >= options.trials ? seconds : 0;
    early_kib = i + 1 == std::min(kEarly, options.trials) ? peak_kib() : early_kib;
  }
  std::printf("%.12g %.6g %.6g %ld %ld\n", best, all, late / static_cast<double>(std::min<int64_t>(100, options.trials)), early_kib,
              peak_kib());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "tune_search SAMPLER FUNCTION TRIALS SEED\n");
    return 2;
  }
  SearchOptions options;
  options.sampler.kind = argv[1];
  options.trials = std::atoll(argv[3]);
  options.seed = std::strtoull(argv[4], nullptr, 10);
  options.digits = 0;
  const std::string name = argv[2];
  try {
    if (name == "settings") {
      const Space space = settings_space();
      run(space, options, [&](const Point& point) { return settings(space, point); });
      return 0;
    }
    for (const Problem& problem : kProblems) {
      if (name == problem.name) {
        run(space_of(problem), options, problem.loss);
        return 0;
      }
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.message().c_str());
    return 1;
  }
  std::fprintf(stderr, "no function '%s'\n", argv[2]);
  return 2;
}
