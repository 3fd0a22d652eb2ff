#include "athanor/classic/table_estimator.h"

#include <algorithm>
#include <utility>

#include "athanor/base/error.h"
#include "athanor/classic/ensembles/member.h"
#include "athanor/classic/estimator.h"
#include "athanor/feature/folds.h"

namespace athanor {

namespace {

PipelineSpec pipeline_for(const EstimatorSpec& spec, const std::string& where) {
  PipelineSpec pipeline = spec.pipeline;
  pipeline.for_trees = model_kind(spec.kind, where + ".kind").splits || all_members_split(spec.model);
  return pipeline;
}

Matrix as_model_reads(Matrix x, const EstimatorSpec& spec) {
  return x.is_sparse && !model_kind(spec.kind, "kind").reads_sparse ? to_dense(x) : std::move(x);
}

Task task_of(const std::string& name, const SavedReader& in) {
  for (const Task task : {Task::kClasses, Task::kMultiLabel, Task::kRegression, Task::kClusters, Task::kAnomaly}) {
    if (name == name_of(task)) {
      return task;
    }
  }
  in.fail("there is no task '" + name + "'");
}

// Boosting splits the table's categories by sets, where they are encoded as it wants them: nobody gave features, and every
// model inside splits numbers.
std::vector<std::string> coded_categories(const Table& table, const std::vector<std::string>& names, const PipelineSpec& spec) {
  std::vector<std::string> out;
  for (const auto& name : spec.features.empty() && spec.for_trees ? names : std::vector<std::string>{}) {
    const bool is = std::any_of(table.columns.begin(), table.columns.end(), [&](const TableColumn& column) {
      return column.name == name && column.kind == ColumnKind::kCategory;
    });
    if (is) {
      out.push_back(name);
    }
  }
  return out;
}

// The same, written out in what is stored of a model that stands alone.
bool name_categories(const std::vector<std::string>& coded, EstimatorSpec& spec) {
  const bool free = spec.model.value("categories", nlohmann::json("auto")) == "auto" &&
                    spec.model.value("monotone", nlohmann::json::object()).empty();
  if (spec.kind != "boosting" || !free || coded.empty()) {
    return false;
  }
  spec.model["categories"] = coded;
  return true;
}

}  // namespace

ImportanceFn importances_by_model() {
  return [](const Matrix& x, const Target& target, const nlohmann::json& model, FitContext& context) {
    const char* where = "features.select.model";
    if (!model.is_object() || model.size() != 1) {
      throw Error(ErrorKind::kUsage, "a model is one name with its options", where, "model: {forest: {trees: 100}}");
    }
    const std::string kind = model.begin().key();
    const ModelKind& found = model_kind(kind, where);
    auto fitted = make_model(kind, model.begin().value(), target.task, where);
    fitted->fit(x.is_sparse && !found.reads_sparse ? to_dense(x) : x, target, context);
    std::vector<double> importances = fitted->importances(nullptr);
    if (importances.size() != x.columns) {
      throw Error(ErrorKind::kUsage, "the model '" + kind + "' tells no importances of its features", where,
                  "a linear model, a tree, a forest or boosting does");
    }
    return importances;
  };
}

TableEstimator TableEstimator::fit(const Table& table, const Target& target, const EstimatorSpec& spec, FitContext& context,
                                   const std::string& where, const WatchedRows* watched) {
  TableEstimator out;
  out.spec_ = spec;
  out.labels_ = target.labels;
  auto model = make_model(spec.kind, spec.model, spec.task, where + ".model");
  const PipelineSpec steps = pipeline_for(spec, where);
  auto pipeline = std::make_shared<FeaturePipeline>(steps, where);
  const auto tell = context.progress;
  context.progress = [&](double done) { tell(0.3 * done); };
  if (context.importances == nullptr) {
    context.importances = importances_by_model();
  }
  Matrix x = as_model_reads(pipeline->fit(table, target.rows() > 0 ? &target : nullptr, context), spec);
  out.feature_names_ = x.names;
  const auto coded = coded_categories(table, x.names, steps);
  if (name_categories(coded, out.spec_)) {
    model = make_model(spec.kind, out.spec_.model, spec.task, where + ".model");
  }
  Matrix watched_x;
  if (watched != nullptr && watched->target.rows() > 0 && model->stops_early()) {
    watched_x = as_model_reads(pipeline->apply(watched->table, context.pool), spec);
    model->watch(&watched_x, &watched->target);
  }
  context.progress = [&](double done) { tell(0.3 + 0.7 * done); };
  const auto known = std::exchange(context.categories, coded);
  model->fit(x, target, context);
  context.categories = known;
  context.progress = tell;
  out.pipeline_ = std::move(pipeline);
  out.model_ = std::move(model);
  return out;
}

Matrix TableEstimator::features(const Table& table, ThreadPool& pool) const {
  return as_model_reads(pipeline_->apply(table, pool), spec_);
}

Matrix TableEstimator::joined(std::vector<Matrix> groups, ThreadPool& pool) const {
  return as_model_reads(pipeline_->join(std::move(groups), pool), spec_);
}

TableAnswers TableEstimator::predict(const Table& table, ThreadPool& pool) const {
  return answers_of(features(table, pool), pool);
}

TableAnswers TableEstimator::answers_of(Matrix features, ThreadPool& pool) const {
  TableAnswers out;
  out.scores = model_->predict(features, pool);
  out.probabilities = model_->gives_probabilities();
  const Matrix& scores = out.scores;
  const bool by_label = spec_.task == Task::kClasses || spec_.task == Task::kMultiLabel;
  if (scores.rows > 0 && (scores.columns == 0 || (by_label && scores.columns != labels_.size()))) {
    throw Error(ErrorKind::kInput, "the model answers " + std::to_string(scores.columns) + " columns for " +
                    std::to_string(labels_.size()) + " labels", "", "the estimator is damaged: fit it again");
  }
  for (uint64_t row = 0; row < scores.rows; ++row) {
    const double* values = scores.row(row);
    switch (spec_.task) {
      case Task::kClasses:
        out.classes.push_back(static_cast<int32_t>(std::max_element(values, values + scores.columns) - values));
        break;
      case Task::kMultiLabel:
        for (uint64_t label = 0; label < scores.columns; ++label) {
          out.marks.push_back(values[label] > (out.probabilities ? 0.5 : 0.0) ? 1 : 0);
        }
        break;
      case Task::kClusters:
        out.classes.push_back(static_cast<int32_t>(values[0]));
        break;
      case Task::kAnomaly:
        out.classes.push_back(values[0] > model_->threshold() ? 1 : 0);
        out.values.push_back(values[0]);
        break;
      case Task::kRegression:
        out.values.push_back(values[0]);
        break;
    }
  }
  return out;
}

nlohmann::json TableEstimator::description() const {
  return {{"kind", spec_.kind},
          {"task", name_of(spec_.task)},
          {"labels", labels_},
          {"features", pipeline_->description()},
          {"model", model_->description(feature_names_)}};
}

void TableEstimator::save(const fs::path& dir, const nlohmann::json& info) const {
  SavedWriter out;
  out.json()["kind"] = "table";
  out.json()["task"] = name_of(spec_.task);
  out.json()["info"] = info;
  out.put("labels", labels_);
  out.put("feature_names", feature_names_);
  pipeline_->save(out.part("features"));
  save_model(*model_, spec_.kind, spec_.model, spec_.task, out.part("model"));
  out.write(dir);
}

TableEstimator TableEstimator::open(const fs::path& dir) {
  check_estimator_schema(dir);
  const SavedReader in = SavedReader::open(dir);
  if (in.get<std::string>("kind") != "table") {
    in.fail("not an estimator of tables");
  }
  TableEstimator out;
  out.spec_.task = task_of(in.get<std::string>("task"), in);
  out.info_ = in.json().value("info", nlohmann::json::object());
  out.labels_ = in.strings("labels");
  out.feature_names_ = in.strings("feature_names");
  const SavedReader model = in.part("model");
  out.spec_.kind = model.get<std::string>("kind");
  out.spec_.model = model.json().value("options", nlohmann::json::object());
  out.pipeline_ = std::make_shared<FeaturePipeline>(FeaturePipeline::load(in.part("features")));
  out.model_ = load_model(model);
  return out;
}

TableAnswers out_of_fold(const Table& table, const Target& target, const EstimatorSpec& spec,
                         const std::vector<int32_t>& folds, FitContext& context) {
  const int32_t count = *std::max_element(folds.begin(), folds.end()) + 1;
  const auto tell = context.progress;
  TableAnswers all;
  for (int32_t fold = 0; fold < count; ++fold) {
    context.progress = [&](double done) { tell((fold + done) / count); };
    const FoldParts parts = parts_of(folds, fold);
    const TableEstimator estimator =
        TableEstimator::fit(take_rows(table, parts.train), take_rows(target, parts.train), spec, context);
    const TableAnswers some = estimator.predict(take_rows(table, parts.valid), context.pool);
    if (fold == 0) {
      all.scores = Matrix::dense(table.rows, some.scores.columns);
      all.probabilities = some.probabilities;
      all.classes.resize(some.classes.empty() ? 0 : table.rows);
      all.values.resize(some.values.empty() ? 0 : table.rows);
      all.marks.resize(some.marks.empty() ? 0 : table.rows * some.scores.columns);
    }
    for (size_t i = 0; i < parts.valid.size(); ++i) {
      const uint64_t row = parts.valid[i];
      std::copy_n(some.scores.row(i), some.scores.columns, all.scores.row(row));
      if (!some.classes.empty()) {
        all.classes[row] = some.classes[i];
      }
      if (!some.values.empty()) {
        all.values[row] = some.values[i];
      }
      if (!some.marks.empty()) {
        std::copy_n(&some.marks[i * some.scores.columns], some.scores.columns, &all.marks[row * some.scores.columns]);
      }
    }
  }
  context.progress = tell;
  return all;
}

}  // namespace athanor
