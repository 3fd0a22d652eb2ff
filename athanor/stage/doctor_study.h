// What `athanor doctor RUN` makes of the runs that consist of others: a study of `tune`, a cross-validation of `validate`.
#pragma once

#include "athanor/metric/diagnosis_study.h"
#include "athanor/run/run.h"

namespace athanor {

// Of a finished study, from out/study.json; Error(kInput) when that is not what tune wrote.
std::vector<Finding> findings_of_study(const RunSummary& run);

// Of a finished cross-validation: of each recipe's folds, and what the folds' own runs say in the mean, where they are still
// in the store.
std::vector<Finding> findings_of_folds(const RunSummary& run, const RunStore& store);

}  // namespace athanor
