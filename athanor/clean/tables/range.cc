// range: values outside of bounds, a list or a pattern.
#include <algorithm>
#include <cmath>
#include <set>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/clean/tables/step_makers.h"
#include "athanor/data/tables/cells.h"

namespace athanor {

namespace {

struct RangeOptions {
  std::vector<std::string> columns;
  nlohmann::json min;
  nlohmann::json max;
  std::vector<std::string> one_of;
  std::string matches;
  std::string action = "missing";
  static void fields(Fields<RangeOptions>& f) {
    f.add("columns", &RangeOptions::columns, "names, or numbers, categories, ...").required();
    f.add("min", &RangeOptions::min, "the lowest number, or the first date ('2020-01-31')");
    f.add("max", &RangeOptions::max, "the highest number, or the last date");
    f.add("one_of", &RangeOptions::one_of, "the values that may stand there; empty: any");
    f.add("matches", &RangeOptions::matches, "a regular expression (PCRE2) that the whole value matches");
    f.add("do", &RangeOptions::action, "missing: the value is taken out; drop: the row; clip: to the bound; mark: NAME_out_of_range of 0 and 1")
        .choices({"missing", "drop", "clip", "mark"});
  }
};

// A whole-value match, bounded in steps.
class WholeMatch {
 public:
  explicit WholeMatch(const std::string& pattern, const std::string& where) {
    int error = 0;
    PCRE2_SIZE at = 0;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                              PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C, &error, &at, nullptr),
                pcre2_code_free);
    if (code_ == nullptr) {
      PCRE2_UCHAR message[256] = {};
      pcre2_get_error_message(error, message, sizeof message);
      throw Error(ErrorKind::kUsage,
                  "the pattern '" + pattern + "' is wrong at character " + std::to_string(at) + ": " + reinterpret_cast<const char*>(message),
                  where, "patterns are Perl's (PCRE2); in YAML write them in single quotes");
    }
    data_.reset(pcre2_match_data_create_from_pattern(code_.get(), nullptr), pcre2_match_data_free);
    context_.reset(pcre2_match_context_create(nullptr), pcre2_match_context_free);
    pcre2_set_match_limit(context_.get(), 1'000'000);
  }
  // A pattern that gives up on a value does not match it.
  bool operator()(const std::string& text) const {
    return pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0, data_.get(), context_.get()) >= 0;
  }

 private:
  std::shared_ptr<pcre2_code> code_;
  std::shared_ptr<pcre2_match_data> data_;
  std::shared_ptr<pcre2_match_context> context_;
};

class Range : public TableStep {
 public:
  Range(RangeOptions options, std::string where) : options_(std::move(options)), where_(std::move(where)) {
    if (options_.min.is_null() && options_.max.is_null() && options_.one_of.empty() && options_.matches.empty()) {
      throw Error(ErrorKind::kUsage, "no bound is given", where_, "min, max, one_of or matches");
    }
    for (const auto* bound : {&options_.min, &options_.max}) {
      double value = 0;
      if (!bound->is_null() && !bound_of(*bound, value)) {
        throw Error(ErrorKind::kUsage, "the bound " + bound->dump() + " is neither a number nor a date", where_, "min: 0, or min: '2020-01-31'");
      }
    }
    double low = 0, high = 0;
    if (!options_.min.is_null() && !options_.max.is_null() && bound_of(options_.min, low) && bound_of(options_.max, high) && low > high) {
      throw Error(ErrorKind::kUsage, "min is above max", where_);
    }
    if (options_.action == "clip" && (!options_.one_of.empty() || !options_.matches.empty())) {
      throw Error(ErrorKind::kUsage, "do: clip is for min and max", where_, "do: missing, drop or mark");
    }
    if (!options_.matches.empty()) {
      match_.emplace(options_.matches, where_);
    }
    allowed_.insert(options_.one_of.begin(), options_.one_of.end());
  }

  void learn(const RowTable& table, TableStepContext&) override {
    columns_ = chosen_columns(table, options_.columns, {}, where_);
    for (const std::string& name : columns_) {
      const RowColumn& column = column_at(table, name, where_);
      for (const auto* bound : {&options_.min, &options_.max}) {
        if (bound->is_null()) {
          continue;
        }
        expect_numbers(column, "a bound", where_);
        if ((column.kind == ColumnKind::kDate) != bound->is_string()) {
          throw Error(ErrorKind::kUsage, "the bound " + bound->dump() + " is of another kind than column '" + name + "' (" +
                                             name_of(column.kind) + ")", where_, "dates as min: '2020-01-31', numbers as min: 0");
        }
      }
    }
  }

  void apply(RowTable& table, TableStepContext& context) const override {
    for (const std::string& name : columns_) {
      RowColumn& column = column_at(table, name, where_);
      const std::vector<double> numbers = value_numbers(table, column);
      RowColumn* marks = options_.action == "mark" ? add_mark_column(table, name + "_out_of_range", context.report) : nullptr;
      if (options_.action == "mark") {
        mark(table, column, numbers, marks, context.report);
        continue;
      }
      map_values(table, column, context.report, [&](const Cell& cell, int32_t code) {
        return is_missing(table, cell) ? NewValue{} : judge(column, cell, numbers[static_cast<size_t>(code)]);
      });
    }
  }

  nlohmann::json learnt(const fs::path&) const override { return {{"columns", columns_}}; }
  void load(const nlohmann::json& learnt, const fs::path&) override {
    columns_ = learnt.at("columns").get<std::vector<std::string>>();
  }

 private:
  static bool bound_of(const nlohmann::json& bound, double& value) {
    if (bound.is_number()) {
      value = bound.get<double>();
      return true;
    }
    return bound.is_string() && parse_date(bound.get<std::string>(), "", value);
  }

  static std::string told(const nlohmann::json& bound) {
    return bound.is_string() ? bound.get<std::string>() : human_number(bound.get<double>(), 10);
  }

  // What is wrong with a value; empty: nothing. bound: the one that it is beyond.
  std::string fault(const Cell& cell, double number, double& bound) const {
    bound = std::nan("");
    if (!options_.min.is_null() || !options_.max.is_null()) {
      if (std::isnan(number)) {
        return "no number";
      }
      double limit = 0;
      if (!options_.min.is_null() && bound_of(options_.min, limit) && number < limit) {
        bound = limit;
        return "below " + told(options_.min);
      }
      if (!options_.max.is_null() && bound_of(options_.max, limit) && number > limit) {
        bound = limit;
        return "above " + told(options_.max);
      }
    }
    if (!allowed_.empty() && !allowed_.contains(cell.text)) {
      return "not one of the list";
    }
    return match_ && !(*match_)(cell.text) ? "does not match " + options_.matches : "";
  }

  NewValue judge(RowColumn& column, const Cell& cell, double number) const {
    NewValue to;
    double bound = 0;
    to.what = fault(cell, number, bound);
    if (to.what.empty()) {
      return to;
    }
    if (options_.action == "drop") {
      to.action = NewValue::Do::kDrop;
    } else if (options_.action == "clip" && !std::isnan(bound)) {
      to.action = NewValue::Do::kReplace;
      to.cell = column.value(number_code(column, bound));
      to.what += ", clipped";
    } else {
      to.action = NewValue::Do::kMissing;
      to.what += ", made missing";
    }
    return to;
  }

  void mark(RowTable& table, const RowColumn& column, const std::vector<double>& numbers, RowColumn* marks, TableReport& report) const {
    if (marks == nullptr) {
      return;
    }
    const int32_t yes = marks->intern("1", CellType::kNumber);
    std::vector<std::string> faults(numbers.size());
    for (size_t i = 0; i < numbers.size(); ++i) {
      const Cell& cell = column.value(static_cast<int32_t>(i));
      double bound = 0;
      faults[i] = is_missing(table, cell) ? "" : fault(cell, numbers[i], bound);
    }
    for (uint64_t row = 0; row < table.rows; ++row) {
      const int32_t code = column.codes[row];
      if (table.alive[row] != 0 && code >= 0 && !faults[static_cast<size_t>(code)].empty()) {
        marks->codes[row] = yes;
        const std::string& text = column.value(code).text;
        report.changed(report.reason(column.name, faults[static_cast<size_t>(code)] + ", marked"), table, row, text, text);
      }
    }
  }

  RangeOptions options_;
  std::string where_;
  std::vector<std::string> columns_;
  std::set<std::string> allowed_;
  std::optional<WholeMatch> match_;
};

}  // namespace

std::unique_ptr<TableStep> make_range_step(const nlohmann::json& options, const std::string& where) {
  return std::make_unique<Range>(load_options<RangeOptions>(options), where);
}
OptionSchema range_step_options() { return schema_of<RangeOptions>(); }

}  // namespace athanor
