#include "athanor/classic/ensembles/permutation_importance.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
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

std::vector<FeatureLoss> permutation_importance(const ClassicModel& model, const Matrix& given_x,
                                                const Target& given_target,
                                                const PredictionScore& score,
                                                const PermutationOptions& options,
                                                ThreadPool& pool) {
  Matrix x = given_x.is_sparse ? to_dense(given_x) : given_x;
  Target target = given_target;
  if (x.rows > options.max_rows) {
    std::vector<uint64_t> rows(options.max_rows);
    for (uint64_t i = 0; i < rows.size(); ++i) {
      rows[i] = permute(i, x.rows, random_at(options.seed, kSampleSalt));
    }
    std::sort(rows.begin(), rows.end());
    x = take_rows(x, rows);
    target = take_rows(target, rows);
  }
  const double whole = score(model.predict(x, pool), target);
  std::vector<FeatureLoss> out(x.columns);
  std::vector<double> held(x.rows);
  for (uint64_t c = 0; c < x.columns; ++c) {
    for (uint64_t r = 0; r < x.rows; ++r) {
      held[r] = x.at(r, c);
    }
    std::vector<double> losses;
    for (int time = 0; time < options.times; ++time) {
      const uint64_t key = random_at(options.seed, kSampleSalt, c, static_cast<uint64_t>(time) + 1);
      for (uint64_t r = 0; r < x.rows; ++r) {
        x.at(r, c) = held[permute(r, x.rows, key)];
      }
      losses.push_back(whole - score(model.predict(x, pool), target));
      out[c].mean += losses.back() / options.times;
    }
    for (const double loss : losses) {
      out[c].spread += (loss - out[c].mean) * (loss - out[c].mean) / options.times;
    }
    out[c].spread = std::sqrt(out[c].spread);
    for (uint64_t r = 0; r < x.rows; ++r) {
      x.at(r, c) = held[r];
    }
  }
  return out;
}

}  // namespace athanor
