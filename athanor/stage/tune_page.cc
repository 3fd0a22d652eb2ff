#include "athanor/stage/tune_page.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "athanor/base/error.h"
#include "athanor/base/format.h"

namespace athanor {

namespace {

constexpr size_t kMaxRows = 200;
constexpr size_t kMaxSlices = 12;

std::string word(const nlohmann::json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::string values_text(const nlohmann::json& values) {
  std::string text;
  for (const auto& value : values) {
    text += (text.empty() ? "" : ", ") + (value.is_number() ? human_number(value.get<double>()) : "-");
  }
  return text;
}

std::string params_text(const nlohmann::json& params) {
  std::string text;
  for (const auto& [name, value] : params.items()) {
    text += (text.empty() ? "" : " ") + name + "=" + word(value);
  }
  return text;
}

bool larger_is_better(const nlohmann::json& study) { return study["directions"][0] == "maximize"; }

void add_best(const nlohmann::json& study, Report& page) {
  ReportSection section{.title = "Best"};
  const bool front = study["metrics"].size() > 1;
  TableBlock table{.caption = front ? "The Pareto front: no trial is better in everything" : "",
                   .header = {"trial", "run"}};
  for (const auto& metric : study["metrics"]) {
    table.header.push_back(metric.get<std::string>());
  }
  table.header.push_back("values");
  for (const auto& number : study["best"]) {
    const auto& trial = study_trial(study, number);
    std::vector<std::string> row{std::to_string(number.get<int64_t>()), trial.value("run", "")};
    for (const auto& value : trial["values"]) {
      row.push_back(human_number(value.get<double>()));
    }
    row.push_back(params_text(trial["params"]));
    table.rows.push_back(std::move(row));
  }
  const auto& best = study_trial(study, study["best"][0]);
  if (!front) {
    page.figures.push_back({study["metrics"][0].get<std::string>(), values_text(best["values"]), "", "",
                            "trial " + std::to_string(best["number"].get<int64_t>())});
  }
  page.figures.push_back({"trials", std::to_string(study["num_trials"].get<int64_t>()), "", "",
                          study.value("sampler", "") + ", pruner " + study.value("pruner", "")});
  section.blocks.push_back(std::move(table));
  section.blocks.push_back(TextBlock{"Run it again", study.value("command", "") + "\n", false});
  page.sections.push_back(std::move(section));
}

void add_history(const nlohmann::json& study, Report& page) {
  const bool larger = larger_is_better(study);
  Series each{.name = "trial", .x = {}, .y = {}, .smooth = false};
  Series best{.name = "best so far", .x = {}, .y = {}, .smooth = false};
  for (const auto& trial : study["trials"]) {
    if (trial["state"] != "complete") {
      continue;
    }
    const double value = trial["values"][0];
    each.x.push_back(trial["number"].get<double>());
    each.y.push_back(value);
    const double before = best.y.empty() ? value : best.y.back();
    best.x.push_back(each.x.back());
    best.y.push_back(larger ? std::max(before, value) : std::min(before, value));
  }
  LineChart chart{.title = "Every trial, and the best so far", .y_label = study["metrics"][0].get<std::string>(), .x_label = "trial"};
  chart.series = {each, best};
  ReportSection section{.title = "History"};
  section.blocks.push_back(ChartBlock{{chart}});
  if (study["num_trials"] > study["trials"].size()) {
    section.blocks.push_back(TextBlock{"A sample", "This page shows the best and " + std::to_string(study["trials"].size()) +
                                       " of the trials; study.json has all.\n", false});
  }
  LineChart ways{.title = "Values on the way", .y_label = study["metrics"][0].get<std::string>(), .x_label = "step"};
  for (const auto& trial : study["trials"]) {
    Series way{.name = ways.series.size() < 8 ? "trial " + std::to_string(trial["number"].get<int64_t>()) : "", .x = {}, .y = {}};
    for (const auto& step : trial["steps"]) {
      way.x.push_back(step[0].get<double>());
      way.y.push_back(step[1].is_number() ? step[1].get<double>() : std::nan(""));
    }
    if (way.x.size() > 1 && ways.series.size() < 50) {
      ways.series.push_back(std::move(way));
    }
  }
  if (!ways.series.empty()) {
    section.blocks.push_back(ChartBlock{{ways}});
  }
  page.sections.push_back(std::move(section));
}

void add_importance(const nlohmann::json& study, Report& page) {
  std::vector<std::pair<double, std::string>> shares;
  for (const auto& [name, share] : study["importance"].items()) {
    shares.emplace_back(share.get<double>(), name);
  }
  std::sort(shares.rbegin(), shares.rend());
  if (shares.empty() || shares[0].first <= 0) {
    return;
  }
  BarChart chart{.title = "Share in being among the best tenth (PED-ANOVA)", .unit = "%", .labels = {}, .values = {}};
  for (const auto& [share, name] : shares) {
    chart.labels.push_back(name);
    chart.values.push_back(100 * share);
  }
  ReportSection section{.title = "What mattered"};
  section.blocks.push_back(BarBlock{std::move(chart)});
  page.sections.push_back(std::move(section));
}

// One field's values against the metric: a running mean over numbers, the mean of each choice.
void add_slice(const nlohmann::json& study, const std::string& name, ReportSection& section) {
  std::vector<std::pair<double, double>> points;
  std::map<std::string, std::pair<double, int>> choices;
  const bool choice = study["space"][name].contains("choice");
  for (const auto& trial : study["trials"]) {
    if (trial["state"] != "complete" || !trial["params"].contains(name)) {
      continue;
    }
    const auto& value = trial["params"][name];
    const double metric = trial["values"][0];
    if (choice || !value.is_number()) {
      choices[word(value)].first += metric;
      choices[word(value)].second += 1;
    } else {
      points.emplace_back(value.get<double>(), metric);
    }
  }
  if (!choices.empty()) {
    BarChart chart{.title = name + ": mean by choice", .unit = "", .labels = {}, .values = {}};
    for (const auto& [label, sum] : choices) {
      chart.labels.push_back(label + " (" + std::to_string(sum.second) + ")");
      chart.values.push_back(sum.first / sum.second);
    }
    section.blocks.push_back(BarBlock{std::move(chart)});
  }
  if (points.size() < 3) {
    return;
  }
  std::sort(points.begin(), points.end());
  Series series{.name = name, .x = {}, .y = {}, .smooth = true};
  for (const auto& [x, y] : points) {
    series.x.push_back(x);
    series.y.push_back(y);
  }
  const auto& space = study["space"][name];
  LineChart chart{.title = name, .y_label = study["metrics"][0].get<std::string>(), .x_label = name};
  chart.series = {std::move(series)};
  chart.log_x = space.contains("log") && space["log"] != false;
  section.blocks.push_back(ChartBlock{{std::move(chart)}});
}

void add_slices(const nlohmann::json& study, Report& page) {
  ReportSection section{.title = "Field by field"};
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [name, share] : study["importance"].items()) {
    order.emplace_back(-share.get<double>(), name);
  }
  std::sort(order.begin(), order.end());
  for (size_t i = 0; i < std::min(kMaxSlices, order.size()); ++i) {
    add_slice(study, order[i].second, section);
  }
  if (!section.blocks.empty()) {
    page.sections.push_back(std::move(section));
  }
}

void add_trials(const nlohmann::json& study, Report& page) {
  std::vector<const nlohmann::json*> order;
  for (const auto& trial : study["trials"]) {
    order.push_back(&trial);
  }
  const double sign = larger_is_better(study) ? -1 : 1;
  const auto rank = [&](const nlohmann::json& trial) {
    const int state = trial["state"] == "complete" ? 0 : trial["state"] == "pruned" ? 1 : 2;
    const auto& values = trial["values"];
    return std::make_pair(state, state < 2 && !values.empty() && values[0].is_number() ? sign * values[0].get<double>() : 0.0);
  };
  std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) { return rank(*a) < rank(*b); });
  TableBlock table{.caption = order.size() > kMaxRows ? "The best " + std::to_string(kMaxRows) : "",
                   .header = {"trial", "state", "value", "steps", "values", "run"}};
  for (size_t i = 0; i < std::min(kMaxRows, order.size()); ++i) {
    const auto& trial = *order[i];
    const std::string steps = trial["steps"].empty() ? "" : std::to_string(trial["steps"].back()[0].get<int64_t>());
    table.rows.push_back({std::to_string(trial["number"].get<int64_t>()), trial.value("state", ""), values_text(trial["values"]),
                          steps, params_text(trial["params"]),
                          trial.contains("error") ? trial["error"].get<std::string>() : trial.value("run", "")});
  }
  ReportSection section{.title = "Trials"};
  section.blocks.push_back(std::move(table));
  page.sections.push_back(std::move(section));
}

}  // namespace

const nlohmann::json& study_trial(const nlohmann::json& study, int64_t number) {
  const auto& trials = study["trials"];
  const auto found = std::find_if(trials.begin(), trials.end(), [&](const auto& trial) { return trial["number"] == number; });
  if (found == trials.end()) {
    throw Error(ErrorKind::kInternal, "the study does not show trial " + std::to_string(number));
  }
  return *found;
}

void add_study(const nlohmann::json& study, Report& page) {
  add_best(study, page);
  add_history(study, page);
  add_importance(study, page);
  add_slices(study, page);
  add_trials(study, page);
}

}  // namespace athanor
