// What is to be known of a table's training and validation rows before a score is believed: columns that tell the label by
// themselves, columns that drifted, rows on both sides, and what the model missed. metric/diagnosis.h judges them.
#pragma once

#include <nlohmann/json.hpp>

#include "athanor/classic/table_estimator.h"

namespace athanor {

// For each column (texts, images and sparse ones left out), the share of what is to be known of the target that it tells by
// itself, on rows that it was not learnt from: classes: accuracy over that of the commonest class, as a share of what is
// missing to 1; regression: R2. Numbers are cut into at most 256 ranges of equally many rows. 0 where it tells nothing.
std::vector<std::pair<std::string, double>> told_alone(const Table& table, const Target& target, uint64_t seed);

// Population stability index of each column, training against validation: ten ranges of equally many training rows, or the
// 50 commonest categories; missing values are a range of their own.
std::vector<std::pair<std::string, double>> drift_of(const Table& train, const Table& valid);

// Share of the rows of `valid` that stand in `train`, equal in every cell; 0 for tables of fewer than four columns.
double overlap_of(const Table& train, const Table& valid);

// What a regression tree of depth 3, fitted on what the model left unexplained of the training rows, explains of the same on
// the validation rows: R2 less two standard errors, so that a few rows prove nothing; NaN where the model gives no
// probabilities. classes: of up to three labels, the largest.
double residual_gain(const Table& train, const Target& train_target, const TableAnswers& train_answers, const Table& valid,
                     const Target& valid_target, const TableAnswers& valid_answers, FitContext& context);

}  // namespace athanor
