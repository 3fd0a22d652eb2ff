#include "athanor/tune/pruner.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "athanor/base/error.h"

namespace athanor::tune {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The value at which `share` of the list, ascending, lies below; between two by linear interpolation.
double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (at - static_cast<double>(low)) * (values[high] - values[low]);
}

}  // namespace

bool should_prune(const PrunerOptions& options, const std::vector<std::pair<int64_t, double>>& steps,
                  const std::vector<const Trial*>& finished) {
  if (!options.live() || steps.empty()) {
    return false;
  }
  uint64_t complete = 0;
  for (const Trial* trial : finished) {
    complete += trial->state == TrialState::kComplete ? 1 : 0;
  }
  const auto [step, last] = steps.back();
  if (complete < static_cast<uint64_t>(options.startup) || step <= options.warmup) {
    return false;
  }
  if (std::isnan(last)) {
    return true;
  }
  double best = kInfinity;
  for (const auto& [at, value] : steps) {
    best = std::isnan(value) ? best : std::min(best, value);
  }
  std::vector<double> others;
  for (const Trial* trial : finished) {
    if (trial->state != TrialState::kComplete) {
      continue;
    }
    for (const auto& [at, value] : trial->steps) {
      if (at == step && !std::isnan(value)) {
        others.push_back(value);
      }
    }
  }
  if (others.empty()) {
    return false;
  }
  return best > quantile(std::move(others), options.kind == "median" ? 0.5 : options.percentile / 100);
}

std::vector<int64_t> rung_steps(int64_t min_steps, int64_t max_steps, int64_t reduction, int64_t unit) {
  std::vector<int64_t> steps;
  const auto add = [&](int64_t at) {
    const int64_t rounded = (at + unit - 1) / unit * unit;
    // A rung that is almost the whole way would save nothing.
    if (static_cast<double>(rounded) * std::sqrt(static_cast<double>(reduction)) <= static_cast<double>(max_steps) &&
        (steps.empty() || rounded > steps.back())) {
      steps.push_back(rounded);
    }
  };
  if (min_steps <= 0) {
    for (int64_t divisor = reduction * reduction * reduction; divisor > 1; divisor /= reduction) {
      add(std::max<int64_t>(1, max_steps / divisor));
    }
  } else {
    for (int64_t at = min_steps; at < max_steps && at <= max_steps / 2 + 1; at *= reduction) {
      add(at);
    }
  }
  steps.push_back(max_steps);
  return steps;
}

Rungs::Rungs(const PrunerOptions& options, int64_t max_steps, int64_t unit)
    : options_(options), steps_(rung_steps(options.min_steps, max_steps, options.reduction, unit)) {
  const size_t brackets = options.kind == "hyperband" ? steps_.size() : 1;
  rungs_.resize(brackets);
  for (size_t b = 0; b < brackets; ++b) {
    rungs_[b].resize(steps_.size());
    double expected = 0;
    double share = 1;
    int64_t before = 0;
    for (size_t r = b; r < steps_.size(); ++r) {
      expected += share * static_cast<double>(steps_[r] - before);
      before = steps_[r];
      share /= static_cast<double>(options.reduction);
    }
    budget_.push_back(expected);
  }
}

int Rungs::bracket_of(int64_t trial) const {
  if (budget_.size() == 1) {
    return 0;
  }
  double total = 0;
  for (const double budget : budget_) {
    total += 1 / budget;
  }
  // Golden-ratio steps spread the trials evenly over the shares.
  double place = std::fmod(static_cast<double>(trial) * 0.6180339887498949, 1.0) * total;
  for (size_t b = 0; b < budget_.size(); ++b) {
    place -= 1 / budget_[b];
    if (place < 0) {
      return static_cast<int>(b);
    }
  }
  return static_cast<int>(budget_.size()) - 1;
}

int64_t Rungs::first_steps(int64_t trial) const { return steps_[static_cast<size_t>(bracket_of(trial))]; }

void Rungs::reached(int64_t trial, int64_t steps, double value) {
  const auto at = static_cast<size_t>(std::lower_bound(steps_.begin(), steps_.end(), steps) - steps_.begin());
  auto& rung = rungs_[static_cast<size_t>(bracket_of(trial))][std::min(at, steps_.size() - 1)];
  const Entry entry{trial, std::isnan(value) ? kInfinity : value};
  rung.insert(std::upper_bound(rung.begin(), rung.end(), entry,
                               [](const Entry& a, const Entry& b) { return a.value < b.value; }),
              entry);
}

void Rungs::failed(int64_t trial) {
  for (auto& rung : rungs_[static_cast<size_t>(bracket_of(trial))]) {
    for (Entry& entry : rung) {
      entry.failed = entry.failed || entry.trial == trial;
      entry.promoted = entry.promoted || entry.failed;
    }
  }
}

std::optional<Rungs::Promotion> Rungs::promote(bool last) {
  for (size_t r = steps_.size() - 1; r-- > 0;) {
    for (auto& bracket : rungs_) {
      auto& rung = bracket[r];
      if (!last && rung.size() < static_cast<size_t>(options_.reduction * options_.reduction)) {
        continue;
      }
      const size_t good = rung.size() / static_cast<size_t>(options_.reduction);
      const auto gone = static_cast<size_t>(std::count_if(rung.begin(), rung.end(), [](const Entry& entry) { return entry.promoted; }));
      for (size_t i = 0; i < good && gone < good; ++i) {
        if (!rung[i].promoted && rung[i].value < kInfinity) {
          rung[i].promoted = true;
          return Promotion{rung[i].trial, steps_[r + 1]};
        }
      }
    }
  }
  return std::nullopt;
}

std::optional<Rungs::Promotion> Rungs::promote_best() {
  for (auto& bracket : rungs_) {
    if (auto promotion = rungs_.size() == 1 ? promote_best_to_end(bracket) : promote_best_of_rungs(bracket)) {
      return promotion;
    }
  }
  return std::nullopt;
}

std::optional<Rungs::Promotion> Rungs::promote_best_to_end(std::vector<std::vector<Entry>>& bracket) {
  if (!bracket.back().empty()) {
    return std::nullopt;
  }
  for (size_t r = steps_.size() - 1; r-- > 0;) {
    for (Entry& entry : bracket[r]) {  // best first
      if (!entry.promoted && entry.value < kInfinity) {
        entry.promoted = true;
        return Promotion{entry.trial, steps_.back()};
      }
    }
  }
  return std::nullopt;
}

std::optional<Rungs::Promotion> Rungs::promote_best_of_rungs(std::vector<std::vector<Entry>>& bracket) {
  for (size_t r = steps_.size() - 1; r-- > 0;) {
    const auto best = std::find_if(bracket[r].begin(), bracket[r].end(), [](const Entry& entry) { return !entry.failed; });
    if (best != bracket[r].end() && !best->promoted && best->value < kInfinity) {
      best->promoted = true;
      return Promotion{best->trial, steps_[r + 1]};
    }
  }
  return std::nullopt;
}

}  // namespace athanor::tune
