// Steps in their order: learnt from the training rows, applied to any, stored in a folder (table.json) and read back.
//
//   TableCleaner cleaner(steps, "clean.table");         // resolved: [{"missing": {...}}, ...]
//   cleaner.learn(training, context);                   // `training` comes out cleaned
//   cleaner.apply(rows, context);                       // context.report holds what was done
//   cleaner.save(out, schema);  ...  TableCleaner same = TableCleaner::load(out, schema);
#pragma once

#include "athanor/clean/tables/table_step.h"
#include "athanor/data/tables/table_schema.h"

namespace athanor {

class TableCleaner {
 public:
  static constexpr int kSchema = 1;
  static constexpr const char* kFileName = "table.json";

  TableCleaner(const nlohmann::json& steps, const std::string& where);

  // Each step learns from the rows as the step before left them, and cleans them; context.report tells what was done.
  // Error(kInput) for a step that leaves no row.
  void learn(RowTable& training, TableStepContext& context);
  void apply(RowTable& table, TableStepContext& context) const;

  // table.json: {"schema": 1, "read": TableSchema, "steps": [{"step", "options", "learnt"}]}; what is larger lies in
  // table-step-N/ beside it.
  void save(const fs::path& dir, const TableSchema& read) const;
  // Error(kInput) with the file's name for anything that save() did not write.
  static TableCleaner load(const fs::path& dir, TableSchema& read);

  const nlohmann::json& steps() const { return steps_; }

 private:
  void run(RowTable& table, TableStepContext& context, bool learns);

  std::string where_;
  nlohmann::json steps_;
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<TableStep>> made_;
};

// Reads rows of documents into a RowTable: keys of meta, in the order in which they are met.
class RowReader {
 public:
  // missing: further marks. max_bytes: Error(kResource) above it, with what to do.
  RowReader(std::vector<std::string> missing, uint64_t max_bytes);
  // False: meta is no JSON object, the row has no cells.
  bool add(const std::string& id, std::string_view meta);
  // Kinds as the schema says; columns that it does not know pass through.
  RowTable finish(const TableSchema& schema);
  uint64_t rows() const { return table_.rows; }

 private:
  void add_cell(RowColumn& column, std::string_view raw);
  RowColumn& column(size_t position, std::string_view raw_key);

  RowTable table_;
  uint64_t max_bytes_;
  std::unordered_map<std::string, RowColumn*> by_key_;
  std::vector<std::pair<std::string, RowColumn*>> last_order_;  // keys mostly come in one order
  std::string text_;
};

// Whether a document's text is its row in the form "name: value" a line, in the order of meta: then it is made anew.
bool is_row_text(std::string_view text, std::string_view meta);

}  // namespace athanor
