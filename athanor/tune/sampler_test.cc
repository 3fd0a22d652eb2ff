#include "athanor/tune/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/tune/gaussian_process.h"
#include "athanor/tune/parzen.h"
#include "athanor/tune/pareto.h"
#include "athanor/tune/sobol.h"

namespace athanor::tune {
namespace {

Space parse(const std::string& yaml) { return Space::parse(parse_recipe(yaml, "r.yaml")); }

Space cube(int n, double low, double high) {
  std::vector<Parameter> parameters;
  for (int i = 0; i < n; ++i) {
    Parameter parameter;
    parameter.name = std::string("x") + static_cast<char>('a' + i);
    parameter.low = low;
    parameter.high = high;
    parameters.push_back(parameter);
  }
  return Space(parameters);
}

using Loss = std::function<double(const Point&)>;

double sphere(const Point& x) {
  double sum = 0;
  for (const double value : x) {
    sum += (value - 1) * (value - 1);
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

double branin(const Point& x) {
  const double pi = 3.14159265358979;
  return std::pow(x[1] - 5.1 / (4 * pi * pi) * x[0] * x[0] + 5 / pi * x[0] - 6, 2) + 10 * (1 - 1 / (8 * pi)) * std::cos(x[0]) + 10;
}

Trial tell(Sampler& sampler, int64_t number, const Loss& loss) {
  Trial trial;
  trial.number = number;
  trial.point = sampler.ask(number);
  trial.state = TrialState::kComplete;
  trial.values = {loss(trial.point)};
  sampler.tell(trial);
  return trial;
}

double best_of(const std::string& kind, const Space& space, const Loss& loss, int trials, uint64_t seed) {
  SamplerOptions options;
  options.kind = kind;
  const auto sampler = make_sampler(options, space, 1, seed);
  double best = 1e300;
  for (int i = 0; i < trials; ++i) {
    best = std::min(best, tell(*sampler, i, loss).values[0]);
  }
  return best;
}

double mean_log(const std::string& kind, const Space& space, const Loss& loss, int trials, int seeds) {
  double sum = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    sum += std::log10(best_of(kind, space, loss, trials, static_cast<uint64_t>(seed)) + 1e-12);
  }
  return sum / seeds;
}

TEST(Samplers, EachIsAFunctionOfSeedAndHistory) {
  const Space space = parse(
      "kind: {choice: [forest, boosting]}\ndepth: {int: [2, 10]}\nlr: {log: [1e-4, 1e-1]}\n"
      "trees: {int: [50, 500], when: {kind: forest}}\n");
  for (const auto& entry : samplers()) {
    SamplerOptions options;
    options.kind = entry.kind;
    options.population = 8;
    const Loss loss = [](const Point& x) { return x[1] + std::log(x[2]) + x[0] + (std::isnan(x[3]) ? 0 : x[3] / 100); };
    const auto once = make_sampler(options, space, 1, 7);
    const auto again = make_sampler(options, space, 1, 7);
    const auto other = make_sampler(options, space, 1, 8);
    bool differs = false;
    for (int i = 0; i < 40; ++i) {
      const Trial a = tell(*once, i, loss);
      const Trial b = tell(*again, i, loss);
      const Trial c = tell(*other, i, loss);
      ASSERT_EQ(space.values(a.point), space.values(b.point)) << entry.kind << " " << i;
      differs |= space.values(a.point) != space.values(c.point);
      EXPECT_NO_THROW(space.point_of(space.values(a.point))) << entry.kind;
    }
    EXPECT_EQ(differs, options.kind != "grid") << entry.kind;
  }
}

TEST(Samplers, BeatChanceOnKnownFunctions) {
  const Space sphere5 = cube(5, -5, 5);
  const double random = mean_log("random", sphere5, sphere, 120, 5);
  EXPECT_LT(mean_log("tpe", sphere5, sphere, 120, 5), random - 0.8);
  EXPECT_LT(mean_log("cma", sphere5, sphere, 120, 5), random - 0.5);
  EXPECT_LT(mean_log("gp", cube(2, -5, 5), sphere, 30, 3), -2.5);
  EXPECT_LT(mean_log("cma", cube(5, -2, 2), rosenbrock, 3000, 3), -6);
  std::vector<Parameter> parameters = cube(2, -5, 10).parameters();
  parameters[1].low = 0;
  parameters[1].high = 15;
  EXPECT_LT(best_of("gp", Space(parameters), branin, 40, 1), 0.41);
}

TEST(Samplers, FindTheGoodChoiceAndItsOwnFields) {
  const Space space = parse("kind: {choice: [a, b, c, d]}\nx: {float: [0, 1], when: {kind: c}}\ny: {int: [1, 50]}\n");
  const Loss loss = [](const Point& p) { return (p[0] == 2 ? std::abs(p[2] - 0.7) : 1.0) + std::abs(p[1] - 30) / 50; };
  for (const char* kind : {"tpe", "gp"}) {
    double mean = 0;
    for (uint64_t seed = 0; seed < 3; ++seed) {
      mean += best_of(kind, space, loss, 80, seed) / 3;
    }
    EXPECT_LT(mean, 0.08) << kind;
  }
}

TEST(Tpe, AThousandTrialsUnderASecondAndMemoryStaysFlat) {
  const Space space = cube(5, -5, 5);
  Parzen parzen(space, {0, 1, 2, 3, 4});
  Rng rng(1);
  size_t at_10000 = 0;
  for (int i = 0; i < 100000; ++i) {
    parzen.add(i, space.random(rng), Score{0, rng.uniform(), 0});
    at_10000 = i == 10000 ? parzen.memory_bytes() : at_10000;
  }
  EXPECT_EQ(parzen.count(), 100000u);
  EXPECT_LE(parzen.memory_bytes(), at_10000);
  EXPECT_LT(parzen.memory_bytes(), 600000u);
  const std::clock_t begin = std::clock();  // our own work, not that of the machine
  best_of("tpe", space, sphere, 1000, 1);
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 1.0);
}

TEST(GaussianProcess, SlopesAreThoseOfItsValues) {
  Rng rng(5);
  Eigen::MatrixXd x(12, 3);
  Eigen::VectorXd y(12);
  for (Eigen::Index i = 0; i < 12; ++i) {
    for (Eigen::Index d = 0; d < 3; ++d) {
      x(i, d) = d == 2 ? static_cast<double>(rng.below(3)) : rng.uniform();
    }
    y[i] = std::sin(5 * x(i, 0)) + x(i, 1) * x(i, 1) + 0.3 * x(i, 2);
  }
  const GaussianProcess model(x, y, {false, false, true});
  for (const double best : {y.minCoeff(), y.minCoeff() - 3.0, y.maxCoeff()}) {
    Eigen::VectorXd place(3);
    place << 0.37, 0.61, 1;
    const auto gain = [&](const Eigen::VectorXd& at) {
      const auto prediction = model.predict(at);
      return log_expected_improvement(prediction.mean, prediction.variance, best);
    };
    Eigen::VectorXd mean_slope;
    Eigen::VectorXd variance_slope;
    const auto prediction = model.predict(place, mean_slope, variance_slope);
    EXPECT_NEAR(prediction.mean, model.predict(place).mean, 1e-12);
    const auto by = log_expected_improvement_slopes(prediction.mean, prediction.variance, best);
    for (Eigen::Index d = 0; d < 2; ++d) {
      Eigen::VectorXd up = place;
      Eigen::VectorXd down = place;
      up[d] += 1e-5;
      down[d] -= 1e-5;
      const double expected = (gain(up) - gain(down)) / 2e-5;
      const double slope = by.by_mean * mean_slope[d] + by.by_variance * variance_slope[d];
      EXPECT_NEAR(slope, expected, 1e-4 * (1 + std::abs(expected))) << best << " " << d;
    }
    EXPECT_EQ(mean_slope[2], 0);
  }
}

TEST(Parzen, IsADensity) {
  const Space space = parse("x: {float: [-1, 3]}\nn: {int: [1, 7]}\nc: {choice: [u, v, w]}\nl: {int: [1, 40], log: true}\n");
  for (const size_t dim : {0u, 1u, 2u, 3u}) {
    Parzen parzen(space, {dim});
    Rng rng(2);
    for (int i = 0; i < 60; ++i) {
      parzen.add(i, space.random(rng), Score{});
    }
    parzen.remove(5);
    parzen.prepare();
    double total = 0;
    const Parameter& parameter = space[dim];
    if (parameter.num_cells() > 0) {
      for (uint64_t i = 0; i < parameter.num_cells(); ++i) {
        const double value = parameter.low + static_cast<double>(i) * parameter.step;
        total += std::exp(parzen.log_density({parameter.is_choice() ? value : parameter.axis(value)}));
      }
    } else {
      for (int i = 0; i < 4000; ++i) {
        total += std::exp(parzen.log_density({-1 + 4 * (i + 0.5) / 4000})) * 4 / 4000;
      }
    }
    EXPECT_NEAR(total, 1, 1e-4) << parameter.name;
  }
}

TEST(Sobol, IsThePublishedSequence) {
  const auto fixture = nlohmann::json::parse(read_file(fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/tune/sobol.json"));
  for (size_t row = 0; row < fixture["indices"].size(); ++row) {
    const auto i = fixture["indices"][row].get<uint32_t>();
    for (int d = 0; d < kSobolDimensions; ++d) {  // scipy walks in the order of the Gray code
      EXPECT_EQ(sobol_bits(i ^ (i >> 1), d) >> 2, fixture["points"][row][static_cast<size_t>(d)].get<uint32_t>()) << i << " " << d;
    }
  }
}

TEST(Sobol, ScrambledItStillFillsEveryInterval) {
  for (const int d : {0, 1, 17, 63}) {
    std::set<int> cells;
    for (uint32_t i = 0; i < 64; ++i) {
      cells.insert(static_cast<int>(sobol_unit(9, i, d) * 64));
    }
    EXPECT_EQ(cells.size(), 64u) << d;
  }
  EXPECT_NE(sobol_unit(9, 5, 3), sobol_unit(10, 5, 3));
}

TEST(Grid, WalksEveryCombinationOnce) {
  const Space space = parse("a: {choice: [x, y]}\nb: {int: [1, 3]}\nc: {float: [0, 1], when: {a: y}}\n");
  SamplerOptions options;
  options.kind = "grid";
  options.points = 4;
  EXPECT_EQ(grid_size(options, space, 1000), 3u + 12u);
  const auto sampler = make_sampler(options, space, 1, 0);
  std::set<std::string> seen;
  int64_t n = 0;
  while (!sampler->exhausted()) {
    seen.insert(space.values(sampler->ask(n++)).dump());
  }
  EXPECT_EQ(n, 15);
  EXPECT_EQ(seen.size(), 15u);
}

TEST(Nsga2, SpreadsAlongTheFront) {
  const Space space = cube(4, 0, 1);
  SamplerOptions options;
  options.kind = "nsga2";
  options.population = 24;
  const auto sampler = make_sampler(options, space, 2, 3);
  std::vector<std::vector<double>> values;
  for (int i = 0; i < 1200; ++i) {  // ZDT1: the front is 1 - sqrt(f1) where the others are 0
    Trial trial;
    trial.number = i;
    trial.point = sampler->ask(i);
    const double g = 1 + 3 * (trial.point[1] + trial.point[2] + trial.point[3]);
    trial.values = {trial.point[0], g * (1 - std::sqrt(trial.point[0] / g))};
    trial.state = TrialState::kComplete;
    values.push_back(trial.values);
    sampler->tell(trial);
  }
  const auto front = pareto_front(values);
  EXPECT_GT(front.size(), 15u);
  double worst = 0;
  double low = 1;
  double high = 0;
  for (const size_t i : front) {
    worst = std::max(worst, values[i][1] - (1 - std::sqrt(values[i][0])));
    low = std::min(low, values[i][0]);
    high = std::max(high, values[i][0]);
  }
  EXPECT_LT(worst, 0.25);
  EXPECT_LT(low, 0.1);
  EXPECT_GT(high, 0.7);
}

TEST(Pareto, RanksAndCrowding) {
  const std::vector<std::vector<double>> values{{1, 4}, {2, 2}, {4, 1}, {3, 3}, {5, 5}};
  EXPECT_EQ(pareto_ranks(values), (std::vector<int>{0, 0, 0, 1, 2}));
  EXPECT_EQ(pareto_front(values), (std::vector<size_t>{0, 1, 2}));
  const auto crowd = crowding(values, {0, 1, 2});
  EXPECT_TRUE(std::isinf(crowd[0]) && std::isinf(crowd[2]));
  EXPECT_NEAR(crowd[1], 2, 1e-12);
}

TEST(Samplers, RefuseWhatTheyCannotDo) {
  SamplerOptions options;
  EXPECT_THROW(make_sampler(options, cube(1, 0, 1), 2, 0), Error);
  options.kind = "annealing";
  EXPECT_THROW(make_sampler(options, cube(1, 0, 1), 1, 0), Error);
}

}  // namespace
}  // namespace athanor::tune
