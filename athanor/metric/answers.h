// What a model answered beside what is true, and the scores of that, each with an interval.
//
//   ClassAnswers answers{.labels = {"no", "yes"}, .truth = truth, .answer = answer, .probabilities = p};
//   for (const Score& score : class_scores(answers, {}, pool)) { score.name, score.value, score.low, score.high; }
//
// Definitions are scikit-learn's (tests/parity/make_metric_fixtures.py, 1e-9): a share of nothing is 0; averages over
// classes are over those that occur as truth or as answer; log loss holds probabilities at 2.2e-16 from 0.
//
// Intervals: accuracy by Wilson (1927); the others by the percentiles of a bootstrap over rows (Efron 1979): as many
// rows drawn with replacement, 1,000 times (fewer for very many rows, at least 100; Score::replicas says). Draws are a
// function of (seed, replica), so the same for any number of threads.
#pragma once

#include <cmath>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/thread_pool.h"

namespace athanor {

struct Score {
  std::string name;
  double value = 0;
  double low = std::nan("");  // NaN: no interval (one row)
  double high = std::nan("");
  bool higher_is_better = true;
  int64_t replicas = 0;  // 0: a formula gave the interval
};

struct ScoreOptions {
  double confidence = 0.95;
  int64_t replicas = 1000;  // 0: no intervals
  uint64_t seed = 0;
};

// One label a row.
struct ClassAnswers {
  std::vector<std::string> labels;
  std::vector<int32_t> truth;         // 0 .. labels.size() - 1
  std::vector<int32_t> answer;
  std::vector<double> probabilities;  // rows x labels, or empty
  bool only_order = false;            // probabilities are decision values, a label's order of rows counts alone
  std::vector<double> weights;        // empty: all 1
  int32_t positive = 1;               // two labels: the one that precision, recall, F1 and AUC are of

  uint64_t rows() const { return truth.size(); }
};

// accuracy, balanced_accuracy, precision, recall, f1 (two labels: of `positive`), precision_macro, ..., f1_weighted,
// mcc, kappa; with probabilities or decision values: auc (more than two labels: the mean over labels of one against the
// rest, which scikit-learn computes of probabilities alone), average_precision (two labels); with probabilities: log_loss,
// brier (more than two labels: summed over them), calibration_error (10 bins).
// What is not defined (auc with one class) is left out.
std::vector<Score> class_scores(const ClassAnswers& answers, const ScoreOptions& options, ThreadPool& pool);

// Any labels a row.
struct LabelSetAnswers {
  std::vector<std::string> labels;
  std::vector<uint8_t> truth;   // rows x labels
  std::vector<uint8_t> answer;
  uint64_t rows() const { return labels.empty() ? 0 : truth.size() / labels.size(); }
};

// subset_accuracy, hamming_loss, precision, recall and f1 as _micro, _macro, _weighted, jaccard (mean over rows; a row that has
// no label and got none counts 0, as in scikit-learn: zero_division).
std::vector<Score> label_set_scores(const LabelSetAnswers& answers, const ScoreOptions& options, ThreadPool& pool);

// A number a row.
struct NumberAnswers {
  std::vector<double> truth;
  std::vector<double> answer;
  std::vector<double> weights;  // empty: all 1
  uint64_t rows() const { return truth.size(); }
};

// mae, mse, rmse, r2, mape (left out where a truth is 0), median_absolute_error, max_error, bias (mean of answer - truth).
std::vector<Score> number_scores(const NumberAnswers& answers, const ScoreOptions& options, ThreadPool& pool);

// {"accuracy": {"value", "low", "high"}, ...}; and the value alone by name (null: not there).
nlohmann::json to_json(const std::vector<Score>& scores);
// Where a score is not defined, and so left out: "the true values are all equal" of r2. Empty: it always is.
std::string why_undefined(std::string_view name);
const Score* find_score(const std::vector<Score>& scores, const std::string& name);

}  // namespace athanor
