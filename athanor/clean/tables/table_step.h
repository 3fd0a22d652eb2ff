// One step of cleaning a table, and the table of all of them. A new step is a file with one class, its options beside it,
// and a line in table_step_kinds.cc; recipes, `explain` and docs/data/tables.md walk that table.
//
// A step learns from the training rows (means, bounds, frequent values), then is applied to any rows; what it learnt is
// JSON (and files, where a model was fitted), so that later rows are treated the same.
//
//   auto step = make_table_step("missing", {{"columns", {"Age"}}, {"by", "median"}}, "clean.table[0]");
//   step->learn(training, context);
//   step->apply(rows, context);     // context.report: what it did, by column and reason
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/base/thread_pool.h"
#include "athanor/clean/tables/row_table.h"
#include "athanor/run/fields.h"

namespace athanor {

// What happened to cells and rows, by step, column and reason.
class TableReport {
 public:
  static constexpr size_t kExamples = 3;   // a reason
  static constexpr size_t kExampleBytes = 120;

  struct Example {
    std::string id;
    std::string before, after;  // after: empty for a row that was dropped
  };
  struct Reason {
    std::string step, column, what;  // "1 missing", "Age", "filled by median 28"
    uint64_t cells = 0;              // changed
    uint64_t rows = 0;               // dropped
    uint64_t rows_before = 0;        // that were there when the step began
    std::vector<Example> examples;
  };

  void begin_step(const std::string& name, uint64_t rows);
  // A number for the reason; the same words give the same one.
  uint32_t reason(const std::string& column, const std::string& what);
  void changed(uint32_t reason, const RowTable& table, uint64_t row, const std::string& before, const std::string& after);
  void dropped(uint32_t reason, RowTable& table, uint64_t row, const std::string& value);  // and marks the row
  // A sentence for a person: a column left alone and why, a spelling to look at.
  void note(const std::string& text);
  void propose(nlohmann::json proposal) { proposals_.push_back(std::move(proposal)); }

  const std::vector<Reason>& reasons() const { return reasons_; }
  const std::vector<std::string>& notes() const { return notes_; }
  const nlohmann::json& proposals() const { return proposals_; }
  // Of each row: what was changed ("1 missing Age; 2 outliers Fare"), and the reason it was dropped for.
  std::vector<std::string> changes_of_rows(uint64_t rows) const;
  std::vector<std::string> drops_of_rows(uint64_t rows) const;

 private:
  struct Event {
    uint32_t row;
    uint32_t reason;
  };
  std::string step_;
  uint64_t rows_before_ = 0;
  std::vector<Reason> reasons_;
  std::map<std::vector<std::string>, uint32_t> index_;
  std::vector<Event> changes_, drops_;
  std::vector<std::string> notes_;
  nlohmann::json proposals_ = nlohmann::json::array();
};

struct TableStepContext {
  ThreadPool& pool;
  TableReport& report;
  std::function<void()> poll = [] {};  // may throw to stop
};

class TableStep {
 public:
  virtual ~TableStep() = default;
  // Columns by their names; Error(kUsage) with the nearest name for one that is not there, Error(kInput) for one that
  // there is nothing to learn from.
  virtual void learn(const RowTable& table, TableStepContext& context) = 0;
  virtual void apply(RowTable& table, TableStepContext& context) const = 0;
  // What was learnt, and back. dir: for what is too large for JSON; made by the step when it has any.
  virtual nlohmann::json learnt(const fs::path& dir) const = 0;
  virtual void load(const nlohmann::json& learnt, const fs::path& dir) = 0;
};

struct TableStepKind {
  const char* name;
  const char* doc;
  OptionSchema schema;
  std::unique_ptr<TableStep> (*make)(const nlohmann::json& options, const std::string& where);
};
const std::vector<TableStepKind>& table_step_kinds();

// [{"name": {options}}, ...] with every default written out, from names and {name: {option: value}}; Error(kUsage) at
// `where` for an unknown step or option.
nlohmann::json resolve_table_steps(const nlohmann::json& steps, const std::string& where);
std::unique_ptr<TableStep> make_table_step(const std::string& name, const nlohmann::json& options, const std::string& where);

// Columns as steps name them: names, or "numbers", "categories", "texts", "dates"; an empty list gives those of `usual`.
// Error(kUsage) at `where` with the nearest name. explicit_names: those that the recipe named one by one.
std::vector<std::string> chosen_columns(const RowTable& table, const std::vector<std::string>& wanted,
                                        const std::vector<ColumnKind>& usual, const std::string& where,
                                        std::vector<std::string>* explicit_names = nullptr);
// The column of a step at work; Error(kInput) when these rows lack it.
RowColumn& column_at(RowTable& table, const std::string& name, const std::string& where);
const RowColumn& column_at(const RowTable& table, const std::string& name, const std::string& where);
// Error(kUsage) unless the column holds numbers (or dates).
void expect_numbers(const RowColumn& column, const std::string& what, const std::string& where);

// Adds a column of 0 and 1; one that is there already is kept. Null: it was there.
RowColumn* add_mark_column(RowTable& table, const std::string& name, TableReport& report);

// What one value of a column becomes.
struct NewValue {
  enum class Do : uint8_t { kKeep, kReplace, kMissing, kDrop } action = Do::kKeep;
  Cell cell;         // kReplace
  std::string what;  // the reason told; empty: not told (the same value in another form)
};
// Each different value through `fn`, then all rows. report: what `fn` said.
void map_values(RowTable& table, RowColumn& column, TableReport& report,
                const std::function<NewValue(const Cell& cell, int32_t code)>& fn);

}  // namespace athanor
