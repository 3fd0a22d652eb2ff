#include "athanor/stage/table_scores.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "athanor/base/format.h"
#include "athanor/metric/clusters.h"
#include "athanor/metric/curves.h"

namespace athanor {

namespace {

constexpr size_t kMostInMatrix = 30;
constexpr size_t kMostCurves = 6;
constexpr size_t kMostBars = 25;
constexpr size_t kMostPoints = 2000;

ClassAnswers class_answers(const Target& target, const TableAnswers& answers) {
  ClassAnswers out{.labels = target.labels, .truth = target.classes, .answer = answers.classes, .probabilities = {},
                   .weights = {}};
  out.probabilities = answers.scores.values;
  out.only_order = !answers.probabilities;
  return out;
}

// How right an order is: an odd row should have the higher score.
std::vector<Score> anomaly_scores(const Target& target, const TableAnswers& answers, const ScoreOptions& options,
                                  ThreadPool& pool) {
  if (target.classes.size() != answers.values.size() || target.labels.size() != 2) {
    return {};
  }
  const auto [low, high] = std::minmax_element(answers.values.begin(), answers.values.end());
  ClassAnswers as_classes{.labels = target.labels, .truth = target.classes, .answer = answers.classes, .probabilities = {},
                          .weights = {}};
  for (const double value : answers.values) {  // only the order counts for auc and average precision
    const double p = *high > *low ? (value - *low) / (*high - *low) : 0.5;
    as_classes.probabilities.push_back(1 - p);
    as_classes.probabilities.push_back(p);
  }
  std::vector<Score> scores = class_scores(as_classes, options, pool);
  std::erase_if(scores, [](const Score& score) {
    return score.name == "log_loss" || score.name == "brier" || score.name == "calibration_error";
  });
  return scores;
}

std::vector<uint8_t> marks_of(const Target& target, int32_t label) {
  std::vector<uint8_t> truth;
  for (const int32_t value : target.classes) {
    truth.push_back(value == label ? 1 : 0);
  }
  return truth;
}

TableBlock confusion_block(const Target& target, const TableAnswers& answers) {
  const size_t labels = target.labels.size();
  std::vector<std::vector<int64_t>> counts(labels, std::vector<int64_t>(labels, 0));
  for (uint64_t row = 0; row < target.rows(); ++row) {
    ++counts[static_cast<size_t>(target.classes[row])][static_cast<size_t>(answers.classes[row])];
  }
  TableBlock block{.caption = "What was answered (columns) where what was true (rows)"};
  block.header = {"true \\ answered"};
  block.header.insert(block.header.end(), target.labels.begin(), target.labels.end());
  for (size_t truth = 0; truth < labels; ++truth) {
    std::vector<std::string> cells = {target.labels[truth]};
    for (const int64_t count : counts[truth]) {
      cells.push_back(grouped_integer(count));
    }
    block.rows.push_back(std::move(cells));
  }
  return block;
}

ChartBlock curves_block(const Target& target, const TableAnswers& answers) {
  LineChart roc{.title = "ROC", .y_label = "true positive rate", .x_label = "false positive rate"};
  LineChart precision{.title = "Precision and recall", .y_label = "precision", .x_label = "recall"};
  LineChart reliability{.title = "Reliability", .y_label = "share that is true", .x_label = "probability answered"};
  const size_t labels = target.labels.size();
  const size_t first = labels == 2 ? 1 : 0;
  for (size_t label = first; label < std::min(labels, first + kMostCurves); ++label) {
    std::vector<double> scores;
    for (uint64_t row = 0; row < answers.scores.rows; ++row) {
      scores.push_back(answers.scores.at(row, label));
    }
    const auto truth = marks_of(target, static_cast<int32_t>(label));
    const auto add = [&](LineChart& chart, Curve curve) {
      chart.series.push_back({.name = target.labels[label], .x = std::move(curve.x), .y = std::move(curve.y)});
    };
    add(roc, roc_curve(scores, truth));
    add(precision, precision_recall_curve(scores, truth));
    if (answers.probabilities) {
      add(reliability, reliability_curve(scores, truth));
    }
  }
  roc.series.push_back({.name = "by chance", .x = {0, 1}, .y = {0, 1}});
  ChartBlock block{{roc, precision}};
  if (!reliability.series.empty()) {
    reliability.series.push_back({.name = "ideal", .x = {0, 1}, .y = {0, 1}});
    block.charts.push_back(reliability);
  }
  return block;
}

// The mean answer over rows in the order of their truth.
ChartBlock fit_block(const Target& target, const TableAnswers& answers) {
  std::vector<size_t> order(target.values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return target.values[a] < target.values[b]; });
  Series answered{.name = "answered", .smooth = true};
  Series truth{.name = "true"};
  const size_t step = std::max<size_t>(1, order.size() / kMostPoints);
  for (size_t i = 0; i < order.size(); i += step) {
    answered.x.push_back(target.values[order[i]]);
    answered.y.push_back(answers.values[order[i]]);
    truth.x.push_back(target.values[order[i]]);
    truth.y.push_back(target.values[order[i]]);
  }
  LineChart chart{.title = "Answers over truth", .y_label = "answer", .x_label = "truth"};
  chart.series = {answered, truth};
  return ChartBlock{{chart}};
}

bool is_share(const std::string& name) { return name.find("accuracy") != std::string::npos; }

std::string value_text(const Score& score, double value) {
  return is_share(score.name) ? fixed_number(100 * value, 1) + " %" : human_number(value, 4);
}

std::string readable(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

}  // namespace

std::vector<Score> scores_of(const Target& target, const TableAnswers& answers, const ScoreOptions& options, ThreadPool& pool,
                             const Matrix* features) {
  switch (target.task) {
    case Task::kClasses:
      return class_scores(class_answers(target, answers), options, pool);
    case Task::kMultiLabel:
      return label_set_scores({.labels = target.labels, .truth = target.marks, .answer = answers.marks}, options, pool);
    case Task::kRegression:
      return number_scores({.truth = target.values, .answer = answers.values, .weights = {}}, options, pool);
    case Task::kAnomaly:
      return anomaly_scores(target, answers, options, pool);
    case Task::kClusters:
      break;
  }
  std::vector<Score> scores;
  const auto add = [&](const char* name, double value) {
    if (std::isfinite(value)) {
      Score score;
      score.name = name;
      score.value = value;
      scores.push_back(score);
    }
  };
  const std::set<int32_t> clusters(answers.classes.begin(), answers.classes.end());
  const auto noise = std::count_if(answers.classes.begin(), answers.classes.end(), [](int32_t cluster) { return cluster < 0; });
  add("clusters", static_cast<double>(clusters.size()) - (noise > 0 ? 1 : 0));
  add("noise_rows", static_cast<double>(noise));  // in no cluster; the silhouette leaves them out
  scores.back().higher_is_better = false;
  if (features != nullptr && !features->is_sparse) {
    add("silhouette", silhouette(features->values, features->columns, answers.classes, pool, options.seed));
  }
  if (target.classes.size() == answers.classes.size() && !target.classes.empty()) {
    add("adjusted_rand", adjusted_rand(target.classes, answers.classes));
    add("normalized_mutual_information", normalized_mutual_information(target.classes, answers.classes));
  }
  return scores;
}

std::string empty_sets_warning(const Target& target, const TableAnswers& answers) {
  const size_t labels = target.labels.size();
  if (target.task != Task::kMultiLabel || labels == 0) {
    return "";
  }
  int64_t empty = 0;
  for (size_t at = 0; at + labels <= std::min(target.marks.size(), answers.marks.size()); at += labels) {
    bool any = false;
    for (size_t label = at; label < at + labels; ++label) {
      any = any || target.marks[label] != 0 || answers.marks[label] != 0;
    }
    empty += any ? 0 : 1;
  }
  return empty == 0 ? "" : grouped_integer(empty) + " of " + grouped_integer(static_cast<int64_t>(target.marks.size() / labels)) +
                               " rows have no label and got none: jaccard counts them as 0 (as scikit-learn does), "
                               "subset_accuracy as right";
}

std::string scores_line(const std::vector<Score>& scores) {
  std::string line;
  for (const char* name : {"accuracy", "subset_accuracy", "auc", "f1_macro", "rmse", "mae", "r2", "clusters", "noise_rows", "silhouette", "adjusted_rand"}) {
    const Score* score = find_score(scores, name);
    if (score != nullptr && !(score->name == "noise_rows" && score->value == 0)) {
      line += (line.empty() ? "" : ", ") + (score->name == "auc" ? "AUC" : score->name == "rmse" ? "RMSE" : score->name == "mae" ? "MAE" : score->name == "r2" ? "R2" : readable(score->name)) +
              " " + value_text(*score, score->value);
      if (std::isfinite(score->low) && line.find('(') == std::string::npos) {
        line += " (" + value_text(*score, score->low) + " to " + value_text(*score, score->high) + ")";
      }
    }
  }
  return line;
}

TableBlock scores_block(const std::string& caption, const std::vector<Score>& scores) {
  TableBlock block{.caption = caption, .header = {"score", "value", "95 % from", "to", "interval by"}};
  for (const Score& score : scores) {
    const bool interval = std::isfinite(score.low);
    block.rows.push_back({readable(score.name) + (score.higher_is_better ? "" : " (less is better)"), human_number(score.value, 5),
                          interval ? human_number(score.low, 5) : "", interval ? human_number(score.high, 5) : "",
                          !interval ? "" : score.replicas == 0 ? "Wilson" : "bootstrap, " + grouped_integer(score.replicas) + " draws"});
  }
  return block;
}

void add_figures(const std::vector<Score>& scores, const std::string& how, Report& page) {
  for (const char* name : {"accuracy", "subset_accuracy", "auc", "f1_macro", "rmse", "r2", "silhouette"}) {
    if (const Score* score = find_score(scores, name)) {
      const std::string spread =
          std::isfinite(score->low) ? "95 %: " + value_text(*score, score->low) + " to " + value_text(*score, score->high) : "";
      page.figures.push_back({readable(name), value_text(*score, score->value), "", spread, how});
    }
  }
}

std::vector<ReportBlock> answer_blocks(const Target& target, const TableAnswers& answers) {
  std::vector<ReportBlock> blocks;
  if (target.task == Task::kRegression) {
    blocks.push_back(fit_block(target, answers));
  }
  if (target.task == Task::kClasses && target.labels.size() <= kMostInMatrix) {
    blocks.push_back(confusion_block(target, answers));
  }
  if (target.task == Task::kClasses && answers.scores.columns == target.labels.size()) {
    blocks.push_back(curves_block(target, answers));
  }
  return blocks;
}

nlohmann::json importances_json(const TableEstimator& estimator, size_t most) {
  std::string what;
  const std::vector<double> values = estimator.model().importances(&what);
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] > values[b]; });
  auto list = nlohmann::json::array();
  const auto& names = estimator.feature_names();
  for (const size_t i : order) {
    if (list.size() == most || values[i] <= 0) {
      break;
    }
    list.push_back({{"feature", i < names.size() ? names[i] : "column " + std::to_string(i)}, {"importance", values[i]}});
  }
  return list.empty() ? nlohmann::json(nullptr) : nlohmann::json{{"what", what}, {"largest", list}};
}

std::vector<ReportBlock> importance_blocks(const TableEstimator& estimator) {
  const nlohmann::json found = importances_json(estimator, kMostBars);
  if (found.is_null()) {
    return {};
  }
  BarChart chart{.title = "What the model leans on: " + found["what"].get<std::string>()};
  for (const auto& one : found["largest"]) {
    chart.labels.push_back(one["feature"]);
    chart.values.push_back(one["importance"]);
  }
  return {BarBlock{chart}};
}

std::vector<ReportBlock> description_blocks(const nlohmann::json& description) {
  std::vector<ReportBlock> blocks;
  KeyValueBlock plain{.caption = "The model"};
  for (const auto& [key, value] : description.items()) {
    if (value.is_string() && value.get_ref<const std::string&>().find('\n') != std::string::npos) {
      blocks.push_back(TextBlock{readable(key), value.get<std::string>(), true});
    } else if (value.is_primitive()) {
      plain.items.push_back({readable(key), value.is_string() ? value.get<std::string>()
                                            : value.is_number_float() ? human_number(value.get<double>(), 6)
                                                                      : value.dump(), ""});
    } else {
      blocks.push_back(TextBlock{readable(key), value.dump(1), true});
    }
  }
  if (!plain.items.empty()) {
    blocks.insert(blocks.begin(), plain);
  }
  return blocks;
}

}  // namespace athanor
