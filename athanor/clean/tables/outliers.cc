// outliers: numbers far from the others.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/clean/tables/number_facts.h"
#include "athanor/clean/tables/outlier_forest.h"
#include "athanor/clean/tables/step_makers.h"

namespace athanor {

namespace {

struct OutlierOptions {
  std::vector<std::string> columns;
  std::string by = "iqr";
  double factor = 0;
  std::string action = "mark";
  double contamination = 0.01;
  int64_t trees = 100;
  int64_t seed = 1;
  static void fields(Fields<OutlierOptions>& f) {
    f.add("columns", &OutlierOptions::columns, "names, or numbers, dates; empty: all numbers");
    f.add("by", &OutlierOptions::by,
          "iqr: outside the quartiles by factor times their distance; zscore: by factor deviations from the mean; mad: by "
          "factor (scaled) median deviations from the median; isolation_forest: whole rows that few cuts set apart")
        .choices({"iqr", "zscore", "mad", "isolation_forest"});
    f.add("factor", &OutlierOptions::factor, "0: 1.5 for iqr, 3 for zscore, 3.5 for mad").range(0, 1e6);
    f.add("do", &OutlierOptions::action,
          "mark: a column NAME_outlier of 0 and 1 (the forest: outlier); clip: to the bound; drop: the row; missing: the value")
        .choices({"mark", "clip", "drop", "missing"});
    f.add("contamination", &OutlierOptions::contamination, "isolation_forest: share of the training rows that are odd")
        .range(0, 0.5);
    f.add("trees", &OutlierOptions::trees, "isolation_forest: how many").range(1, 10000);
    f.add("seed", &OutlierOptions::seed, "isolation_forest: of its cuts").range(0, 9e15);
  }
};

double usual_factor(const std::string& by) { return by == "iqr" ? 1.5 : by == "zscore" ? 3 : 3.5; }

class Outliers : public TableStep {
 public:
  Outliers(OutlierOptions options, std::string where)
      : options_(std::move(options)),
        where_(std::move(where)),
        forest_(options_.trees, options_.contamination, static_cast<uint64_t>(options_.seed), where_) {
    options_.factor = options_.factor > 0 ? options_.factor : usual_factor(options_.by);
    if (forested() && (options_.action == "clip" || options_.action == "missing")) {
      throw Error(ErrorKind::kUsage, "isolation_forest judges whole rows: it has no bound to " + options_.action, where_,
                  "do: mark, or do: drop");
    }
  }

  void learn(const RowTable& table, TableStepContext& context) override {
    bounds_.clear();
    const auto names = chosen_columns(table, options_.columns, {ColumnKind::kNumber}, where_);
    for (const std::string& name : names) {
      const RowColumn& column = column_at(table, name, where_);
      expect_numbers(column, "finding outliers", where_);
      if (column.kind == ColumnKind::kDate && options_.action == "clip" && !column.date_format.empty()) {
        throw Error(ErrorKind::kUsage, "the dates of column '" + name + "' are written as " + column.date_format, where_,
                    "put formats: {columns: [" + name + "], as: date, dates: ['" + column.date_format + "']} before");
      }
      if (!forested()) {
        learn_bounds(table, column, context.report);
      }
    }
    if (forested()) {
      forest_.learn(table, names, context);
    }
  }

  void apply(RowTable& table, TableStepContext& context) const override {
    if (forested()) {
      apply_forest(table, context);
      return;
    }
    for (const auto& [name, bounds] : bounds_) {
      apply_bounds(table, column_at(table, name, where_), bounds, context.report);
    }
  }

  nlohmann::json learnt(const fs::path& dir) const override {
    if (forested()) {
      return forest_.learnt(dir);
    }
    auto json = nlohmann::json::object();
    for (const auto& [name, bounds] : bounds_) {
      json[name] = {bounds.low, bounds.high};
    }
    return {{"bounds", json}};
  }

  void load(const nlohmann::json& learnt, const fs::path& dir) override {
    if (forested()) {
      forest_.load(learnt, dir);
      return;
    }
    for (const auto& [name, bounds] : learnt.at("bounds").items()) {
      bounds_[name] = {bounds.at(0).get<double>(), bounds.at(1).get<double>()};
    }
  }

 private:
  bool forested() const { return options_.by == "isolation_forest"; }

  void learn_bounds(const RowTable& table, const RowColumn& column, TableReport& report) {
    const std::vector<double> sorted = sorted_numbers(row_numbers(table, column));
    const auto bounds = sorted.empty() ? std::nullopt : outlier_bounds(sorted, options_.by, options_.factor);
    if (bounds) {
      bounds_[column.name] = *bounds;
      return;
    }
    const char* why = sorted.empty()                   ? "' has no numbers in the training rows"
                      : sorted.front() == sorted.back() ? "' has one value only"
                                                        : "': half of its values lie so close that any other would be an outlier";
    report.note("column '" + column.name + why + "; no bounds by " + options_.by + ", left alone");
  }

  void apply_bounds(RowTable& table, RowColumn& column, const NumberBounds& bounds, TableReport& report) const {
    const std::vector<double> numbers = value_numbers(table, column);
    const auto text = [&](double bound) {
      return column.kind == ColumnKind::kDate ? date_text(bound) : human_number(bound, 6);
    };
    const std::string above = "above " + text(bounds.high), below = "below " + text(bounds.low);
    if (options_.action == "mark") {
      mark(table, column, bounds, numbers, report);
      return;
    }
    map_values(table, column, report, [&](const Cell&, int32_t code) {
      NewValue to;
      const double number = numbers[static_cast<size_t>(code)];
      if (!(number < bounds.low) && !(number > bounds.high)) {
        return to;
      }
      to.what = number > bounds.high ? above : below;
      to.action = options_.action == "drop"   ? NewValue::Do::kDrop
                  : options_.action == "clip" ? NewValue::Do::kReplace
                                              : NewValue::Do::kMissing;
      if (options_.action == "clip") {
        to.cell = column.value(number_code(column, number > bounds.high ? bounds.high : bounds.low));
        to.what += ", clipped";
      } else if (options_.action == "missing") {
        to.what += ", made missing";
      }
      return to;
    });
  }

  void mark(RowTable& table, const RowColumn& column, const NumberBounds& bounds, const std::vector<double>& numbers,
            TableReport& report) const {
    const std::string what = "outside " + human_number(bounds.low, 6) + " .. " + human_number(bounds.high, 6) + ", marked";
    RowColumn* marks = add_mark_column(table, column.name + "_outlier", report);
    if (marks == nullptr) {
      return;
    }
    const int32_t yes = marks->intern("1", CellType::kNumber);
    for (uint64_t row = 0; row < table.rows; ++row) {
      const int32_t code = column.codes[row];
      const double number = code < 0 ? NAN : numbers[static_cast<size_t>(code)];
      if (table.alive[row] != 0 && (number < bounds.low || number > bounds.high)) {
        marks->codes[row] = yes;
        report.changed(report.reason(column.name, what), table, row, column.value(code).text, column.value(code).text);
      }
    }
  }

  void apply_forest(RowTable& table, TableStepContext& context) const {
    const std::vector<double> scores = forest_.scores(table, context);
    RowColumn* marks = options_.action == "mark" ? add_mark_column(table, "outlier", context.report) : nullptr;
    const int32_t yes = marks == nullptr ? 0 : marks->intern("1", CellType::kNumber);
    for (uint64_t row = 0; row < table.rows; ++row) {
      if (table.alive[row] == 0 || !(scores[row] > forest_.threshold())) {
        continue;
      }
      const std::string score = "score " + human_number(scores[row], 4);
      if (options_.action == "drop") {
        context.report.dropped(context.report.reason("", "isolation_forest: an odd row"), table, row, score);
      } else if (marks != nullptr) {
        marks->codes[row] = yes;
        context.report.changed(context.report.reason("outlier", "isolation_forest: an odd row, marked"), table, row, score, "1");
      }
    }
  }

  OutlierOptions options_;
  std::string where_;
  std::map<std::string, NumberBounds> bounds_;
  OutlierForest forest_;
};

}  // namespace

std::unique_ptr<TableStep> make_outliers_step(const nlohmann::json& options, const std::string& where) {
  return std::make_unique<Outliers>(load_options<OutlierOptions>(options), where);
}
OptionSchema outliers_step_options() { return schema_of<OutlierOptions>(); }

}  // namespace athanor
