#include "athanor/metric/diagnosis_study.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace athanor {

namespace {

constexpr double kManyFailed = 0.2;       // of the trials: not a few odd corners of the space
constexpr uint64_t kTrialsPerField = 5;   // fewer say little of each; random search wants some ten a field that matters
constexpr size_t kFewestValues = 5;       // of trials that came to their end, to speak of where the good ones lie
constexpr double kEdge = 0.03;            // of a range: the best is at its end
constexpr double kNearEdge = 0.2;         // of a range: and so are the others that are good
constexpr double kMatters = 0.1;          // of the differences between trials
constexpr double kAlone = 0.9;            // of them: by one parameter
constexpr size_t kWideTrials = 20;        // with fewer a narrow quarter is chance
constexpr double kNarrowPart = 0.15;      // of a range, that holds the best quarter of the trials
constexpr double kNoEffect = 0.002;       // of the value, or of 1, between the best trial and the worst
constexpr double kLate = 0.1;             // of the trials: the best came among these last ones
constexpr double kOddFold = 4;            // standard deviations of the others
constexpr double kOddDifference = 0.05;   // of the mean
constexpr double kUncertain = 0.05;       // of the mean (or of 1): half of the interval

std::string text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.4g", value);
  return buffer;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double deviation_of(const std::vector<double>& values) {
  const double mean = mean_of(values);
  double squares = 0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  return values.size() < 2 ? std::nan("") : std::sqrt(squares / static_cast<double>(values.size() - 1));
}

class StudyDoctor {
 public:
  explicit StudyDoctor(const StudyFacts& facts) : facts_(facts), order_(facts.values.size()) {
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) {
      return facts_.higher_is_better ? facts_.values[a] > facts_.values[b] : facts_.values[a] < facts_.values[b];
    });
  }

  std::vector<Finding> look() {
    failures();
    if (no_effect()) {
      return findings_;
    }
    trials();
    for (const auto& field : facts_.fields) {
      edge(field);
      width(field);
    }
    one_parameter();
    return findings_;
  }

 private:
  void add(const std::string& name, const std::string& evidence, const std::string& advice, const std::string& change, bool grave) {
    findings_.push_back({name, evidence, advice, change, grave});
  }

  void failures() {
    if (facts_.failed >= 2 && static_cast<double>(facts_.failed) > kManyFailed * static_cast<double>(facts_.trials)) {
      add("many failed", std::to_string(facts_.failed) + " of " + std::to_string(facts_.trials) + " trials failed" +
              (facts_.error.empty() ? "" : ", such as by: " + facts_.error),
          "leave out of the space what cannot run, or mend the recipe: they cost time and teach the sampler nothing", "", true);
    }
  }

  bool no_effect() {
    if (facts_.values.size() < kFewestValues) {
      return false;
    }
    const double best = facts_.values[order_.front()], worst = facts_.values[order_.back()];
    if (std::abs(best - worst) > kNoEffect * std::max(std::abs(best), std::abs(worst))) {
      return false;
    }
    add("no effect", "the best trial has " + text(best) + " and the worst " + text(worst) + ": no field of the space matters",
        "wider ranges, or other fields", "", true);
    return true;
  }

  void trials() {
    const uint64_t wanted = kTrialsPerField * std::max<size_t>(1, facts_.fields.size());
    const std::string more = "trials=" + std::to_string(std::max(2 * facts_.trials, wanted));
    if (facts_.trials < wanted) {
      add("too few trials", std::to_string(facts_.trials) + " trials for " + std::to_string(facts_.fields.size()) +
              " fields: what is best is much by chance", "more trials", more, true);
    } else if (facts_.values.size() >= kFewestValues && order_.front() + 1 > facts_.values.size() - late()) {
      add("too few trials", "the best trial came among the last: it still gets better", "more trials", more, false);
    }
  }
  size_t late() const {
    return std::max<size_t>(1, static_cast<size_t>(kLate * static_cast<double>(facts_.values.size())));
  }

  // Places of the best trials that have the field, the best first.
  std::vector<double> best_places(const StudyFacts::Field& field, size_t count) const {
    std::vector<double> places;
    for (size_t i = 0; i < order_.size() && places.size() < count; ++i) {
      if (order_[i] < field.places.size() && std::isfinite(field.places[order_[i]])) {
        places.push_back(field.places[order_[i]]);
      }
    }
    return places;
  }

  void edge(const StudyFacts::Field& field) {
    if (!std::isfinite(field.low) || field.importance < kMatters || facts_.values.size() < kFewestValues) {
      return;
    }
    const std::vector<double> best = best_places(field, 3);
    if (best.size() < 3) {
      return;
    }
    const auto at = [&](bool upper) {
      const auto from_end = [&](double place) { return upper ? 1 - place : place; };
      return from_end(best[0]) <= kEdge && std::all_of(best.begin(), best.end(), [&](double place) { return from_end(place) <= kNearEdge; });
    };
    const bool upper = at(true);
    if (upper || at(false)) {
      add("at the edge", "the best trial has " + field.name + "=" + text(field.best) + ", at the " + (upper ? "upper" : "lower") +
              " end of " + text(field.low) + " to " + text(field.high) + ", and the next ones lie there too",
          "the best may lie beyond: a longer range", upper ? field.wider_above : field.wider_below, true);
    }
  }

  void width(const StudyFacts::Field& field) {
    const size_t quarter = facts_.values.size() / 4;
    if (!std::isfinite(field.low) || field.importance < kMatters || facts_.values.size() < kWideTrials) {
      return;
    }
    const std::vector<double> best = best_places(field, quarter);
    if (best.size() < quarter) {
      return;
    }
    const auto [low, high] = std::minmax_element(best.begin(), best.end());
    // A sampler that learns goes where it was good: only what the first half says of the rest is known from outside.
    const auto inside = std::count_if(field.places.begin(), field.places.end(), [&, l = *low, h = *high](double place) {
      return place >= l && place <= h;
    });
    if (*high - *low < kNarrowPart && static_cast<size_t>(inside) * 2 < field.places.size()) {
      add("space too wide", "the best quarter of the trials lies in " + text(100 * (*high - *low)) + " % of the range of " + field.name +
              ", where " + std::to_string(inside) + " of " + std::to_string(field.places.size()) + " trials were",
          "a narrower range there, for the same trials", field.narrower, false);
    }
  }

  void one_parameter() {
    if (facts_.fields.size() < 2 || facts_.values.size() < 2 * kFewestValues) {
      return;
    }
    for (const auto& field : facts_.fields) {
      if (field.importance > kAlone) {
        add("one parameter", field.name + " makes " + text(100 * field.importance) + " % of the differences between trials",
            "leave the others as they are, and search this one more finely", "", false);
      }
    }
  }

  const StudyFacts& facts_;
  std::vector<size_t> order_;  // of trials, the best first
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> diagnose_study(const StudyFacts& facts) { return StudyDoctor(facts).look(); }

std::vector<Finding> diagnose_folds(const FoldFacts& facts) {
  std::vector<Finding> findings;
  const std::string who = facts.name.empty() ? facts.metric : facts.name + ": " + facts.metric;
  if (facts.values.size() < 3) {
    return findings;
  }
  const double mean = mean_of(facts.values);
  for (size_t i = 0; i < facts.values.size() && facts.values.size() >= 5; ++i) {
    std::vector<double> others = facts.values;
    others.erase(others.begin() + static_cast<ptrdiff_t>(i));
    const double away = facts.values[i] - mean_of(others);
    if (std::abs(away) > kOddFold * deviation_of(others) && std::abs(away) > kOddDifference * std::abs(mean)) {
      findings.push_back({"odd fold", who + " is " + text(facts.values[i]) + " in fold " + std::to_string(i + 1) + " and " +
                                          text(mean_of(others)) + " in the others, which differ by " + text(deviation_of(others)),
                          "look at the rows of that fold: do rows belong together (group), or change with time (by: time)?", "", true});
    }
  }
  const double half = (facts.high - facts.low) / 2;
  if (half > kUncertain * std::max(std::abs(mean), 1e-300)) {
    findings.push_back({"uncertain", who + " is " + text(mean) + ", and the folds leave " + text(facts.low) + " to " + text(facts.high) +
                                         ": smaller differences to another model are not told",
                        facts.drawn ? "more rows, or the folds drawn more than once" : "more rows",
                        facts.drawn ? "repeats=" + std::to_string(std::max<uint64_t>(3, 2 * facts.repeats)) : "", false});
  }
  return findings;
}

}  // namespace athanor
