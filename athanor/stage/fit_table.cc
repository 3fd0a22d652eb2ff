#include "athanor/stage/fit_table.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/classic/checks.h"
#include "athanor/classic/ladder.h"
#include "athanor/stage/command.h"
#include "athanor/stage/explain_table.h"
#include "athanor/stage/table_rows.h"
#include "athanor/stage/table_scores.h"

namespace athanor {

namespace {

constexpr size_t kMostImportances = 50;

// Everything that a fit of a table goes through, with what is told of it.
class TableFit {
 public:
  TableFit(StageContext& context, const FitOptions& options, ThreadPool& pool)
      : context_(context), options_(options), fit_{.pool = pool, .seed = static_cast<uint64_t>(options.seed)} {
    fit_.warn = [this](const std::string& what) { warn(what); };
    fit_.progress = [this](double) { check_interrupt(); };
  }

  nlohmann::json run() {
    read();
    read_valid();
    choose();
    context_.progress.update(0.4, spec_.kind);
    fit_.progress = [this](double done) {
      check_interrupt();
      context_.progress.update(0.4 + 0.5 * done, spec_.kind);
    };
    const WatchedRows watched{valid_.table, valid_.target};
    const TableEstimator estimator = TableEstimator::fit(rows_.table, rows_.target, spec_, fit_, "fit", &watched);
    fit_.progress = [](double) { check_interrupt(); };
    nlohmann::json result{{"kind", spec_.kind}, {"task", name_of(spec_.task)}, {"rows", rows_.table.rows},
                          {"features", estimator.feature_names().size()}};
    score(estimator, result);
    save(estimator, result);
    return result;
  }

 private:
  void warn(const std::string& what) {
    context_.warn(what);
    warnings_.push_back(what);
  }

  // Reads documents as rows; learns how (schema_), what is asked (task) and the labels.
  void read() {
    const Documents documents = Documents::open(context_.input("documents").path);
    context_.progress.update(0, "reading " + grouped_integer(static_cast<int64_t>(documents.num_documents())) + " rows");
    TableNotes notes;
    Table table = read_table(documents, options_.table, schema_, notes);
    const bool asks_nothing = options_.task == "clusters" || options_.task == "anomaly";
    for (ColumnNote& note : notes.columns) {
      if (!asks_nothing && note.name == options_.label_field) {
        note.infinite = note.unreadable = 0;  // told as rows that are left out
      }
    }
    for (const auto& warning : notes.warnings()) {
      warn(warning);
    }
    std::vector<std::vector<std::string>> labels;
    if (!asks_nothing) {
      labels = read_label_lists(documents, options_.label_field, schema_.libsvm);
    }
    spec_.task = options_.task.empty() || options_.task == "auto" ? task_of_labels(labels, options_.label_field)
                                                                  : task_named(options_.task);
    forget_column(table, options_.label_field);
    RejectLog rejects(context_.run.rejected());
    rows_ = with_target(std::move(table), documents, labels, spec_.task, {}, rejects);
    for (const auto& [reason, count] : rejects.counts()) {
      rejected_[reason] = count;
    }
    for (const auto& warning : lost_warnings(rows_, options_.label_field)) {
      warn(warning);
    }
    check_numbers(rows_, options_.label_field);
    take_weights(rows_, options_.weight_field);
    std::erase_if(schema_.columns, [&](const ColumnPlan& column) { return column.name == options_.weight_field; });
    weigh_classes(rows_.target, options_.class_weights);
    context_.run.events().emit("counts", {{"in", documents.num_documents()}, {"out", rows_.table.rows}, {"dropped", rejected_}});
    spec_.pipeline = {.features = options_.features, .reduce = options_.reduce};
  }

  // The rows that judge the fit, read as the training rows are: a model that stops early watches them.
  void read_valid() {
    if (context_.find("valid") == nullptr) {
      return;
    }
    const Documents documents = Documents::open(context_.input("valid").path);
    TableNotes notes;
    Table table = read_table(documents, schema_, notes);
    std::vector<std::vector<std::string>> labels;
    if (rows_.target.rows() > 0) {
      labels = read_label_lists(documents, options_.label_field, schema_.libsvm);
    }
    RejectLog rejects(context_.run.rejected() / "valid");
    valid_ = with_target(std::move(table), documents, labels, spec_.task, rows_.target.labels, rejects);
  }

  void forget_column(Table& table, const std::string& name) {
    std::erase_if(table.columns, [&](const TableColumn& column) { return column.name == name; });
    std::erase_if(schema_.columns, [&](const ColumnPlan& column) { return column.name == name; });
    if (table.columns.empty()) {
      throw Error(ErrorKind::kInput, "beside the label '" + name + "' the rows hold nothing to learn from", "fit.table", "");
    }
  }

  void choose() {
    spec_.kind = options_.kind;
    spec_.model = options_.model;
    if (options_.kind != "auto") {
      return;
    }
    LadderOptions ladder{.seconds = options_.budget_seconds, .folds = static_cast<int32_t>(options_.folds),
                         .seed = static_cast<uint64_t>(options_.seed), .pipeline = spec_.pipeline};
    fit_.progress = [this](double done) {
      check_interrupt();
      context_.progress.update(0.05 + 0.35 * done, "trying models");
    };
    ladder_ = climb(rows_.table, rows_.target, ladder, fit_);
    spec_.kind = ladder_.rungs[ladder_.chosen].kind;
    spec_.model = ladder_.rungs[ladder_.chosen].model;
  }

  nlohmann::json ladder_json() const {
    auto rungs = nlohmann::json::array();
    for (const Rung& rung : ladder_.rungs) {
      rungs.push_back({{"kind", rung.kind}, {"seconds", rung.seconds}, {"note", rung.note}, {"folds", rung.fold_scores}});
      rungs.back()["score"] = rung.judged ? nlohmann::json(rung.score) : nlohmann::json(nullptr);
    }
    return {{"metric", ladder_.metric}, {"rows", ladder_.rows}, {"why", ladder_.why}, {"rungs", rungs}};
  }

  void score(const TableEstimator& estimator, nlohmann::json& result) {
    context_.progress.update(0.9, "scores");
    Matrix features = estimator.features(rows_.table, fit_.pool);
    const TableAnswers trained = estimator.answers_of(features, fit_.pool);
    train_scores_ = scores_of(rows_.target, trained, {.replicas = 0}, fit_.pool, &features);
    result["train"] = to_json(train_scores_);
    for (const auto& [column, told] : told_alone(rows_.table, rows_.target, fit_.seed)) {
      result["checks"]["alone"][column] = told;
    }
    if (context_.find("valid") == nullptr) {
      return;
    }
    for (const auto& warning : lost_warnings(valid_, options_.label_field)) {
      warn("validation rows: " + warning);
    }
    features = estimator.features(valid_.table, fit_.pool);
    valid_answers_ = estimator.answers_of(features, fit_.pool);
    valid_scores_ = scores_of(valid_.target, valid_answers_, {.seed = fit_.seed}, fit_.pool, &features);
    if (const std::string warning = empty_sets_warning(valid_.target, valid_answers_); !warning.empty()) {
      warn("validation rows: " + warning);
    }
    result["valid"] = to_json(valid_scores_);
    result["valid_rows"] = valid_.table.rows;
    if (const Score* accuracy = find_score(valid_scores_, "accuracy")) {
      result["valid_accuracy"] = accuracy->value;
    }
    check_parts(trained, result["checks"]);
  }

  // What the doctor wants to know of the two parts and of what the model missed (metric/diagnosis.h).
  void check_parts(const TableAnswers& trained, nlohmann::json& checks) {
    for (const auto& [column, index] : drift_of(rows_.table, valid_.table)) {
      checks["drift"][column] = index;
    }
    checks["overlap"] = overlap_of(rows_.table, valid_.table);
    const double gain =
        residual_gain(rows_.table, rows_.target, trained, valid_.table, valid_.target, valid_answers_, fit_);
    if (std::isfinite(gain)) {
      checks["residual_gain"] = gain;
    }
    const auto& labels = valid_.target.labels;
    if (spec_.task == Task::kClasses && labels.size() <= 100) {
      std::vector<double> rows(labels.size(), 0.0);
      std::vector<double> found(labels.size(), 0.0);
      for (uint64_t row = 0; row < valid_.target.rows(); ++row) {
        const auto truth = static_cast<size_t>(valid_.target.classes[row]);
        rows[truth] += 1;
        found[truth] += valid_answers_.classes[row] == valid_.target.classes[row] ? 1 : 0;
      }
      for (size_t c = 0; c < labels.size(); ++c) {
        if (rows[c] > 0) {
          checks["recall"][labels[c]] = found[c] / rows[c];
        }
      }
    }
  }

  void save(const TableEstimator& estimator, nlohmann::json& result) {
    result["rejected"] = rejected_;
    result["labels"] = rows_.target.labels.size();
    if (spec_.task == Task::kClasses) {
      std::vector<int64_t> counts(rows_.target.labels.size(), 0);
      for (const int32_t label : rows_.target.classes) {
        ++counts[static_cast<size_t>(label)];
      }
      for (size_t c = 0; c < counts.size() && counts.size() <= 100; ++c) {
        result["label_counts"][rows_.target.labels[c]] = counts[c];
      }
    }
    if (!ladder_.rungs.empty()) {
      result["ladder"] = ladder_json();
    }
    const nlohmann::json description = estimator.description();
    stopping_ = description["model"].value("early_stopping", nlohmann::json::object());
    if (!stopping_.empty()) {
      result["early_stopping"] = stopping_;
    }
    result["importances"] = importances_json(estimator, kMostImportances);
    result["warnings"] = warnings_;
    result["summary"] = summary();
    const nlohmann::json info{{"label_field", options_.label_field},
                              {"table", schema_.to_json()},
                              {"trained_on", {{"rows", rows_.table.rows}, {"seed", options_.seed}}}};
    const fs::path out = context_.run.out_tmp();
    estimator.save(out, info);
    write_file_atomic(out / "estimator.json",
                      nlohmann::json{{"schema", 1}, {"kind", "table"}, {"file", "saved.json"}, {"description", description}}
                              .dump(1) + "\n");
    write_report(page(estimator, result), out);
  }

  // What a ladder's models got on rows they had not seen says more than how well the chosen one knows its own.
  std::string summary() const {
    std::string start = spec_.kind + " from " + grouped_integer(static_cast<int64_t>(rows_.table.rows)) + " rows";
    if (!stopping_.empty()) {
      const std::string judged = grouped_integer(stopping_["judged_rows"].get<int64_t>());
      start += stops_by_valid() ? " (the validation rows told it when to stop)" : ", " + judged + " of them held out to tell when to stop";
    }
    const std::string line = scores_line(valid_scores_.empty() ? train_scores_ : valid_scores_);
    const bool judged = !valid_scores_.empty();
    if (!ladder_.rungs.empty()) {
      const std::string named = spec_.kind + ": ";
      const std::string why = ladder_.why.starts_with(named) ? ladder_.why.substr(named.size()) : ladder_.why;
      return start + " (" + why + "; " + std::to_string(ladder_.rungs.size()) + " models tried)" +
             (judged && !line.empty() ? ", " + line : "");
    }
    return start + (line.empty() ? "" : (judged ? ", " : ", on its own training rows ") + line);
  }

  bool stops_by_valid() const { return stopping_.value("judged_by", "") == "valid"; }

  Report page(const TableEstimator& estimator, const nlohmann::json& result) const {
    Report page{.title = context_.run.name(), .subtitle = result["summary"].get<std::string>()};
    const bool judged = !valid_scores_.empty();
    add_figures(judged ? valid_scores_ : train_scores_,
                judged ? grouped_integer(static_cast<int64_t>(valid_.table.rows)) + " validation rows" +
                             (stops_by_valid() ? ", which told it when to stop: a little too good" : "")
                       : "its own training rows: too good", page);
    if (!warnings_.empty()) {
      ReportSection section{.title = "To look at"};
      for (const auto& warning : warnings_) {
        section.blocks.push_back(NoteBlock{NoteBlock::Level::kWarning, warning});
      }
      page.sections.push_back(std::move(section));
    }
    if (!ladder_.rungs.empty()) {
      ReportSection section{.title = "Models tried", .intro = ladder_.why};
      TableBlock table{.caption = "", .header = {"model", ladder_.metric, "folds", "seconds", ""}};
      for (const Rung& rung : ladder_.rungs) {
        std::string folds;
        for (const double score : rung.fold_scores) {
          folds += (folds.empty() ? "" : " ") + human_number(score, 4);
        }
        table.rows.push_back({rung.kind, rung.judged ? human_number(rung.score, 5) : "", folds, fixed_number(rung.seconds, 1), rung.note});
      }
      section.blocks.push_back(std::move(table));
      page.sections.push_back(std::move(section));
    }
    ReportSection scores{.title = "How good it is"};
    if (judged) {
      scores.blocks.push_back(scores_block("On the validation rows", valid_scores_));
      for (auto& block : answer_blocks(valid_.target, valid_answers_)) {
        scores.blocks.push_back(std::move(block));
      }
    }
    scores.blocks.push_back(scores_block("On its own training rows", train_scores_));
    page.sections.push_back(std::move(scores));
    ReportSection model{.title = "What it learnt"};
    model.blocks = tree_blocks(estimator);
    for (auto& block : importance_blocks(estimator)) {
      model.blocks.push_back(std::move(block));
    }
    for (auto& block : description_blocks(estimator.model().description(estimator.feature_names()))) {
      model.blocks.push_back(std::move(block));
    }
    model.blocks.push_back(TextBlock{"The features", estimator.pipeline().description().dump(1), true});
    page.sections.push_back(std::move(model));
    page.data = result;
    return page;
  }

  StageContext& context_;
  const FitOptions& options_;
  FitContext fit_;
  TableSchema schema_;
  TableRows rows_;
  EstimatorSpec spec_;
  Ladder ladder_;
  TableRows valid_;
  TableAnswers valid_answers_;
  nlohmann::json stopping_ = nlohmann::json::object();  // of a model that stopped early, as its description tells it
  std::vector<Score> train_scores_;
  std::vector<Score> valid_scores_;
  std::map<std::string, uint64_t> rejected_;
  std::vector<std::string> warnings_;
};

}  // namespace

nlohmann::json fit_table(StageContext& context, const FitOptions& options, ThreadPool& pool) {
  return TableFit(context, options, pool).run();
}

}  // namespace athanor
