#include "athanor/stage/explain_table.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/classic/partial_dependence.h"
#include "athanor/classic/permutation_importance.h"
#include "athanor/classic/trees/shap.h"
#include "athanor/classic/trees/tree_text.h"

namespace athanor {

namespace {

constexpr size_t kMostFeatures = 25;
constexpr size_t kMostCurves = 6;
constexpr size_t kMostReasons = 5;
constexpr uint64_t kShapRows = 2000;
constexpr int kDrawnDepth = 3;  // eight boxes side by side

const TreeModel* trees_of(const TableEstimator& estimator) { return dynamic_cast<const TreeModel*>(&estimator.model()); }

std::string feature_name(const TableEstimator& estimator, uint64_t column) {
  const auto& names = estimator.feature_names();
  return column < names.size() ? names[column] : "column " + std::to_string(column);
}

std::vector<size_t> largest_first(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] > values[b]; });
  return order;
}

bool asks(const std::vector<std::string>& what, const char* part) { return std::find(what.begin(), what.end(), part) != what.end(); }

BarBlock bars(const std::vector<std::string>& names, const std::vector<double>& values, const std::string& title, const std::string& unit) {
  BarChart chart{.title = title, .unit = unit, .labels = {}, .values = {}};
  for (const size_t place : largest_first(values)) {
    if (chart.labels.size() < kMostFeatures && values[place] > 0) {
      chart.labels.push_back(names[place]);
      chart.values.push_back(values[place]);
    }
  }
  return {chart};
}

// The columns, those that matter most first.
std::vector<ExplainedColumn> add_importance(const TableEstimator& estimator, const Table& table, const Target& target,
                                            uint64_t seed, ThreadPool& pool, ReportSection& section, nlohmann::json& out) {
  const auto losses = permutation_importance(estimator, table, target, usual_score, {.seed = seed}, pool);
  std::vector<double> means;
  std::vector<std::string> names;
  for (const ColumnLoss& loss : losses) {
    means.push_back(loss.mean);
    names.push_back(loss.column.name);
  }
  out["importance"] = nlohmann::json::array();
  std::vector<ExplainedColumn> columns;
  for (const size_t place : largest_first(means)) {
    columns.push_back(losses[place].column);
    if (out["importance"].size() < 100) {
      out["importance"].push_back({{"column", names[place]}, {"mean", losses[place].mean}, {"spread", losses[place].spread}});
    }
  }
  section.blocks.push_back(bars(names, means, "How much worse it gets when a column is shuffled",
                                target.task == Task::kRegression ? "R2" : "accuracy"));
  return columns;
}

// What the outputs that a page has room for are called; of two labels one tells the other.
std::vector<std::pair<uint64_t, std::string>> told_outputs(const TableEstimator& estimator, uint64_t outputs) {
  const auto& labels = estimator.labels();
  const uint64_t first = labels.size() == 2 ? 1 : 0;
  std::vector<std::pair<uint64_t, std::string>> out;
  for (uint64_t output = first; output < std::min<uint64_t>(outputs, first + kMostCurves); ++output) {
    out.emplace_back(output, output < labels.size() ? labels[output] : "answer");
  }
  return out;
}

LineChart dependence_chart(const std::string& column, const PartialDependence& found, const std::vector<std::pair<uint64_t, std::string>>& outputs) {
  LineChart chart{.title = column, .y_label = "mean answer", .x_label = column, .series = {}};
  for (const auto& [output, name] : outputs) {
    Series series{.name = name, .x = found.grid[0], .y = {}};
    for (uint64_t point = 0; point < found.mean.rows; ++point) {
      series.y.push_back(found.mean.at(point, output));
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

TableBlock dependence_table(const std::string& column, const PartialDependence& found, const std::vector<std::pair<uint64_t, std::string>>& outputs) {
  TableBlock block{.caption = column + ": the mean answer of each", .header = {column}, .rows = {}};
  for (const auto& [output, name] : outputs) {
    block.header.push_back(name);
  }
  for (uint64_t point = 0; point < found.mean.rows; ++point) {
    std::vector<std::string> cells = {found.names[0][point]};
    for (const auto& [output, name] : outputs) {
      cells.push_back(human_number(found.mean.at(point, output), 4));
    }
    block.rows.push_back(std::move(cells));
  }
  return block;
}

void add_dependence(const TableEstimator& estimator, const Table& table, const std::vector<ExplainedColumn>& columns, uint64_t seed,
                    ThreadPool& pool, ReportSection& section, nlohmann::json& out) {
  ChartBlock curves;
  std::vector<TableBlock> of_categories;
  for (const ExplainedColumn& column : columns) {
    if (curves.charts.size() + of_categories.size() == kMostCurves) {
      break;
    }
    PartialDependence found;
    try {
      found = partial_dependence(estimator, table, {column}, {.seed = seed}, pool);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kInput && error.kind() != ErrorKind::kUsage) {
        throw;
      }
      continue;  // a column without values, or of texts
    }
    const auto outputs = told_outputs(estimator, found.mean.columns);
    auto& told = out["dependence"][column.name];
    told["values"] = found.names[0].empty() ? nlohmann::json(found.grid[0]) : nlohmann::json(found.names[0]);
    const LineChart chart = dependence_chart(column.name, found, outputs);
    for (const Series& series : chart.series) {
      told[series.name] = series.y;
    }
    if (found.names[0].empty()) {
      curves.charts.push_back(chart);
    } else {
      of_categories.push_back(dependence_table(column.name, found, outputs));
    }
  }
  if (!curves.charts.empty()) {
    section.blocks.push_back(std::move(curves));
  }
  for (TableBlock& block : of_categories) {
    section.blocks.push_back(std::move(block));
  }
}

void add_shap(const TableEstimator& estimator, const Matrix& features, uint64_t seed, ThreadPool& pool, ReportSection& section, nlohmann::json& out) {
  const TreeModel* trees = trees_of(estimator);
  if (trees == nullptr) {
    throw Error(ErrorKind::kUsage, "SHAP values are told of trees, and '" + estimator.spec().kind + "' has none", "evaluate.explain",
                "explain: [importance, dependence] works for any model");
  }
  const auto rows = sampled_rows(features.rows, kShapRows, seed);
  const Contributions found = tree_contributions(*trees, take_rows(features, rows), pool);
  std::vector<double> means(features.columns, 0.0);
  for (const Matrix& output : found.of_output) {
    for (uint64_t row = 0; row < output.rows; ++row) {
      for (uint64_t column = 0; column < features.columns; ++column) {
        means[column] += std::abs(output.at(row, column)) / static_cast<double>(output.rows * found.of_output.size());
      }
    }
  }
  out["shap"] = nlohmann::json::array();
  for (const size_t column : largest_first(means)) {
    if (out["shap"].size() < 100) {
      out["shap"].push_back({{"feature", feature_name(estimator, column)}, {"mean", means[column]}});
    }
  }
  out["shap_rows"] = rows.size();
  std::vector<std::string> names;
  for (size_t column = 0; column < means.size(); ++column) {
    names.push_back(feature_name(estimator, column));
  }
  const std::string over = rows.size() == features.rows
                               ? "all " + grouped_integer(static_cast<int64_t>(rows.size())) + " rows"
                               : "a sample of " + grouped_integer(static_cast<int64_t>(rows.size())) + " of " +
                                     grouped_integer(static_cast<int64_t>(features.rows)) + " rows";
  section.blocks.push_back(bars(names, means, "What each feature adds to an answer (SHAP), the mean over " + over, ""));
}

}  // namespace

nlohmann::json explain_estimator(const TableEstimator& estimator, const Table& table, const Matrix& features, const Target& target,
                                 const std::vector<std::string>& what, uint64_t seed, ThreadPool& pool, Report& page) {
  auto out = nlohmann::json::object();
  ReportSection section{.title = "Why it answers so"};
  std::vector<ExplainedColumn> columns;
  if ((asks(what, "importance") || asks(what, "dependence")) && target.rows() > 0) {
    columns = add_importance(estimator, table, target, seed, pool, section, out);
  }
  if (asks(what, "dependence")) {
    add_dependence(estimator, table, columns, seed, pool, section, out);
  }
  if (asks(what, "shap")) {
    add_shap(estimator, features, seed, pool, section, out);
  }
  if (!section.blocks.empty()) {
    page.sections.push_back(std::move(section));
  }
  return out;
}

std::vector<std::string> reasons_of_rows(const TableEstimator& estimator, const Matrix& features, const TableAnswers& answers,
                                         ThreadPool& pool) {
  const TreeModel* trees = trees_of(estimator);
  if (trees == nullptr) {
    throw Error(ErrorKind::kUsage, "reasons of single rows are told of trees, and '" + estimator.spec().kind + "' has none", "predict.explain",
                "kind: boosting, forest or tree");
  }
  const Contributions found = tree_contributions(*trees, features, pool);
  std::vector<std::string> out;
  for (uint64_t row = 0; row < features.rows; ++row) {
    const size_t answered = answers.classes.empty() ? 0 : static_cast<size_t>(answers.classes[row]);
    const bool one_of_two = found.of_output.size() == 1 && estimator.labels().size() == 2;
    const Matrix& output = found.of_output[std::min(answered, found.of_output.size() - 1)];
    const double sign = one_of_two && answered == 0 ? -1 : 1;  // the only output speaks for the second label
    std::vector<double> sizes;
    for (uint64_t column = 0; column < features.columns; ++column) {
      sizes.push_back(std::abs(output.at(row, column)));
    }
    std::string text;
    size_t told = 0;
    for (const size_t column : largest_first(sizes)) {
      if (told++ == kMostReasons || sizes[column] == 0) {
        break;
      }
      const double value = sign * output.at(row, column);
      text += (text.empty() ? "" : ", ") + feature_name(estimator, column) + (value < 0 ? " -" : " +") + human_number(std::abs(value), 3);
    }
    out.push_back(std::move(text));
  }
  return out;
}

std::vector<ReportBlock> tree_blocks(const TableEstimator& estimator) {
  const TreeModel* model = trees_of(estimator);
  if (model == nullptr || estimator.spec().kind != "tree") {
    return {};
  }
  const TreeSet& trees = model->trees();
  const bool says_labels = trees.width == estimator.labels().size();
  const int depth = std::min(trees.depth_of(0), kDrawnDepth);
  const std::string caption = depth < trees.depth_of(0)
                                  ? "The first " + std::to_string(depth) + " of " + std::to_string(trees.depth_of(0)) +
                                        " levels of the tree; to the left where the answer is yes"
                                  : "The tree; to the left where the answer is yes";
  return {PictureBlock{caption, tree_svg(trees, 0, estimator.feature_names(),
                                         says_labels ? estimator.labels() : std::vector<std::string>{}, {.max_depth = depth})}};
}

}  // namespace athanor
