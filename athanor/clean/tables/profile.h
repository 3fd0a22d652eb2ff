// What a table is: each column's type, gaps and distribution, which columns go together, what leaks, which rows repeat.
//
//   const nlohmann::json profile = profile_table(table, notes, {.target = "income"}, pool);
//
// The result (docs/formats/statistics.md, field `table`):
//   {"rows", "columns": [{"name", "kind", "missing", "distinct", ...}], "duplicate_rows": {"rows", "groups", "largest"},
//    "associations": {"columns", "rows", "pairs": [{"a", "b", "measure", "value", "rank"}], "heat": {"names", "values"}},
//    "leaks": [{"what", "column", "other", "text", "advice"}], "target": {"name", "kind", "classes": [{"value", "rows"}], ...}}
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/data/tables/table.h"
#include "athanor/data/tables/table_schema.h"

namespace athanor {

struct ProfileOptions {
  std::string target;      // empty: none
  size_t top = 12;         // values listed of a category, pairs of columns, columns of the heat table
  size_t most_rows = 100'000;   // read for associations: more are drawn by a hash of their ids
  size_t most_columns = 120;    // compared with one another
};

// The same for any number of threads. Error(kUsage) for a target that is not there, with the nearest name.
nlohmann::json profile_table(const Table& table, const TableNotes& notes, const ProfileOptions& options, ThreadPool& pool);

// Parts of it, each adding to the result.
struct DistinctColumn {
  std::vector<int32_t> codes;  // of rows: equal values have equal codes; -1: missing
  int32_t distinct = 0;
};
std::vector<DistinctColumn> distinct_columns(const Table& table, ThreadPool& pool);
nlohmann::json profile_column(const TableColumn& column, const DistinctColumn& distinct, const ColumnNote* note, size_t top);
nlohmann::json profile_leaks(const Table& table, const std::vector<DistinctColumn>& distinct, const nlohmann::json& columns,
                             const std::string& target);

}  // namespace athanor
