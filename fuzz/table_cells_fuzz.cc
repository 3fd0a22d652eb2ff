// Cells of a table as the steps of cleaning read them: units, numbers, dates, truth values; and rows of meta. Nothing but an
// Error may come out, and what was read once is read the same again.
#include <cstdint>
#include <string>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/tables/table_cleaner.h"
#include "athanor/clean/tables/written_number.h"

namespace {

void read_rows(const std::string& meta) {
  athanor::RowReader reader({}, uint64_t{1} << 24);
  reader.add("id", meta);
  athanor::TableSchema schema;
  const athanor::RowTable table = reader.finish(schema);
  athanor::is_row_text(meta, athanor::row_meta(table, 0));
}

void clean_cell(const std::string& text, const nlohmann::json& step) {
  athanor::RowTable table;
  table.rows = 1;
  table.alive = {1};
  table.ids = {"id"};
  athanor::RowColumn& column = table.add("x");
  column.codes[0] = column.intern(text, athanor::CellType::kString);
  athanor::ThreadPool pool(1);
  athanor::TableReport report;
  athanor::TableStepContext context{pool, report};
  athanor::TableCleaner cleaner(nlohmann::json::array({step}), "fuzz");
  cleaner.learn(table, context);
  const std::string once = athanor::row_meta(table, 0);
  cleaner.learn(table, context);
  if (athanor::row_meta(table, 0) != once) {
    __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const nlohmann::json steps = nlohmann::json::parse(R"([
    {"units": {"column": "x", "to": "kg"}}, {"units": {"column": "x", "to": "°C"}}, {"units": {"column": "x", "to": "元"}},
    {"formats": {"columns": ["x"], "as": "number"}}, {"formats": {"columns": ["x"], "as": "date"}},
    {"formats": {"columns": ["x"], "as": "boolean"}}, {"formats": {"columns": ["x"], "as": "trim"}}])");
  const std::string text = athanor::repair_utf8({reinterpret_cast<const char*>(data), size});
  for (const auto& step : steps) {
    try {
      clean_cell(text, step);
    } catch (const athanor::Error&) {
    }
  }
  try {
    read_rows(text);
  } catch (const athanor::Error&) {
  }
  return 0;
}
