#include "athanor/stage/validate_page.h"

#include <map>

#include "athanor/base/format.h"

namespace athanor {

namespace {

std::string number(const nlohmann::json& value) { return value.is_number() ? human_number(value.get<double>()) : "-"; }

std::string interval(const nlohmann::json& score) { return number(score["low"]) + " to " + number(score["high"]); }

void add_warnings(const nlohmann::json& validation, Report& page) {
  ReportSection section{.title = "To look at"};
  for (const auto& warning : validation["warnings"]) {
    section.blocks.push_back(NoteBlock{NoteBlock::Level::kWarning, warning.get<std::string>()});
  }
  if (!section.blocks.empty()) {
    page.sections.push_back(std::move(section));
  }
}

void add_scores(const nlohmann::json& validation, Report& page) {
  ReportSection section{.title = "Scores"};
  TableBlock table{.caption = "", .header = {"recipe", "values", "share", "metric", "mean", "spread", "interval", "interval by", "folds"}};
  for (const auto& score : validation["scores"]) {
    std::string folds;
    for (const auto& value : score["folds"]) {
      folds += (folds.empty() ? "" : ", ") + number(value);
    }
    table.rows.push_back({score.value("recipe", ""), score["values"].empty() ? "" : score["values"].dump(),
                          number(score["share"]), score.value("metric", ""), number(score["mean"]), number(score["deviation"]),
                          interval(score), score.value("interval", ""), folds});
  }
  for (const auto& score : validation["scores"]) {
    if (page.figures.size() < 4) {
      page.figures.push_back({name_of_choice(score) + ": " + score.value("metric", ""), number(score["mean"]), "",
                              interval(score), std::to_string(score["folds"].size()) + " folds"});
    }
  }
  section.blocks.push_back(std::move(table));
  section.blocks.push_back(ParagraphBlock{
      "The interval is that of the corrected resampled t-test (Nadeau and Bengio 2003): folds share their training documents, so "
      "their scores vary less than those of independent data sets would. Of a score that lies between two bounds, such as an accuracy, "
      "it is Wilson's (1927) with as many rows as that test's variance speaks of, which passes no bound."});
  page.sections.push_back(std::move(section));
}

// Nested: which values each outer fold's inner folds chose.
void add_chosen(const nlohmann::json& validation, Report& page) {
  if (validation["chosen"].empty()) {
    return;
  }
  TableBlock table{.caption = "", .header = {"recipe", "repeat", "fold", "values", "mean of the inner folds"}};
  for (const auto& row : validation["chosen"]) {
    table.rows.push_back({row.value("recipe", ""), number(row["repeat"]), number(row["fold"]), row["values"].dump(),
                          number(row["inner"])});
  }
  ReportSection section{.title = "Chosen inside each fold"};
  section.blocks.push_back(std::move(table));
  page.sections.push_back(std::move(section));
}

void add_comparisons(const nlohmann::json& validation, Report& page) {
  if (validation["comparisons"].empty()) {
    return;
  }
  TableBlock table{.caption = "Paired over the same folds", .header = {"a", "b", "metric", "b - a", "interval", "p"}};
  for (const auto& row : validation["comparisons"]) {
    table.rows.push_back({row.value("a", ""), row.value("b", ""), row.value("metric", ""), number(row["difference"]),
                          interval(row), number(row["p"])});
  }
  ReportSection section{.title = "Is one better?"};
  section.blocks.push_back(std::move(table));
  page.sections.push_back(std::move(section));
}

// Mean against x, one series a recipe, where x varies.
void add_curve(const nlohmann::json& validation, const std::string& title, const std::string& x_label, Report& page,
               const std::function<nlohmann::json(const nlohmann::json&)>& x_of) {
  const std::string metric = validation["metrics"][0];
  LineChart chart{.title = title, .y_label = metric, .x_label = x_label};
  BarChart bars{.title = title, .unit = metric, .labels = {}, .values = {}};
  std::map<std::string, std::map<double, double>> lines;
  for (const auto& score : validation["scores"]) {
    const auto x = x_of(score);
    if (score["metric"] != metric || x.is_null() || !score["mean"].is_number()) {
      continue;
    }
    if (x.is_number()) {
      lines[score.value("recipe", "")][x.get<double>()] = score["mean"].get<double>();
    } else {
      bars.labels.push_back(x.is_string() ? x.get<std::string>() : x.dump());
      bars.values.push_back(score["mean"].get<double>());
    }
  }
  ReportSection section{.title = title};
  for (const auto& [name, line] : lines) {
    Series series{.name = name, .x = {}, .y = {}};
    for (const auto& [x, y] : line) {
      series.x.push_back(x);
      series.y.push_back(y);
    }
    if (series.x.size() > 1) {
      chart.series.push_back(std::move(series));
    }
  }
  if (!chart.series.empty()) {
    section.blocks.push_back(ChartBlock{{std::move(chart)}});
  }
  if (bars.labels.size() > 1) {
    section.blocks.push_back(BarBlock{std::move(bars)});
  }
  if (!section.blocks.empty()) {
    page.sections.push_back(std::move(section));
  }
}

}  // namespace

std::string name_of_choice(const nlohmann::json& score) {
  std::string name = score.value("recipe", "");
  for (const auto& [field, value] : score["values"].items()) {
    name += " " + field.substr(field.rfind('.') + 1) + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return score["share"] == 1 ? name : name + " of " + number(score["share"]) + " of the documents";
}

void add_validation(const nlohmann::json& validation, Report& page) {
  add_warnings(validation, page);
  add_scores(validation, page);
  add_comparisons(validation, page);
  add_chosen(validation, page);
  add_curve(validation, "Learning curve", "share of the training part", page,
            [](const nlohmann::json& score) { return score["share"]; });
  const std::string field = validation["values"].empty() ? "" : validation["values"].begin().key();
  add_curve(validation, "Validation curve", field, page, [&](const nlohmann::json& score) {
    return field.empty() || !score["values"].contains(field) ? nlohmann::json() : score["values"][field];
  });
}

}  // namespace athanor
