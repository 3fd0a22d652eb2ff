// evaluate with an estimator of tables: scores with intervals, slices, mistakes, and a comparison with another estimator.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/nearest.h"
#include "athanor/classic/table_estimator.h"
#include "athanor/metric/paired.h"
#include "athanor/stage/evaluate_nearest.h"
#include "athanor/stage/evaluate_slices.h"
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
  for (const auto& warning : lost_warnings(out.rows, field)) {
    context.warn(warning);
  }
  if (judged_by_classes && !options.label_field.empty()) {  // a truth to hold clusters or anomalies against
    RejectLog unlabelled(context.run.rejected() / (rejected + "-labels"));
    const TableRows truth = with_target(std::move(out.rows.table), documents, read_label_lists(documents, field, schema.libsvm), Task::kClasses, {}, unlabelled);
    for (const auto& warning : lost_warnings(truth, field)) {
      context.warn(warning);
    }
    out.rows.table = truth.table;
    out.rows.places = truth.places;
    out.rows.target.classes = truth.target.classes;
    out.rows.target.labels = truth.target.labels;
  }
  out.features = out.estimator.features(out.rows.table, pool);
  std::map<std::string, UnseenCells> unseen;
  add_unseen(out.estimator.pipeline(), out.rows.table, unseen);
  for (const auto& warning : unseen_warnings(unseen)) {
    context.warn(warning);
  }
  out.answers = out.estimator.answers_of(out.features, pool);
  out.scores = scores_of(out.rows.target, out.answers,
                         {.replicas = options.replicas, .seed = static_cast<uint64_t>(options.seed)}, pool, &out.features);
  if (const std::string warning = empty_sets_warning(out.rows.target, out.answers); !warning.empty()) {
    context.warn(warning);
  }
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

// Those of the named columns that the estimator does not know, over the judged rows: who leaves a column out of the model may
// well want to know how it does over that column's values.
Table other_columns(const Judged& judged, const Documents& documents, const std::vector<std::string>& names) {
  const auto known = TableSchema::from_json(judged.estimator.info().value("table", nlohmann::json::object()), "");
  TableOptions options{.missing = known.missing};
  options.format = known.libsvm ? "libsvm" : options.format;
  std::copy_if(names.begin(), names.end(), std::back_inserter(options.columns),
               [&](const std::string& name) { return judged.rows.table.find(name) == nullptr; });
  if (options.columns.empty()) {
    return {};
  }
  TableSchema schema;
  TableNotes notes;
  try {
    return take_rows(read_table(documents, options, schema, notes), judged.rows.places);
  } catch (const Error& error) {
    throw Error(error.kind(), error.message(), "evaluate.slices", error.hint());
  }
}

nlohmann::json slices_json(const Judged& judged, const Documents& documents, const std::vector<std::string>& columns, ThreadPool& pool,
                           Report& page) {
  const Table others = other_columns(judged, documents, columns);
  auto all = nlohmann::json::object();
  ReportSection section{.title = "Slices", .intro = "The same scores over parts of the rows."};
  for (const auto& name : columns) {
    const TableColumn* known = judged.rows.table.find(name);
    const auto slices = slices_of(known != nullptr ? *known : others.at(name), judged.rows.table.rows);
    TableBlock block{.caption = name, .header = {"rows with", "rows", "scores"}};
    size_t shown = 0;
    for (const Slice& slice : slices) {
      if (shown == kMostSlices || slice.rows.size() < kFewRows) {
        continue;
      }
      ++shown;
      const auto scores = scores_of(take_rows(judged.rows.target, slice.rows), some_answers(judged.answers, slice.rows), {.replicas = 200}, pool);
      all[name][slice.name] = to_json(scores);
      all[name][slice.name]["rows"] = slice.rows.size();
      block.rows.push_back({slice.name, grouped_integer(static_cast<int64_t>(slice.rows.size())), scores_line(scores)});
    }
    if (shown < slices.size()) {
      block.caption += " (" + std::to_string(slices.size() - shown) + " more, of few rows, are not shown)";
    }
    section.blocks.push_back(std::move(block));
  }
  if (!columns.empty()) {
    page.sections.push_back(std::move(section));
  }
  return all;
}

std::string truth_text(const Judged& judged, uint64_t row, bool truth) {
  const Target& target = judged.rows.target;
  if (target.task == Task::kRegression) {
    return human_number(truth ? target.values[row] : judged.answers.values[row], 6);
  }
  return target.labels[static_cast<size_t>(truth ? target.classes[row] : judged.answers.classes[row])];
}

// Empty where there is no input. among: a sentence where only some of its rows are looked at.
NearestRows training_rows(const TableEstimator& estimator, const StageInput* input, ThreadPool& pool, std::string& among) {
  if (input == nullptr) {
    return {};
  }
  TableNotes notes;
  const auto schema = TableSchema::from_json(estimator.info().value("table", nlohmann::json::object()), "");
  Table training = read_table(Documents::open(input->path), schema, notes);
  if (training.rows > kMostTrainingRows) {
    among = " The nearest training rows are those among the first " + grouped_integer(kMostTrainingRows) + " of " +
            grouped_integer(static_cast<int64_t>(training.rows)) + ".";
    std::vector<uint64_t> first(kMostTrainingRows);
    std::iota(first.begin(), first.end(), uint64_t{0});
    training = take_rows(training, first);
  }
  return NearestRows(estimator.features(training, pool), std::move(training.ids));
}

nlohmann::json mistakes_json(const Judged& judged, StageContext& context, ThreadPool& pool, Report& page) {
  const std::vector<double> losses = losses_of(judged.rows.target, judged.answers);
  std::vector<uint64_t> order(losses.size());
  std::iota(order.begin(), order.end(), uint64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](uint64_t a, uint64_t b) { return losses[a] > losses[b]; });
  std::string among;
  const NearestRows nearest = training_rows(judged.estimator, context.find("train"), pool, among);
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
    if (!nearest.empty()) {
      one["nearest"] = nearest.of(judged.features, row, kNearest);
      for (const auto& id : one["nearest"]) {
        near += (near.empty() ? "" : " ") + id.get<std::string>().substr(0, 12);
      }
    }
    block.rows.push_back({one["document"].get<std::string>().substr(0, 12), one["true"], one["answered"],
                          human_number(losses[row], 4), one["row"], near});
    list.push_back(std::move(one));
  }
  if (!list.empty()) {
    page.sections.push_back({.title = "Mistakes", .intro = "athanor why ID tells a document's story." + among, .blocks = {block}});
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
    result["slices"] = slices_json(judged, documents, options.slices, pool, page);
  }
  if (task == Task::kClasses || task == Task::kRegression) {
    result["mistakes"] = mistakes_json(judged, context, pool, page);
  }
  if (!options.explain.empty()) {
    context.progress.update(0.8, "explaining");
    result["explain"] = explain_estimator(judged.estimator, judged.rows.table, judged.features, judged.rows.target, options.explain,
                                          static_cast<uint64_t>(options.seed), pool, page);
  }
  if (const StageInput* other = context.find("other")) {
    result["comparison"] = comparison_json(judged, judge(context, options, other->path, documents, "other", pool), options, pool, page);
  }
  const std::string line = scores_line(judged.scores);
  result["summary"] = (line.empty() ? judged.estimator.spec().kind + ", no labels to score against" : line) + ", " + grouped_integer(static_cast<int64_t>(judged.rows.table.rows)) + " rows";
  page.data = result;
  write_report(page, context.run.out_tmp());
  return result;
}

}  // namespace athanor
