// evaluate with an estimator of tables: scores with intervals, slices, mistakes, and a comparison with another estimator.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/nearest.h"
#include "athanor/classic/table_estimator.h"
#include "athanor/metric/paired.h"
#include "athanor/stage/explain_table.h"
#include "athanor/stage/predict_table.h"
#include "athanor/stage/table_rows.h"
#include "athanor/stage/table_scores.h"

namespace athanor {

namespace {

constexpr size_t kMostSlices = 20;      // values of a column
constexpr size_t kMostMistakes = 20;
constexpr size_t kFewRows = 5;          // a slice of fewer says nothing
constexpr size_t kNearest = 3;
constexpr uint64_t kMostTrainingRows = 200'000;

struct Judged {
  TableEstimator estimator;
  TableRows rows;
  Matrix features;
  TableAnswers answers;
  std::vector<Score> scores;
};

std::string cell_text(const TableColumn& column, uint64_t row) {
  switch (column.kind) {
    case ColumnKind::kCategory:
      return column.codes[row] < 0 ? "" : column.levels[static_cast<size_t>(column.codes[row])];
    case ColumnKind::kNumber:
    case ColumnKind::kDate:
      return std::isnan(column.numbers[row]) ? "" : human_number(column.numbers[row], 6);
    case ColumnKind::kText:
      return column.texts[row].size() > 80 ? column.texts[row].substr(0, 80) + "..." : column.texts[row];
    default:
      return "";
  }
}

std::string row_text(const Table& table, uint64_t row) {
  std::string text;
  for (const auto& column : table.columns) {
    const std::string cell = cell_text(column, row);
    if (!cell.empty() && text.size() < 300) {
      text += (text.empty() ? "" : ", ") + column.name + " " + cell;
    }
  }
  return text;
}

// How wrong each row is: minus the log of the true label's probability, or the squared error.
std::vector<double> losses_of(const Target& target, const TableAnswers& answers) {
  std::vector<double> losses;
  for (uint64_t row = 0; row < target.rows(); ++row) {
    if (target.task == Task::kRegression) {
      losses.push_back((answers.values[row] - target.values[row]) * (answers.values[row] - target.values[row]));
    } else if (answers.probabilities) {
      losses.push_back(-std::log(std::max(1e-15, answers.scores.at(row, static_cast<uint64_t>(target.classes[row])))));
    } else {
      losses.push_back(answers.classes[row] == target.classes[row] ? 0.0 : 1.0);
    }
  }
  return losses;
}

Judged judge(StageContext& context, const EvaluateOptions& options, const fs::path& folder, const Documents& documents,
             const std::string& rejected, ThreadPool& pool) {
  Judged out{.estimator = TableEstimator::open(folder), .rows = {}, .features = {}, .answers = {}, .scores = {}};
  const auto& info = out.estimator.info();
  const TableSchema schema = TableSchema::from_json(info.value("table", nlohmann::json::object()), folder.string());
  TableNotes notes;
  Table table = read_table(documents, schema, notes);
  for (const auto& warning : notes.warnings()) {
    context.warn(warning);
  }
  const std::string field = options.label_field.empty() ? info.value("label_field", "") : options.label_field;
  const Task task = out.estimator.spec().task;
  std::vector<std::vector<std::string>> labels;
  const bool judged_by_classes = task == Task::kAnomaly || task == Task::kClusters;
  if (!judged_by_classes) {
    labels = read_label_lists(documents, field, schema.libsvm);
  }
  RejectLog rejects(context.run.rejected() / rejected);
  out.rows = with_target(std::move(table), documents, labels, task, out.estimator.labels(), rejects);
  if (judged_by_classes && !options.label_field.empty()) {  // a truth to hold clusters or anomalies against
    RejectLog unlabelled(context.run.rejected() / (rejected + "-labels"));
    const TableRows truth = with_target(std::move(out.rows.table), documents, read_label_lists(documents, field, schema.libsvm), Task::kClasses, {}, unlabelled);
    out.rows.table = truth.table;
    out.rows.places = truth.places;
    out.rows.target.classes = truth.target.classes;
    out.rows.target.labels = truth.target.labels;
  }
  out.features = out.estimator.features(out.rows.table, pool);
  out.answers = out.estimator.answers_of(out.features, pool);
  out.scores = scores_of(out.rows.target, out.answers,
                         {.replicas = options.replicas, .seed = static_cast<uint64_t>(options.seed)}, pool, &out.features);
  if (out.scores.empty() && !judged_by_classes) {
    throw Error(ErrorKind::kInput, "no score is defined for these rows", "evaluate.from", "");
  }
  return out;
}

TableAnswers some_answers(const TableAnswers& all, const std::vector<uint64_t>& rows) {
  TableAnswers out;
  out.probabilities = all.probabilities;
  out.scores = take_rows(all.scores, rows);
  for (const uint64_t row : rows) {
    if (!all.classes.empty()) {
      out.classes.push_back(all.classes[row]);
    }
    if (!all.values.empty()) {
      out.values.push_back(all.values[row]);
    }
    for (uint64_t c = 0; !all.marks.empty() && c < all.scores.columns; ++c) {
      out.marks.push_back(all.marks[row * all.scores.columns + c]);
    }
  }
  return out;
}

// Rows by the values of a column; numbers by their quartiles.
std::map<std::string, std::vector<uint64_t>> slices_of(const TableColumn& column, uint64_t rows) {
  std::map<std::string, std::vector<uint64_t>> slices;
  if (column.kind == ColumnKind::kNumber || column.kind == ColumnKind::kDate) {
    std::vector<double> sorted;
    for (const double value : column.numbers) {
      if (!std::isnan(value)) {
        sorted.push_back(value);
      }
    }
    std::sort(sorted.begin(), sorted.end());
    for (uint64_t row = 0; row < rows && !sorted.empty(); ++row) {
      const double value = column.numbers[row];
      if (std::isnan(value)) {
        slices["missing"].push_back(row);
        continue;
      }
      int quarter = 1;
      for (int q = 1; q < 4; ++q) {
        quarter += value > sorted[(sorted.size() - 1) * static_cast<size_t>(q) / 4] ? 1 : 0;
      }
      slices["quarter " + std::to_string(quarter)].push_back(row);
    }
    return slices;
  }
  for (uint64_t row = 0; row < rows; ++row) {
    const std::string cell = cell_text(column, row);
    slices[cell.empty() ? "missing" : cell].push_back(row);
  }
  return slices;
}

nlohmann::json slices_json(const Judged& judged, const std::vector<std::string>& columns, ThreadPool& pool, Report& page) {
  auto all = nlohmann::json::object();
  ReportSection section{.title = "Slices", .intro = "The same scores over parts of the rows."};
  for (const auto& name : columns) {
    const auto slices = slices_of(judged.rows.table.at(name), judged.rows.table.rows);
    TableBlock block{.caption = name, .header = {"rows with", "rows", "scores"}};
    std::vector<std::pair<size_t, std::string>> order;
    for (const auto& [value, rows] : slices) {
      order.emplace_back(rows.size(), value);
    }
    std::sort(order.rbegin(), order.rend());
    for (size_t i = 0; i < std::min(order.size(), kMostSlices) && order[i].first >= kFewRows; ++i) {
      const auto& rows = slices.at(order[i].second);
      const auto scores = scores_of(take_rows(judged.rows.target, rows), some_answers(judged.answers, rows), {.replicas = 200}, pool);
      all[name][order[i].second] = to_json(scores);
      all[name][order[i].second]["rows"] = rows.size();
      block.rows.push_back({order[i].second, grouped_integer(static_cast<int64_t>(rows.size())), scores_line(scores)});
    }
    section.blocks.push_back(std::move(block));
  }
  if (!columns.empty()) {
    page.sections.push_back(std::move(section));
  }
  return all;
}

// One over the variance of each feature, so that all weigh alike in a distance.
std::vector<double> inverse_variances(const Matrix& x) {
  std::vector<double> sums(x.columns, 0.0);
  std::vector<double> squares(x.columns, 0.0);
  for (uint64_t r = 0; r < x.rows; ++r) {
    for (uint64_t c = 0; c < x.columns; ++c) {
      const double value = std::isnan(x.at(r, c)) ? 0 : x.at(r, c);
      sums[c] += value;
      squares[c] += value * value;
    }
  }
  const auto n = static_cast<double>(std::max<uint64_t>(1, x.rows));
  for (uint64_t c = 0; c < x.columns; ++c) {
    squares[c] = 1 / std::max(1e-12, squares[c] / n - sums[c] / n * sums[c] / n);
  }
  return squares;
}

// Documents of the training rows that lie nearest to a row in the model's own features.
std::vector<std::string> nearest_rows(const Matrix& train, const std::vector<double>& weights, const Table& rows,
                                      const Matrix& features, uint64_t row) {
  std::vector<std::pair<double, uint64_t>> distances;
  for (uint64_t r = 0; r < train.rows; ++r) {
    double sum = 0;
    for (uint64_t c = 0; c < train.columns; ++c) {
      const double d = train.at(r, c) - features.at(row, c);
      sum += std::isnan(d) ? 1 : d * d * weights[c];
    }
    distances.emplace_back(sum, r);
  }
  const size_t count = std::min(kNearest, distances.size());
  std::partial_sort(distances.begin(), distances.begin() + static_cast<ptrdiff_t>(count), distances.end());
  std::vector<std::string> out;
  for (size_t i = 0; i < count; ++i) {
    out.push_back(rows.ids[distances[i].second]);
  }
  return out;
}

std::string truth_text(const Judged& judged, uint64_t row, bool truth) {
  const Target& target = judged.rows.target;
  if (target.task == Task::kRegression) {
    return human_number(truth ? target.values[row] : judged.answers.values[row], 6);
  }
  return target.labels[static_cast<size_t>(truth ? target.classes[row] : judged.answers.classes[row])];
}

nlohmann::json mistakes_json(const Judged& judged, StageContext& context, ThreadPool& pool, Report& page) {
  const std::vector<double> losses = losses_of(judged.rows.target, judged.answers);
  std::vector<uint64_t> order(losses.size());
  std::iota(order.begin(), order.end(), uint64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](uint64_t a, uint64_t b) { return losses[a] > losses[b]; });
  Table training;
  Matrix train;
  std::vector<double> weights;
  if (const StageInput* input = context.find("train"); input != nullptr && !judged.features.is_sparse) {
    TableNotes notes;
    const auto schema = TableSchema::from_json(judged.estimator.info().value("table", nlohmann::json::object()), "");
    training = read_table(Documents::open(input->path), schema, notes);
    if (training.rows > kMostTrainingRows) {
      std::vector<uint64_t> first(kMostTrainingRows);
      std::iota(first.begin(), first.end(), uint64_t{0});
      training = take_rows(training, first);
    }
    train = judged.estimator.features(training, pool);
    weights = inverse_variances(train);
  }
  auto list = nlohmann::json::array();
  TableBlock block{.caption = "The rows it is most wrong about", .header = {"document", "true", "answered", "loss", "row", "nearest training rows"}};
  for (const uint64_t row : order) {
    const bool wrong = judged.rows.target.task == Task::kRegression ||
                       judged.rows.target.classes[row] != judged.answers.classes[row];
    if (list.size() == kMostMistakes || losses[row] <= 0) {
      break;
    }
    if (!wrong) {
      continue;
    }
    check_interrupt();
    nlohmann::json one{{"document", judged.rows.table.ids[row]}, {"true", truth_text(judged, row, true)},
                       {"answered", truth_text(judged, row, false)}, {"loss", losses[row]}, {"row", row_text(judged.rows.table, row)}};
    std::string near;
    if (train.rows > 0) {
      one["nearest"] = nearest_rows(train, weights, training, judged.features, row);
      for (const auto& id : one["nearest"]) {
        near += (near.empty() ? "" : " ") + id.get<std::string>().substr(0, 12);
      }
    }
    block.rows.push_back({one["document"].get<std::string>().substr(0, 12), one["true"], one["answered"],
                          human_number(losses[row], 4), one["row"], near});
    list.push_back(std::move(one));
  }
  if (!list.empty()) {
    page.sections.push_back({.title = "Mistakes", .intro = "athanor why ID tells a document's story.", .blocks = {block}});
  }
  return list;
}

nlohmann::json comparison_json(const Judged& a, const Judged& b, const EvaluateOptions& options, ThreadPool& pool, Report& page) {
  if (a.rows.places != b.rows.places || a.rows.target.labels != b.rows.target.labels || a.rows.target.task != b.rows.target.task) {
    throw Error(ErrorKind::kUsage, "the two estimators do not answer the same question about the same rows", "evaluate.other",
                "the same label_field, and the same labels in training");
  }
  Comparison found;
  std::string what;
  if (a.rows.target.task == Task::kClasses) {
    std::vector<uint8_t> right_a;
    std::vector<uint8_t> right_b;
    for (uint64_t row = 0; row < a.rows.target.rows(); ++row) {
      right_a.push_back(a.answers.classes[row] == a.rows.target.classes[row] ? 1 : 0);
      right_b.push_back(b.answers.classes[row] == b.rows.target.classes[row] ? 1 : 0);
    }
    found = mcnemar(right_a, right_b);
    what = "accuracy";
  } else {
    found = paired_bootstrap(losses_of(a.rows.target, a.answers), losses_of(b.rows.target, b.answers),
                             static_cast<uint64_t>(options.seed), pool);
    what = "mean squared error";
  }
  const std::string verdict = found.p_value < 0.05 ? "the two differ" : "no difference can be told from chance";
  const nlohmann::json out{{"test", found.test}, {"of", what}, {"difference", found.difference}, {"low", found.low},
                           {"high", found.high}, {"p_value", found.p_value}, {"verdict", verdict},
                           {"other", to_json(b.scores)}};
  ReportSection section{.title = "Against the other estimator", .intro = verdict + " (" + found.test + ", p = " + human_number(found.p_value, 3) + ")"};
  KeyValueBlock block{.caption = what + ": the other's less this one's"};
  block.items = {{"difference", human_number(found.difference, 4), ""}, {"95 % from", human_number(found.low, 4), ""}, {"to", human_number(found.high, 4), ""}};
  section.blocks = {block, scores_block("The other's scores", b.scores)};
  page.sections.push_back(std::move(section));
  return out;
}

}  // namespace

nlohmann::json evaluate_table(StageContext& context, const EvaluateOptions& options) {
  ThreadPool pool(static_cast<int>(options.threads));
  const Documents documents = Documents::open(context.input("documents").path);
  context.progress.update(0, grouped_integer(static_cast<int64_t>(documents.num_documents())) + " rows");
  const Judged judged = judge(context, options, context.input("estimator").path, documents, "", pool);
  Report page{.title = context.run.name(), .subtitle = judged.estimator.spec().kind + " on " + grouped_integer(static_cast<int64_t>(judged.rows.table.rows)) + " rows"};
  add_figures(judged.scores, grouped_integer(static_cast<int64_t>(judged.rows.table.rows)) + " rows", page);
  ReportSection scores{.title = "Scores"};
  scores.blocks.push_back(scores_block("", judged.scores));
  for (auto& block : answer_blocks(judged.rows.target, judged.answers)) {
    scores.blocks.push_back(std::move(block));
  }
  page.sections.push_back(std::move(scores));

  nlohmann::json result = to_json(judged.scores);
  result["rows"] = judged.rows.table.rows;
  result["kind"] = judged.estimator.spec().kind;
  result["task"] = name_of(judged.estimator.spec().task);
  context.progress.update(0.6, "slices and mistakes");
  const Task task = judged.rows.target.task;
  if (!options.slices.empty() && judged.rows.target.rows() > 0) {
    result["slices"] = slices_json(judged, options.slices, pool, page);
  }
  if (task == Task::kClasses || task == Task::kRegression) {
    result["mistakes"] = mistakes_json(judged, context, pool, page);
  }
  if (!options.explain.empty()) {
    context.progress.update(0.8, "explaining");
    result["explain"] = explain_estimator(judged.estimator, judged.features, judged.rows.target, options.explain,
                                          static_cast<uint64_t>(options.seed), pool, page);
  }
  if (const StageInput* other = context.find("other")) {
    result["comparison"] = comparison_json(judged, judge(context, options, other->path, documents, "other", pool), options, pool, page);
  }
  result["summary"] = scores_line(judged.scores) + ", " + grouped_integer(static_cast<int64_t>(judged.rows.table.rows)) + " rows";
  page.data = result;
  write_report(page, context.run.out_tmp());
  return result;
}

}  // namespace athanor
