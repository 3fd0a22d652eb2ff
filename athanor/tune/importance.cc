#include "athanor/tune/importance.h"

#include <algorithm>
#include <cmath>

namespace athanor::tune {

namespace {

constexpr int kGrid = 50;
constexpr double kTarget = 0.1;
constexpr double kSqrt2 = 1.4142135623730951;

using Members = std::vector<const Trial*>;

size_t grid_size(const Parameter& parameter) {
  if (parameter.is_choice()) {
    return parameter.choices.size();
  }
  if (parameter.kind == ParameterKind::kInt && parameter.log) {
    const int bits = static_cast<int>(std::ceil(std::log2(parameter.high - parameter.low + 1))) + 1;
    return static_cast<size_t>(std::min(bits, kGrid));
  }
  const uint64_t cells = parameter.num_cells();
  return cells > 0 ? static_cast<size_t>(std::min<uint64_t>(cells, kGrid)) : kGrid;
}

std::vector<double> counts_of(const Parameter& parameter, size_t index, const Members& trials) {
  std::vector<double> counts(grid_size(parameter), 0);
  const double low = parameter.axis(parameter.low);
  const double width = (parameter.axis(parameter.high) - low) / static_cast<double>(counts.size() - 1);
  for (const Trial* trial : trials) {
    const double value = trial->point[index];
    const double place = parameter.is_choice() ? value : std::ceil((parameter.axis(value) - low) / width - 0.5);
    counts[static_cast<size_t>(std::clamp(place, 0.0, static_cast<double>(counts.size() - 1)))] += 1;
  }
  return counts;
}

double normal_below(double x) { return 0.5 * std::erfc(-x / kSqrt2); }

// Mass of each cell under a normal truncated to the grid.
std::vector<double> cell_masses(double mu, double sigma, size_t cells) {
  std::vector<double> mass(cells);
  const double all = normal_below((static_cast<double>(cells) - 0.5 - mu) / sigma) - normal_below((-0.5 - mu) / sigma);
  for (size_t i = 0; i < cells; ++i) {
    const double x = static_cast<double>(i);
    mass[i] = (normal_below((x + 0.5 - mu) / sigma) - normal_below((x - 0.5 - mu) / sigma)) / all;
  }
  return mass;
}

// Scott's rule over the occupied cells, from their counts.
double bandwidth(const std::vector<double>& at, const std::vector<double>& weights) {
  double total = 0;
  double mean = 0;
  for (size_t i = 0; i < at.size(); ++i) {
    total += weights[i];
    mean += weights[i] * at[i];
  }
  mean /= total;
  double square = 0;
  for (size_t i = 0; i < at.size(); ++i) {
    square += weights[i] * (at[i] - mean) * (at[i] - mean);
  }
  const double deviation = std::sqrt(square / std::max(1.0, total - 1));
  const double quarter = std::floor(total / 4);
  const double three = std::floor(total * 3 / 4);
  size_t q1 = at.size();
  size_t q3 = at.size();
  double sum = 0;
  for (size_t i = 0; i < at.size(); ++i) {
    sum += weights[i];
    q1 = q1 == at.size() && sum >= quarter ? i : q1;
    q3 = q3 == at.size() && sum > three ? i : q3;
  }
  const double spread = at[std::min(at.size() - 1, q3)] - at[std::min(at.size() - 1, q1)];
  return std::max(0.5 / 1.64, 1.059 * std::min(spread / 1.34, deviation) * std::pow(total, -0.2));
}

std::vector<double> density(const Parameter& parameter, const std::vector<double>& counts) {
  const size_t cells = counts.size();
  std::vector<double> at;
  std::vector<double> weights;
  double total = 1;  // of the prior
  for (size_t i = 0; i < cells; ++i) {
    if (counts[i] > 0) {
      at.push_back(static_cast<double>(i));
      weights.push_back(counts[i]);
      total += counts[i];
    }
  }
  std::vector<double> pdf(cells, 0);
  const auto add = [&](double weight, const std::vector<double>& mass) {
    for (size_t i = 0; i < cells; ++i) {
      pdf[i] += weight / total * mass[i];
    }
  };
  if (parameter.is_choice()) {
    const double share = 1 / static_cast<double>(at.size() + 1);
    add(1, std::vector<double>(cells, 1 / static_cast<double>(cells)));
    for (size_t k = 0; k < at.size(); ++k) {
      std::vector<double> mass(cells, share / (1 + share * static_cast<double>(cells)));
      mass[static_cast<size_t>(at[k])] = (1 + share) / (1 + share * static_cast<double>(cells));
      add(weights[k], mass);
    }
  } else {
    const double sigma = bandwidth(at, weights);
    add(1, cell_masses((static_cast<double>(cells) - 1) / 2, static_cast<double>(cells), cells));
    for (size_t k = 0; k < at.size(); ++k) {
      add(weights[k], cell_masses(at[k], sigma, cells));
    }
  }
  return pdf;
}

double divergence(const Parameter& parameter, size_t index, const Members& top, const Members& all) {
  const auto best = density(parameter, counts_of(parameter, index, top));
  const auto base = density(parameter, counts_of(parameter, index, all));
  double sum = 0;
  for (size_t i = 0; i < best.size(); ++i) {
    const double ratio = (best[i] + 1e-12) / (base[i] + 1e-12) - 1;
    sum += (base[i] + 1e-12) * ratio * ratio;
  }
  return sum;
}

}  // namespace

std::vector<double> importances(const Space& space, const std::vector<Trial>& trials, size_t objective, double sign) {
  std::vector<double> result(space.size(), 0);
  Members all;
  std::vector<double> values;
  for (const Trial& trial : trials) {
    if (trial.state == TrialState::kComplete) {
      all.push_back(&trial);
      values.push_back(sign * trial.values.at(objective));
    }
  }
  if (all.size() < 2) {
    return result;
  }
  const auto cut = static_cast<std::ptrdiff_t>(std::ceil(kTarget * static_cast<double>(all.size()))) - 1;
  std::vector<double> sorted = values;
  std::nth_element(sorted.begin(), sorted.begin() + cut, sorted.end());
  const double limit = sorted[static_cast<size_t>(cut)];
  double total = 0;
  for (size_t p = 0; p < space.size(); ++p) {
    Members here;
    Members top;
    size_t num_top = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      num_top += values[i] <= limit ? 1 : 0;
      if (std::isnan(all[i]->point[p])) {
        continue;
      }
      here.push_back(all[i]);
      if (values[i] <= limit) {
        top.push_back(all[i]);
      }
    }
    if (here.size() < 2 || top.empty() || space[p].num_cells() == 1) {
      continue;
    }
    const double target_share = static_cast<double>(top.size()) / static_cast<double>(num_top);
    const double region_share = static_cast<double>(here.size()) / static_cast<double>(all.size());
    result[p] = target_share * target_share / region_share * divergence(space[p], p, top, here);
    total += result[p];
  }
  for (double& value : result) {
    value = total > 0 ? value / total : 0;
  }
  return result;
}

}  // namespace athanor::tune
