// What an estimator says on average when a column of the table, or two, is set to given values (Friedman 2001): the table's
// own column, through features and model; any model. As scikit-learn's partial_dependence (method brute) of a Pipeline.
//
//   const auto columns = explained_columns(estimator.pipeline(), table, 200);
//   const PartialDependence curve = partial_dependence(estimator, table, {columns[3]}, {}, pool);
//   curve.grid[0][i], curve.names[0][i], curve.mean.at(i, output)
#pragma once

#include <vector>

#include "athanor/classic/table_columns.h"
#include "athanor/classic/table_estimator.h"

namespace athanor {

struct PartialDependenceOptions {
  uint64_t points = 40;  // a column: all its distinct values where they are fewer; of categories the most frequent
  double low = 0.05;     // quantiles between which the points lie
  double high = 0.95;
  uint64_t max_rows = 1000;  // a sample of more
  uint64_t seed = 0;
};

struct PartialDependence {
  std::vector<std::vector<double>> grid;        // a column: its values, ascending; of categories numbers of levels
  std::vector<std::vector<std::string>> names;  // of categories: the levels' names; empty for numbers
  Matrix mean;  // a row a point (the last column changes fastest), a column an output
};

// columns: one or two. Error(kUsage) for another number, or a text or an image; Error(kInput) for a column without values.
PartialDependence partial_dependence(const TableEstimator& estimator, const Table& table,
                                     const std::vector<ExplainedColumn>& columns, const PartialDependenceOptions& options,
                                     ThreadPool& pool);

}  // namespace athanor
