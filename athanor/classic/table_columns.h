// The columns of a table as what explains an estimator changes them: a value at a time, or all values among the rows. Of a
// sparse column each feature stands alone.
//
//   for (const ExplainedColumn& column : explained_columns(estimator.pipeline(), table, 200)) {
//     shuffle(table, column, key);  ...  table.columns[column.place] = held;
//   }
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "athanor/feature/pipeline.h"

namespace athanor {

struct ExplainedColumn {
  std::string name;     // of a sparse column's feature "name[7]"
  size_t place = 0;     // in Table::columns
  int64_t feature = -1;  // of a sparse column
};

// Those that the pipeline reads, in its order; of a sparse column the most_sparse features that most rows have (the lower
// index where equal), ascending. Error(kInput) for one that the table has not.
std::vector<ExplainedColumn> explained_columns(const FeaturePipeline& pipeline, const Table& table, uint64_t most_sparse);

// Gives row r the value that row permute(r, rows, key) had; a missing value moves like any other.
void shuffle_column(Table& table, const ExplainedColumn& column, uint64_t key);

// All rows get this value: of a category the number of its level; of a sparse column's feature, which must not be 0.
void set_column(Table& table, const ExplainedColumn& column, double value);

}  // namespace athanor
