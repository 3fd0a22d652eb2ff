// Small tables for tests.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "athanor/clean/tables/table_cleaner.h"
#include "athanor/data/tables/read_table.h"

namespace athanor {

struct TestTable {
  TableSchema schema;
  TableNotes notes;
  Table table;
  RowTable rows;
};

// metas: a JSON object a row.
inline TestTable table_of(const std::vector<std::string>& metas, const TableOptions& options = {}) {
  TestTable out;
  TableReader reader(options);
  RowReader rows(options.missing, uint64_t{1} << 30);
  for (size_t i = 0; i < metas.size(); ++i) {
    Document document;
    document.id = "row" + std::to_string(i);
    document.meta = metas[i];
    const auto fields = nlohmann::ordered_json::parse(metas[i]);
    for (const auto& [key, value] : fields.items()) {
      document.text += key + ": " + value.dump() + "\n";
    }
    reader.add(document);
    rows.add(document.id, document.meta);
  }
  out.table = reader.finish(out.notes);
  out.schema = reader.schema();
  out.rows = rows.finish(out.schema);
  return out;
}

// One column: values as JSON ("\"12 lb\"", "3", "null").
inline TestTable column_of(const std::vector<std::string>& values, const TableOptions& options = {}) {
  std::vector<std::string> metas;
  for (const std::string& value : values) {
    metas.push_back("{\"x\":" + value + "}");
  }
  return table_of(metas, options);
}

inline RowTable cleaned(RowTable table, const nlohmann::json& steps, TableReport& report) {
  ThreadPool pool(2);
  TableStepContext context{pool, report};
  TableCleaner(steps, "clean.table").learn(table, context);
  return table;
}

inline RowTable cleaned(RowTable table, const nlohmann::json& steps) {
  TableReport report;
  return cleaned(std::move(table), steps, report);
}

// The live rows' cells; "-" where the row has no such key.
inline std::vector<std::string> cells_of(const RowTable& table, const std::string& name) {
  std::vector<std::string> cells;
  const RowColumn* column = table.find(name);
  for (uint64_t row = 0; column != nullptr && row < table.rows; ++row) {
    if (table.alive[row] != 0) {
      cells.push_back(column->codes[row] < 0 ? "-" : column->value(column->codes[row]).text);
    }
  }
  return cells;
}

// The metas of the live rows.
inline std::vector<std::string> metas_of(const RowTable& table) {
  std::vector<std::string> metas;
  for (uint64_t row = 0; row < table.rows; ++row) {
    if (table.alive[row] != 0) {
      metas.push_back(row_meta(table, row));
    }
  }
  return metas;
}

inline uint64_t told(const TableReport& report, const std::string& column, const std::string& what) {
  for (const TableReport::Reason& reason : report.reasons()) {
    if (reason.column == column && reason.what.find(what) != std::string::npos) {
      return reason.cells + reason.rows;
    }
  }
  return 0;
}

}  // namespace athanor
