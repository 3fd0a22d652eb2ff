#include "athanor/clean/tables/missing.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/clean/tables/number_facts.h"
#include "athanor/clean/tables/step_makers.h"

namespace athanor {

namespace {

// The most frequent value; of several the smallest. As JSON: a number, or what stands in the cell.
nlohmann::json mode_of(const RowTable& table, const RowColumn& column) {
  const std::vector<uint8_t> gaps = value_gaps(table, column);
  const std::vector<uint64_t> counts = value_counts(table, column);
  const bool numeric = column.kind == ColumnKind::kNumber || column.kind == ColumnKind::kDate;
  const std::vector<double> numbers = numeric ? value_numbers(table, column) : std::vector<double>();
  std::map<std::pair<double, std::string>, std::pair<uint64_t, int32_t>> all;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (gaps[i] == 0 && counts[i] > 0) {
      const Cell& cell = column.value(static_cast<int32_t>(i));
      auto& entry = all[{numeric ? numbers[i] : 0, numeric ? "" : cell.text}];
      entry.first += counts[i];
      entry.second = static_cast<int32_t>(i);
    }
  }
  auto best = all.begin();
  for (auto it = all.begin(); it != all.end(); ++it) {
    best = it->second.first > best->second.first ? it : best;
  }
  if (numeric) {
    return best->first.first;
  }
  const Cell& cell = column.value(best->second.second);
  return cell.type == CellType::kString ? nlohmann::json(cell.text) : nlohmann::json::parse(cell.text, nullptr, false);
}

class Missing : public TableStep {
 public:
  Missing(MissingOptions options, std::string where)
      : options_(std::move(options)), where_(std::move(where)), filler_(options_, where_) {
    const bool has_value = !options_.value.is_null();
    if ((options_.by == "constant") != has_value) {
      throw Error(ErrorKind::kUsage,
                  has_value ? "'value' is for by: constant" : "by: constant needs 'value'", where_, "missing: {by: constant, value: 0}");
    }
    if (has_value && !options_.value.is_string() && !options_.value.is_number() && !options_.value.is_boolean()) {
      throw Error(ErrorKind::kUsage, "'value' must be a number or text", where_);
    }
  }

  void learn(const RowTable& table, TableStepContext& context) override {
    fills_ = nlohmann::json::object();
    marked_.clear();
    std::vector<std::string> named;
    const auto names = chosen_columns(table, options_.columns, usual(), where_, &named);
    std::vector<std::string> by_model;
    for (const std::string& name : names) {
      const RowColumn& column = column_at(table, name, where_);
      const bool explicitly = std::find(named.begin(), named.end(), name) != named.end();
      uint64_t gaps = 0;
      const bool empty = count_gaps(table, column, gaps) == 0;
      check_kind(column);
      if (empty && options_.by != "constant" && options_.by != "drop") {
        no_values(name, explicitly, context);
        continue;
      }
      if (gaps > 0 && options_.mark) {
        marked_.push_back(name);
      }
      fills_[name] = fill_of(table, column);
      by_model.push_back(name);
    }
    if (modelled() && !by_model.empty()) {
      filler_.learn(table, by_model, context);
    }
  }

  void apply(RowTable& table, TableStepContext& context) const override {
    for (const std::string& name : marked_) {
      mark(table, name, context.report);
    }
    std::map<std::string, std::vector<double>> filled;
    if (modelled() && !fills_.empty()) {
      filled = filler_.fill(table, context);
    }
    for (const auto& [name, value] : fills_.items()) {
      fill(table, column_at(table, name, where_), value, modelled() ? &filled[name] : nullptr, context.report);
    }
  }

  nlohmann::json learnt(const fs::path& dir) const override {
    nlohmann::json json{{"fills", fills_}, {"marked", marked_}};
    if (modelled() && !fills_.empty()) {
      json["filler"] = filler_.learnt(dir);
    }
    return json;
  }

  void load(const nlohmann::json& learnt, const fs::path& dir) override {
    fills_ = learnt.at("fills").get<nlohmann::json::object_t>();
    marked_ = learnt.at("marked").get<std::vector<std::string>>();
    if (learnt.contains("filler")) {
      filler_.load(learnt["filler"], dir);
    }
  }

 private:
  bool modelled() const { return options_.by == "knn" || options_.by == "model"; }

  std::vector<ColumnKind> usual() const {
    if (modelled() || (options_.by == "constant" && options_.value.is_number())) {
      return {ColumnKind::kNumber};
    }
    if (options_.by == "constant") {
      return {ColumnKind::kCategory, ColumnKind::kText};
    }
    if (options_.by == "mean" || options_.by == "median") {
      return {ColumnKind::kNumber, ColumnKind::kDate};
    }
    return {ColumnKind::kNumber, ColumnKind::kCategory, ColumnKind::kText, ColumnKind::kDate};
  }

  void check_kind(const RowColumn& column) const {
    if (options_.by == "mean" || options_.by == "median" || modelled()) {
      expect_numbers(column, "by: " + options_.by, where_);
    }
    if (modelled() && column.kind == ColumnKind::kDate) {
      throw Error(ErrorKind::kUsage, "column '" + column.name + "' holds dates, and by: " + options_.by + " fills numbers", where_,
                  "by: median, or mode");
    }
    if (options_.by == "constant" && column.kind == ColumnKind::kNumber && !options_.value.is_number()) {
      throw Error(ErrorKind::kUsage, "column '" + column.name + "' holds numbers, and the value is none", where_,
                  "give a number, or leave the column to a step of its own");
    }
    if (column.kind == ColumnKind::kDate && !column.date_format.empty() && options_.by != "drop") {
      throw Error(ErrorKind::kUsage, "the dates of column '" + column.name + "' are written as " + column.date_format, where_,
                  "put formats: {columns: [" + column.name + "], as: date, dates: ['" + column.date_format + "']} before");
    }
  }

  void no_values(const std::string& name, bool explicitly, TableStepContext& context) const {
    const std::string what = "column '" + name + "' has no value in the training rows: there is no " + options_.by + " to fill it with";
    const std::string hint = "drop_columns: {columns: [" + name + "]}, or missing: {columns: [" + name + "], by: constant, value: ...}";
    if (explicitly) {
      throw Error(ErrorKind::kInput, what, where_, hint);
    }
    context.report.note(what + "; left as it is (" + hint + ")");
  }

  // Live rows that have a value.
  static uint64_t count_gaps(const RowTable& table, const RowColumn& column, uint64_t& gaps) {
    const std::vector<uint8_t> of_value = value_gaps(table, column);
    uint64_t values = 0;
    for (uint64_t row = 0; row < table.rows; ++row) {
      if (table.alive[row] != 0) {
        const int32_t code = column.codes[row];
        const bool gap = code < 0 || of_value[static_cast<size_t>(code)] != 0;
        gaps += gap ? 1 : 0;
        values += gap ? 0 : 1;
      }
    }
    return values;
  }

  // A number, or text; null for drop and the models.
  nlohmann::json fill_of(const RowTable& table, const RowColumn& column) const {
    if (options_.by == "constant") {
      return options_.value;
    }
    if (options_.by == "mode") {
      return mode_of(table, column);
    }
    if (options_.by == "mean" || options_.by == "median") {
      const std::vector<double> sorted = sorted_numbers(row_numbers(table, column));
      return options_.by == "mean" ? mean_of_numbers(sorted) : quantile_of(sorted, 0.5);
    }
    return nullptr;
  }

  void mark(RowTable& table, const std::string& name, TableReport& report) const {
    RowColumn* column = add_mark_column(table, name + "_missing", report);
    if (column == nullptr) {
      return;
    }
    const RowColumn& of = column_at(std::as_const(table), name, where_);
    const std::vector<uint8_t> gaps = value_gaps(table, of);
    const int32_t yes = column->intern("1", CellType::kNumber);
    for (uint64_t row = 0; row < table.rows; ++row) {
      if (of.codes[row] < 0 || gaps[static_cast<size_t>(of.codes[row])] != 0) {
        column->codes[row] = yes;
      }
    }
  }

  static int32_t code_of(RowColumn& column, const nlohmann::json& value) {
    if (value.is_string()) {
      return column.intern(value.get<std::string>(), CellType::kString);
    }
    if (value.is_number() && (column.kind == ColumnKind::kNumber || column.kind == ColumnKind::kDate)) {
      return number_code(column, value.get<double>());
    }
    const CellType own = value.is_boolean() ? CellType::kBool : value.is_number() ? CellType::kNumber : CellType::kOther;
    return column.intern(value.dump(), column.holds_text() ? CellType::kString : own);
  }

  void fill(RowTable& table, RowColumn& column, const nlohmann::json& value, const std::vector<double>* numbers,
            TableReport& report) const {
    const std::vector<uint8_t> gaps = value_gaps(table, column);
    std::vector<uint8_t> infinite;
    value_numbers(table, column, &infinite);
    const bool drops = options_.by == "drop";
    const std::string told = drops ? "missing" : "missing, filled by " + options_.by + told_value(column, value);
    const int32_t fixed = drops || numbers != nullptr ? 0 : code_of(column, value);
    for (uint64_t row = 0; row < table.rows; ++row) {
      const int32_t code = column.codes[row];
      if (table.alive[row] == 0 || (code >= 0 && static_cast<size_t>(code) < gaps.size() && gaps[static_cast<size_t>(code)] == 0)) {
        continue;
      }
      const std::string before = code < 0 ? "" : column.value(code).text;
      const bool unreadable = code >= 0 && !is_missing(table, column.value(code));
      const std::string prefix = !unreadable ? "" : infinite[static_cast<size_t>(code)] != 0 ? "infinite: " : "no value of its kind: ";
      const uint32_t reason = report.reason(column.name, prefix + told);
      if (drops) {
        report.dropped(reason, table, row, before);
        continue;
      }
      column.codes[row] = numbers != nullptr ? number_code(column, (*numbers)[row]) : fixed;
      report.changed(reason, table, row, before, column.value(column.codes[row]).text);
    }
  }

  static std::string told_value(const RowColumn& column, const nlohmann::json& value) {
    return value.is_null()     ? ""
           : value.is_string() ? " '" + value.get<std::string>() + "'"
           : column.kind == ColumnKind::kDate && value.is_number() ? " " + date_text(value.get<double>())
           : value.is_number() ? " " + human_number(value.get<double>(), 6)
                               : " " + value.dump();
  }

  MissingOptions options_;
  std::string where_;
  nlohmann::json fills_ = nlohmann::json::object();  // by column: what a gap becomes
  std::vector<std::string> marked_;
  TableFiller filler_;
};

}  // namespace

std::unique_ptr<TableStep> make_missing_step(const nlohmann::json& options, const std::string& where) {
  return std::make_unique<Missing>(load_options<MissingOptions>(options), where);
}
OptionSchema missing_step_options() { return schema_of<MissingOptions>(); }

}  // namespace athanor
