// One contract for every classical model: linear, trees, boosting, SVM, neighbours, Bayes, clusters, ensembles.
//
//   auto model = make_model("forest", {{"trees", 300}}, Task::kClasses, "fit.model");
//   model->fit(x, target, context);
//   Matrix scores = model->predict(z, pool);
//
// What predict() gives, one row a row of x:
//   kClasses      a column a class. gives_probabilities(): they are, and sum to 1; else decision values, the highest wins
//   kMultiLabel   a column a label: probability (or decision value, above 0 = yes)
//   kRegression   one column
//   kClusters     the first column the cluster's number (-1: none, DBSCAN's noise), then, where the model has them, a
//                 column a cluster (distance or responsibility)
//   kAnomaly      one column, higher is odder; threshold() is where the share `contamination` of the training rows lies
//
// The same bytes for any number of threads. No NaN comes out: a missing value goes where the model says (a side of a
// split), or fit() refuses with Error(kInput) that names the column and says "impute".
//
// A new one: a file with one class, a line in model_table.cc, a test, a fixture against the field's own library.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "athanor/feature/matrix.h"
#include "athanor/feature/saved.h"
#include "athanor/feature/target.h"
#include "athanor/feature/transform.h"

namespace athanor {

class ClassicModel {
 public:
  virtual ~ClassicModel() = default;

  // target.task is the task it was made for; kClusters and kAnomaly read x alone.
  virtual void fit(const Matrix& x, const Target& target, FitContext& context) = 0;
  virtual Matrix predict(const Matrix& x, ThreadPool& pool) const = 0;
  virtual bool gives_probabilities() const { return false; }
  virtual double threshold() const { return 0; }  // kAnomaly

  // Whether fit() would look at rows that it does not learn from to know when it is done. watch() gives it such rows, with the
  // columns and labels of those of fit(), kept by pointer until that returns; without, it holds some of its own out.
  virtual bool stops_early() const { return false; }
  virtual void watch(const Matrix*, const Target*) {}

  // Importance of each feature in a way of the model's own (share of gain, size of a coefficient): one a column of x, or
  // empty. `what` says which.
  virtual std::vector<double> importances(std::string* what) const;
  // What a person wants to know: coefficients, number of trees and leaves, centres; sizes bounded. names: of x's columns.
  virtual nlohmann::json description(const std::vector<std::string>& names) const = 0;

  virtual void save(SavedWriter& out) const = 0;
  virtual void load(const SavedReader& in) = 0;
};

struct ModelKind {
  const char* name;
  const char* doc;
  std::vector<Task> tasks;
  bool splits;        // takes numbers unscaled, with missing values: PipelineSpec::for_trees
  bool reads_sparse;  // else the matrix is made dense
  OptionSchema schema;
  std::unique_ptr<ClassicModel> (*make)(const nlohmann::json& options, Task task);
};
// In the order that docs and `explain` show.
const std::vector<ModelKind>& model_kinds();
const ModelKind& model_kind(const std::string& name, const std::string& where);  // Error(kUsage)

std::unique_ptr<ClassicModel> make_model(const std::string& kind, const nlohmann::json& options, Task task,
                                         const std::string& where);

// {"kind", "options", "task"} beside the model's own fields; and back.
void save_model(const ClassicModel& model, const std::string& kind, const nlohmann::json& options, Task task,
                SavedWriter out);
std::unique_ptr<ClassicModel> load_model(const SavedReader& in);

}  // namespace athanor
