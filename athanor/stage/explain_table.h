// Why an estimator of tables answers as it does: what evaluate and predict tell with `explain`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "athanor/classic/table_estimator.h"
#include "athanor/run/report.h"

namespace athanor {

// Parts of `what`: importance (how much worse it gets when a column of the table is shuffled, through features and model),
// dependence (the mean answer over the values of the columns that matter most; of categories by name), shap (trees: what each
// feature that the model reads adds). features: estimator.features(table). Adds sections to the page; gives
// {"importance": [{"column", "mean", "spread"}], "dependence": {column: {"values", output: [mean]}},
//  "shap": [{"feature", "mean"}], "shap_rows": rows that the means are over}.
nlohmann::json explain_estimator(const TableEstimator& estimator, const Table& table, const Matrix& features, const Target& target,
                                 const std::vector<std::string>& what, uint64_t seed, ThreadPool& pool, Report& page);

// For each row, the features that added most to its answer, "hours_per_week +0.81, age -0.32"; Error(kUsage) for a model that
// is not made of trees.
std::vector<std::string> reasons_of_rows(const TableEstimator& estimator, const Matrix& features, const TableAnswers& answers,
                                         ThreadPool& pool);

// The first splits of a decision tree as a drawing; empty for a model that is not one tree.
std::vector<ReportBlock> tree_blocks(const TableEstimator& estimator);

}  // namespace athanor
