// A classical model with its feature pipeline: what `fit` makes of a table, as one thing that is stored and asked.
//
//   EstimatorSpec spec{.kind = "boosting", .model = {{"rounds", 300}}, .task = Task::kClasses};
//   TableEstimator estimator = TableEstimator::fit(table, target, spec, context);
//   TableAnswers answers = estimator.predict(other, pool);       // answers.classes[row], answers.scores
//   estimator.save(dir);  TableEstimator::open(dir)              // saved.json + arrays.safetensors (docs/data/models.md)
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "athanor/classic/models/model.h"
#include "athanor/feature/pipeline.h"

namespace athanor {

struct EstimatorSpec {
  std::string kind;                                // of model_kinds()
  nlohmann::json model = nlohmann::json::object();  // its options
  PipelineSpec pipeline;
  Task task = Task::kClasses;
};

// Rows that a model which stops early watches; their target counts the labels as the training rows' does.
struct WatchedRows {
  const Table& table;
  const Target& target;
};

struct TableAnswers {
  Matrix scores;                 // as ClassicModel::predict
  bool probabilities = false;    // of scores
  std::vector<int32_t> classes;  // kClasses: the highest score; kClusters: the cluster; kAnomaly: 1 = odd
  std::vector<uint8_t> marks;    // kMultiLabel: rows x labels
  std::vector<double> values;    // kRegression; kAnomaly: how odd
};

class TableEstimator {
 public:
  // where: for messages ("fit"). watched: may be null. They go through the features, which learn nothing from them; a model
  // inside another one (bagging, calibrated) holds rows of its own out.
  static TableEstimator fit(const Table& table, const Target& target, const EstimatorSpec& spec, FitContext& context,
                            const std::string& where = "fit", const WatchedRows* watched = nullptr);

  TableAnswers predict(const Table& table, ThreadPool& pool) const;
  // The features that the model reads, for what explains it (SHAP, importances).
  Matrix features(const Table& table, ThreadPool& pool) const;
  // The same from the matrices of pipeline().apply_groups().
  Matrix joined(std::vector<Matrix> groups, ThreadPool& pool) const;
  TableAnswers answers_of(Matrix features, ThreadPool& pool) const;

  const EstimatorSpec& spec() const { return spec_; }
  const std::vector<std::string>& labels() const { return labels_; }
  const std::vector<std::string>& feature_names() const { return feature_names_; }
  const FeaturePipeline& pipeline() const { return *pipeline_; }
  const ClassicModel& model() const { return *model_; }
  // {"kind", "task", "labels", "features", "model"}: for show and the report.
  nlohmann::json description() const;

  // info: what else is to be known of it (how its table is read, what it was trained on); info() gives it back.
  void save(const fs::path& dir, const nlohmann::json& info) const;
  static TableEstimator open(const fs::path& dir);
  const nlohmann::json& info() const { return info_; }

 private:
  EstimatorSpec spec_;
  std::vector<std::string> labels_;
  std::vector<std::string> feature_names_;
  std::shared_ptr<const FeaturePipeline> pipeline_;
  std::shared_ptr<const ClassicModel> model_;
  nlohmann::json info_ = nlohmann::json::object();
};

// For FitContext::importances: fits the model that {kind: {options}} names on the features and gives its importances, so that
// selection by a model works. TableEstimator::fit sets it by itself.
ImportanceFn importances_by_model();

// What the rows of every fold get from an estimator that was fitted on the others.
TableAnswers out_of_fold(const Table& table, const Target& target, const EstimatorSpec& spec,
                         const std::vector<int32_t>& folds, FitContext& context);

}  // namespace athanor
