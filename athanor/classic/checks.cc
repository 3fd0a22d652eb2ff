#include "athanor/classic/checks.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_set>

#include "athanor/base/error.h"
#include "athanor/base/hash.h"
#include "athanor/base/rng.h"
#include "athanor/feature/running_statistics.h"
#include "athanor/metric/bootstrap.h"
#include "athanor/metric/diagnosis.h"

namespace athanor {

namespace {

constexpr size_t kRanges = 256;
constexpr size_t kDriftRanges = 10;
constexpr size_t kDriftCategories = 50;
constexpr uint64_t kFewRows = 50;
constexpr uint64_t kFewColumns = 4;

bool is_simple(const TableColumn& column) {
  return column.kind == ColumnKind::kNumber || column.kind == ColumnKind::kCategory || column.kind == ColumnKind::kDate;
}

// Upper ends of ranges with equally many values each, ascending, each once.
std::vector<double> range_ends(const std::vector<double>& numbers, size_t ranges) {
  std::vector<double> sorted;
  for (const double value : numbers) {
    if (!std::isnan(value)) {
      sorted.push_back(value);
    }
  }
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> ends;
  for (size_t i = 1; i < ranges && !sorted.empty(); ++i) {
    ends.push_back(sorted[(sorted.size() - 1) * i / ranges]);
  }
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  return ends;
}

// A number for each row's value: range or category; missing is 0.
std::vector<uint32_t> groups_of(const TableColumn& column) {
  std::vector<uint32_t> groups;
  if (column.kind == ColumnKind::kCategory) {
    for (const int32_t code : column.codes) {
      groups.push_back(static_cast<uint32_t>(code + 1));
    }
    return groups;
  }
  const std::vector<double> ends = range_ends(column.numbers, kRanges);
  for (const double value : column.numbers) {
    groups.push_back(std::isnan(value) ? 0
                                       : 1 + static_cast<uint32_t>(std::lower_bound(ends.begin(), ends.end(), value) - ends.begin()));
  }
  return groups;
}

// Learns on one half what each group answers, and counts on the other; both ways round.
double told_of_classes(const std::vector<uint32_t>& groups, const Target& target, const std::vector<uint8_t>& half) {
  double right = 0;
  double commonest_right = 0;
  for (uint8_t learn = 0; learn < 2; ++learn) {
    std::map<uint32_t, std::map<int32_t, uint64_t>> counts;
    std::map<int32_t, uint64_t> all;
    for (uint64_t row = 0; row < groups.size(); ++row) {
      if (half[row] == learn) {
        ++counts[groups[row]][target.classes[row]];
        ++all[target.classes[row]];
      }
    }
    const auto most = [](const std::map<int32_t, uint64_t>& some) {
      return std::max_element(some.begin(), some.end(), [](const auto& a, const auto& b) { return a.second < b.second; })->first;
    };
    if (all.empty()) {
      return 0;
    }
    const int32_t commonest = most(all);
    std::map<uint32_t, int32_t> answers;
    for (const auto& [group, some] : counts) {
      answers[group] = most(some);
    }
    for (uint64_t row = 0; row < groups.size(); ++row) {
      if (half[row] != learn) {
        const auto found = answers.find(groups[row]);
        right += (found == answers.end() ? commonest : found->second) == target.classes[row] ? 1 : 0;
        commonest_right += commonest == target.classes[row] ? 1 : 0;
      }
    }
  }
  const auto rows = static_cast<double>(groups.size());
  return commonest_right < rows ? std::max(0.0, (right - commonest_right) / (rows - commonest_right)) : 0;
}

double told_of_numbers(const std::vector<uint32_t>& groups, const Target& target, const std::vector<uint8_t>& half) {
  double left = 0;
  double spread = 0;
  for (uint8_t learn = 0; learn < 2; ++learn) {
    std::map<uint32_t, std::pair<double, double>> sums;
    double sum = 0;
    double count = 0;
    for (uint64_t row = 0; row < groups.size(); ++row) {
      if (half[row] == learn) {
        sums[groups[row]].first += target.values[row];
        sums[groups[row]].second += 1;
        sum += target.values[row];
        count += 1;
      }
    }
    if (count == 0) {
      return 0;
    }
    for (uint64_t row = 0; row < groups.size(); ++row) {
      if (half[row] != learn) {
        const auto found = sums.find(groups[row]);
        const double mean = sum / count;
        const double answer = found == sums.end() ? mean : found->second.first / found->second.second;
        left += (target.values[row] - answer) * (target.values[row] - answer);
        spread += (target.values[row] - mean) * (target.values[row] - mean);
      }
    }
  }
  return spread > 0 ? std::max(0.0, 1 - left / spread) : 0;
}

double squared_correlation(const std::vector<double>& x, const std::vector<double>& y) {
  double n = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
  double first_x = std::nan("");
  double first_y = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) {
      continue;
    }
    if (std::isnan(first_x)) {  // sums around the first value, so that large offsets cost no digits
      first_x = x[i];
      first_y = y[i];
    }
    const double a = x[i] - first_x;
    const double b = y[i] - first_y;
    n += 1, sx += a, sy += b, sxx += a * a, syy += b * b, sxy += a * b;
  }
  const double vx = sxx - sx * sx / std::max(1.0, n);
  const double vy = syy - sy * sy / std::max(1.0, n);
  const double cov = sxy - sx * sy / std::max(1.0, n);
  return n >= 3 && vx > 0 && vy > 0 ? cov * cov / (vx * vy) : 0;
}

void add_cell(const TableColumn& column, uint64_t row, std::string& key) {
  if (column.kind == ColumnKind::kCategory) {
    key += column.codes[row] < 0 ? "" : column.levels[static_cast<size_t>(column.codes[row])];
  } else if (column.kind == ColumnKind::kText || column.kind == ColumnKind::kImage) {
    key += column.texts[row];
  } else if (column.kind == ColumnKind::kSparse) {
    for (uint64_t i = column.sparse.offsets[row]; i < column.sparse.offsets[row + 1]; ++i) {
      key += std::to_string(column.sparse.indices[i]) + ":" + std::to_string(column.sparse.values[i]) + " ";
    }
  } else {
    key.append(reinterpret_cast<const char*>(&column.numbers[row]), sizeof(double));
  }
  key += '\x1f';
}

std::unordered_set<std::string> keys_of(const Table& table, const std::vector<std::string>& names) {
  std::unordered_set<std::string> keys;
  for (uint64_t row = 0; row < table.rows; ++row) {
    std::string key;
    for (const auto& name : names) {
      add_cell(table.at(name), row, key);
    }
    keys.insert(std::move(key));
  }
  return keys;
}

// What the answers leave of the truth, for one label (or the number itself).
std::vector<double> residuals(const Target& target, const TableAnswers& answers, int32_t label) {
  std::vector<double> out;
  for (uint64_t row = 0; row < target.rows(); ++row) {
    out.push_back(target.task == Task::kRegression
                      ? target.values[row] - answers.values[row]
                      : (target.classes[row] == label ? 1.0 : 0.0) - answers.scores.at(row, static_cast<uint64_t>(label)));
  }
  return out;
}

}  // namespace

std::vector<std::pair<std::string, double>> told_alone(const Table& table, const Target& target, uint64_t seed) {
  std::vector<std::pair<std::string, double>> out;
  if (target.rows() < kFewRows || (target.task != Task::kClasses && target.task != Task::kRegression)) {
    return out;
  }
  std::vector<uint8_t> half;
  for (uint64_t row = 0; row < table.rows; ++row) {
    half.push_back(random_at(seed, 0xa10e, row) & 1);
  }
  for (const auto& column : table.columns) {
    if (!is_simple(column)) {
      continue;
    }
    const std::vector<uint32_t> groups = groups_of(column);
    double told = target.task == Task::kClasses ? told_of_classes(groups, target, half) : told_of_numbers(groups, target, half);
    if (target.task == Task::kRegression && column.kind == ColumnKind::kNumber) {
      told = std::max(told, squared_correlation(column.numbers, target.values));
    }
    out.emplace_back(column.name, told);
  }
  return out;
}

std::vector<std::pair<std::string, double>> drift_of(const Table& train, const Table& valid) {
  std::vector<std::pair<std::string, double>> out;
  for (const auto& column : train.columns) {
    const TableColumn* other = valid.find(column.name);
    if (!is_simple(column) || other == nullptr || other->kind != column.kind) {
      continue;
    }
    std::vector<double> before;
    std::vector<double> after;
    if (column.kind == ColumnKind::kCategory) {
      std::map<std::string, double> counts;
      for (const int32_t code : column.codes) {
        ++counts[code < 0 ? "" : column.levels[static_cast<size_t>(code)]];
      }
      std::vector<std::pair<double, std::string>> order;
      for (const auto& [level, count] : counts) {
        order.emplace_back(-count, level);
      }
      std::sort(order.begin(), order.end());
      std::map<std::string, size_t> place;
      for (size_t i = 0; i < std::min(order.size(), kDriftCategories); ++i) {
        place[order[i].second] = i;
      }
      const auto count_into = [&](const TableColumn& some, std::vector<double>& bins) {
        bins.assign(place.size() + 1, 0.0);
        for (const int32_t code : some.codes) {
          const auto found = place.find(code < 0 ? "" : some.levels[static_cast<size_t>(code)]);
          ++bins[found == place.end() ? place.size() : found->second];
        }
      };
      count_into(column, before);
      count_into(*other, after);
    } else {
      const std::vector<double> ends = range_ends(column.numbers, kDriftRanges);
      const auto count_into = [&](const TableColumn& some, std::vector<double>& bins) {
        bins.assign(ends.size() + 2, 0.0);
        for (const double value : some.numbers) {
          ++bins[std::isnan(value) ? ends.size() + 1
                                   : static_cast<size_t>(std::lower_bound(ends.begin(), ends.end(), value) - ends.begin())];
        }
      };
      count_into(column, before);
      count_into(*other, after);
    }
    // With few rows the index is noise: about (bins - 1) x (1 / n + 1 / m) in the mean. That much is taken off.
    const double noise = static_cast<double>(before.size() - 1) *
                         (1.0 / static_cast<double>(train.rows) + 1.0 / std::max(1.0, static_cast<double>(valid.rows)));
    out.emplace_back(column.name, std::max(0.0, stability_index(before, after) - 2 * noise));
  }
  return out;
}

double overlap_of(const Table& train, const Table& valid) {
  std::vector<std::string> names;
  for (const auto& column : train.columns) {
    if (valid.find(column.name) != nullptr) {
      names.push_back(column.name);
    }
  }
  const bool wide = std::any_of(train.columns.begin(), train.columns.end(), [](const auto& column) { return !is_simple(column); });
  if (valid.rows == 0 || (names.size() < kFewColumns && !wide)) {
    return 0;
  }
  const auto known = keys_of(train, names);
  double both = 0;
  for (uint64_t row = 0; row < valid.rows; ++row) {
    std::string key;
    for (const auto& name : names) {
      add_cell(valid.at(name), row, key);
    }
    both += known.count(key) > 0 ? 1 : 0;
  }
  return both < 5 ? 0 : both / static_cast<double>(valid.rows);  // a handful comes by chance
}

double residual_gain(const Table& train, const Target& train_target, const TableAnswers& train_answers, const Table& valid,
                     const Target& valid_target, const TableAnswers& valid_answers, FitContext& context) {
  const bool numbers = train_target.task == Task::kRegression;
  if ((!numbers && (train_target.task != Task::kClasses || !train_answers.probabilities)) || valid.rows < kFewRows) {
    return std::nan("");
  }
  const bool sparse = std::any_of(train.columns.begin(), train.columns.end(),
                                  [](const TableColumn& column) { return column.kind == ColumnKind::kSparse; });
  double best = std::nan("");
  const int32_t labels = numbers ? 1 : std::min<int32_t>(3, static_cast<int32_t>(train_target.labels.size()) - 1);
  for (int32_t label = 0; label < labels; ++label) {
    Target left;
    left.task = Task::kRegression;
    left.values = residuals(train_target, train_answers, label);
    Target left_valid = left;
    left_valid.values = residuals(valid_target, valid_answers, label);
    EstimatorSpec spec{.kind = "tree", .model = {{"max_depth", 3}, {"min_samples_leaf", 20}}, .pipeline = {}, .task = Task::kRegression};
    if (sparse) {  // such a tree would make the rows dense; one round of boosting is the same
      spec.kind = "boosting";
      spec.model = {{"rounds", 1}, {"learning_rate", 1}, {"l2", 0}, {"max_depth", 3}, {"max_leaves", 8}};
    }
    FitContext quiet{.pool = context.pool, .seed = context.seed};
    quiet.progress = context.progress;
    const TableEstimator tree = TableEstimator::fit(train, left, spec, quiet);
    const auto found = tree.predict(valid, context.pool);
    RunningStatistics gains;  // of each row, in squared error
    double all = 0;
    for (size_t i = 0; i < left_valid.values.size(); ++i) {
      const double before = left_valid.values[i];
      const double after = before - found.values[i];
      gains.add(before * before - after * after);
      all += before * before;
    }
    const auto n = static_cast<double>(gains.count);
    const double error = std::sqrt(gains.squares / std::max(1.0, n - 1) / n);
    const double gain = all > 0 ? (gains.mean - 2 * error) * n / all : 0;
    best = std::isnan(best) ? gain : std::max(best, gain);
  }
  return best;
}

}  // namespace athanor
