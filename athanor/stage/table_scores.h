// Answers of an estimator of tables against the truth: scores as JSON, and as blocks of a page.
#pragma once

#include <string>
#include <vector>

#include "athanor/classic/table_estimator.h"
#include "athanor/metric/answers.h"
#include "athanor/run/report.h"

namespace athanor {

// With intervals when options.replicas > 0. clusters: silhouette (features: what the model read), and against labels where
// target has classes; anomaly: auc and average precision against two classes where target has them.
std::vector<Score> scores_of(const Target& target, const TableAnswers& answers, const ScoreOptions& options, ThreadPool& pool,
                             const Matrix* features = nullptr);

// Of sets of labels: how many rows have no label and got none, which jaccard counts 0 and subset_accuracy right; empty where
// there are none.
std::string empty_sets_warning(const Target& target, const TableAnswers& answers);

// "accuracy 86.2 % (85.4 to 87.0), F1 macro 0.802": what a person wants in one line.
std::string scores_line(const std::vector<Score>& scores);

// A table of all scores with their intervals; the most telling ones as figures of the page.
TableBlock scores_block(const std::string& caption, const std::vector<Score>& scores);
void add_figures(const std::vector<Score>& scores, const std::string& how, Report& page);

// Confusion matrix (at most 30 labels), ROC, precision and recall, reliability (two labels: of the second; more: each of
// at most six); answers against truth of a regression.
std::vector<ReportBlock> answer_blocks(const Target& target, const TableAnswers& answers);

// The features that the model leans on most; empty where it has none to tell.
std::vector<ReportBlock> importance_blocks(const TableEstimator& estimator);

// Coefficients, trees, centres: the model's description as a page shows it.
std::vector<ReportBlock> description_blocks(const nlohmann::json& description);

// [{"feature", "importance"}], the largest first.
nlohmann::json importances_json(const TableEstimator& estimator, size_t most);

}  // namespace athanor
