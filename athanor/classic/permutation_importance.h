// How much worse an estimator gets when a column's values are shuffled among the rows (Breiman 2001): the table's own column,
// through features and model, as scikit-learn's permutation_importance of a Pipeline; any model, on rows it has not seen.
// A pure function of (seed, place of the column, time): the same for any number of threads.
//
//   for (const ColumnLoss& loss : permutation_importance(estimator, table, target, usual_score, {.times = 5}, pool)) {
//     loss.column, loss.mean, loss.spread
//   }
#pragma once

#include <functional>
#include <vector>

#include "athanor/classic/table_columns.h"
#include "athanor/classic/table_estimator.h"

namespace athanor {

// Higher is better.
using PredictionScore = std::function<double(const Matrix& predicted, const Target& target)>;
// Accuracy of classes, share of right labels, R2 of values; weighted. Error(kUsage) for the tasks
// without a truth.
double usual_score(const Matrix& predicted, const Target& target);

struct PermutationOptions {
  int times = 5;
  uint64_t seed = 0;
  uint64_t max_rows = 20'000;   // a sample of more
  uint64_t most_sparse = 200;  // features of a sparse column: those that most rows have
};
struct ColumnLoss {
  ExplainedColumn column;
  double mean = 0;    // score as it is minus score when shuffled
  double spread = 0;  // standard deviation over `times`
};

// The rows that max_rows leaves, ascending: a pure function of seed and the number of rows.
std::vector<uint64_t> sampled_rows(uint64_t rows, uint64_t max_rows, uint64_t seed);

// One a column that the estimator reads.
std::vector<ColumnLoss> permutation_importance(const TableEstimator& estimator, const Table& table, const Target& target,
                                               const PredictionScore& score, const PermutationOptions& options, ThreadPool& pool);

}  // namespace athanor
