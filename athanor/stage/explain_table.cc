#include "athanor/stage/explain_table.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/classic/ensembles/partial_dependence.h"
#include "athanor/classic/ensembles/permutation_importance.h"
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

BarBlock bars(const TableEstimator& estimator, const std::vector<double>& values, const std::string& title, const std::string& unit) {
  BarChart chart{.title = title, .unit = unit};
  for (const size_t column : largest_first(values)) {
    if (chart.labels.size() < kMostFeatures && values[column] > 0) {
      chart.labels.push_back(feature_name(estimator, column));
      chart.values.push_back(values[column]);
    }
  }
  return {chart};
}

std::vector<double> add_importance(const TableEstimator& estimator, const Matrix& features, const Target& target, uint64_t seed,
                                   ThreadPool& pool, ReportSection& section, nlohmann::json& out) {
  const auto losses = permutation_importance(estimator.model(), features, target, usual_score, {.seed = seed}, pool);
  std::vector<double> means;
  for (const FeatureLoss& loss : losses) {
    means.push_back(loss.mean);
  }
  out["importance"] = nlohmann::json::array();
  for (const size_t column : largest_first(means)) {
    if (out["importance"].size() < 100) {
      out["importance"].push_back({{"feature", feature_name(estimator, column)}, {"mean", losses[column].mean}, {"spread", losses[column].spread}});
    }
  }
  section.blocks.push_back(bars(estimator, means, "How much worse it gets when a feature is shuffled",
                                target.task == Task::kRegression ? "R2" : "accuracy"));
  return means;
}

void add_dependence(const TableEstimator& estimator, const Matrix& features, const std::vector<double>& importance, uint64_t seed,
                    ThreadPool& pool, ReportSection& section, nlohmann::json& out) {
  ChartBlock block;
  const auto& labels = estimator.labels();
  for (const size_t column : largest_first(importance)) {
    if (block.charts.size() == kMostCurves) {
      break;
    }
    PartialDependence found;
    try {
      found = partial_dependence(estimator.model(), features, {column}, {.seed = seed}, pool);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kInput) {
        throw;
      }
      continue;  // a feature without values
    }
    LineChart chart{.title = feature_name(estimator, column), .y_label = "mean answer", .x_label = feature_name(estimator, column)};
    auto& told = out["dependence"][feature_name(estimator, column)];
    told["values"] = found.grid[0];
    const uint64_t first = labels.size() == 2 ? 1 : 0;  // of two labels one tells the other
    for (uint64_t output = first; output < std::min<uint64_t>(found.mean.columns, first + kMostCurves); ++output) {
      Series series{.name = output < labels.size() ? labels[output] : "answer"};
      for (uint64_t point = 0; point < found.mean.rows; ++point) {
        series.x.push_back(found.grid[0][point]);
        series.y.push_back(found.mean.at(point, output));
      }
      told[series.name] = series.y;
      chart.series.push_back(std::move(series));
    }
    block.charts.push_back(std::move(chart));
  }
  if (!block.charts.empty()) {
    section.blocks.push_back(std::move(block));
  }
}

void add_shap(const TableEstimator& estimator, const Matrix& features, ThreadPool& pool, ReportSection& section, nlohmann::json& out) {
  const TreeModel* trees = trees_of(estimator);
  if (trees == nullptr) {
    throw Error(ErrorKind::kUsage, "SHAP values are told of trees, and '" + estimator.spec().kind + "' has none", "evaluate.explain",
                "explain: [importance, dependence] works for any model");
  }
  std::vector<uint64_t> rows(std::min<uint64_t>(features.rows, kShapRows));
  std::iota(rows.begin(), rows.end(), uint64_t{0});
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
  section.blocks.push_back(bars(estimator, means, "What each feature adds to an answer, in the mean (SHAP)", ""));
}

}  // namespace

nlohmann::json explain_estimator(const TableEstimator& estimator, const Matrix& features, const Target& target,
                                 const std::vector<std::string>& what, uint64_t seed, ThreadPool& pool, Report& page) {
  auto out = nlohmann::json::object();
  ReportSection section{.title = "Why it answers so"};
  std::vector<double> importance;
  if ((asks(what, "importance") || asks(what, "dependence")) && target.rows() > 0) {
    importance = add_importance(estimator, features, target, seed, pool, section, out);
  }
  if (asks(what, "dependence")) {
    add_dependence(estimator, features, importance, seed, pool, section, out);
  }
  if (asks(what, "shap")) {
    add_shap(estimator, features, pool, section, out);
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
