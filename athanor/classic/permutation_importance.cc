#include "athanor/classic/permutation_importance.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/rng.h"

namespace athanor {

namespace {

constexpr uint64_t kSampleSalt = 0x7065726d;

double score_of_values(const Matrix& predicted, const Target& target) {
  double weight = 0, sum = 0;
  for (uint64_t r = 0; r < predicted.rows; ++r) {
    weight += target.weight(r);
    sum += target.weight(r) * target.values[r];
  }
  double errors = 0, spread = 0;
  for (uint64_t r = 0; r < predicted.rows; ++r) {
    errors += target.weight(r) * std::pow(predicted.at(r, 0) - target.values[r], 2);
    spread += target.weight(r) * std::pow(target.values[r] - sum / weight, 2);
  }
  return spread > 0 ? 1 - errors / spread : 0;
}

}  // namespace

double usual_score(const Matrix& predicted, const Target& target) {
  if (target.task == Task::kRegression) {
    return score_of_values(predicted, target);
  }
  if (target.task != Task::kClasses && target.task != Task::kMultiLabel) {
    throw Error(ErrorKind::kUsage,
                std::string("there is no truth to score ") + name_of(target.task) + " by");
  }
  double weight = 0, right = 0;
  for (uint64_t r = 0; r < predicted.rows; ++r) {
    const double* row = predicted.row(r);
    weight += target.weight(r);
    if (target.task == Task::kClasses) {
      right += std::max_element(row, row + predicted.columns) - row == target.classes[r]
                   ? target.weight(r)
                   : 0;
      continue;
    }
    for (uint64_t k = 0; k < predicted.columns; ++k) {
      const bool same = (row[k] > 0.5) == (target.marks[r * predicted.columns + k] != 0);
      right += same ? target.weight(r) / static_cast<double>(predicted.columns) : 0;
    }
  }
  return weight > 0 ? right / weight : 0;
}

std::vector<uint64_t> sampled_rows(uint64_t rows, uint64_t max_rows, uint64_t seed) {
  std::vector<uint64_t> out(std::min(rows, max_rows));
  for (uint64_t i = 0; i < out.size(); ++i) {
    out[i] = rows <= max_rows ? i : permute(i, rows, random_at(seed, kSampleSalt));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<ColumnLoss> permutation_importance(const TableEstimator& estimator, const Table& all, const Target& all_target,
                                               const PredictionScore& score, const PermutationOptions& options, ThreadPool& pool) {
  const auto rows = sampled_rows(all.rows, options.max_rows, options.seed);
  Table table = take_rows(all, rows);
  const Target target = take_rows(all_target, rows);
  std::vector<Matrix> groups;
  estimator.pipeline().apply_groups(table, pool, groups);
  const auto score_now = [&] { return score(estimator.answers_of(estimator.joined(groups, pool), pool).scores, target); };
  const double whole = score_now();
  std::vector<ColumnLoss> out;
  for (const ExplainedColumn& column : explained_columns(estimator.pipeline(), table, options.most_sparse)) {
    check_interrupt();
    TableColumn& changed = table.columns[column.place];
    const TableColumn held = changed;
    const std::vector<Matrix> groups_as_they_are = groups;
    ColumnLoss loss{column, 0, 0};
    std::vector<double> losses;
    for (int time = 0; time < options.times; ++time) {
      shuffle_column(table, column, random_at(options.seed, kSampleSalt, out.size(), static_cast<uint64_t>(time) + 1));
      estimator.pipeline().apply_groups(table, pool, groups, held.name);
      losses.push_back(whole - score_now());
      loss.mean += losses.back() / options.times;
      changed = held;
    }
    groups = groups_as_they_are;
    for (const double one : losses) {
      loss.spread += (one - loss.mean) * (one - loss.mean) / options.times;
    }
    loss.spread = std::sqrt(loss.spread);
    out.push_back(std::move(loss));
  }
  return out;
}

}  // namespace athanor
