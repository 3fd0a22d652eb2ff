// predict and evaluate with an estimator of tables.
#pragma once

#include "athanor/run/verb.h"
#include "athanor/stage/evaluate.h"
#include "athanor/stage/predict.h"

namespace athanor {

// Whether the folder holds an estimator of tables (estimator.json says kind: table).
bool is_table_estimator(const fs::path& folder);

// AS_label and AS_score (its probability or decision value) of classes; AS_labels (a JSON list) of label sets; AS_value of
// numbers; AS_cluster; AS_score and AS_odd (0, 1) of anomalies. With `probabilities` also
// AS_p_LABEL a class or label; AS_score_LABEL where the model gives decision values.
nlohmann::json predict_table(StageContext& context, const PredictOptions& options, const fs::path& folder);

// Scores with intervals, curves, slices, importances, the worst mistakes with their nearest training rows; and where a second
// estimator is given (role `other`), whether the two differ.
nlohmann::json evaluate_table(StageContext& context, const EvaluateOptions& options);

}  // namespace athanor
