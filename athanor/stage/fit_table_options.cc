// Options of fits of tables: what they are, which go together, and which task a kind of model has.
#include <algorithm>
#include <optional>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/nearest.h"
#include "athanor/classic/table_estimator.h"
#include "athanor/stage/command.h"
#include "athanor/stage/fit_table.h"
#include "athanor/stage/idle_options.h"

namespace athanor {

namespace {

const std::vector<std::string>& task_names() {
  static const std::vector<std::string> names = {"", "auto", "classes", "multilabel", "regression", "clusters", "anomaly"};
  return names;
}

// Before the rows are read the task may be unknown: then the options must do for one that the model knows (a stack of
// regressions does no classes). Gives the tasks for which they do.
std::vector<Task> tasks_of_model(const std::string& kind, const nlohmann::json& options, const std::string& task) {
  if (!task.empty() && task != "auto") {
    make_model(kind, options, task_named(task), "fit.model");
    return {task_named(task)};
  }
  std::vector<Task> able;
  std::optional<Error> fault;
  for (const Task each : model_kind(kind, "fit.kind").tasks) {
    try {
      make_model(kind, options, each, "fit.model");
      able.push_back(each);
    } catch (const Error& error) {
      // That a member does not know the task is no fault where it knows another: then what is wrong there is told.
      const auto of_task = [](const Error& one) { return one.message().find("' does no ") != std::string::npos; };
      if (!fault || (of_task(*fault) && !of_task(error))) {
        fault = error;
      }
    }
  }
  if (able.empty() && fault) {
    throw Error(*fault);
  }
  return able;
}

// Options of one kind of fit that another has no use for.
void refuse_idle_options(const nlohmann::json& resolved, const std::string& kind) {
  const nlohmann::json usual = dump_options(FitOptions{}, true);
  const auto refuse = [&](const std::vector<const char*>& options, const char* owner) {
    refuse_idle(resolved, usual, options, "fit", owner, "kind " + kind);
  };
  if (fits_tables(kind)) {
    refuse({"fasttext", "ngram", "tokens", "lowercase"}, "kinds fasttext and ngram (texts)");
    if (kind != "auto") {
      refuse({"budget_seconds", "folds"}, "kind auto");
    }
    return;
  }
  refuse({"model", "features", "reduce", "weight_field", "class_weights", "task", "budget_seconds", "folds"}, "models of tables");
  refuse({kind == "ngram" ? "fasttext" : "ngram"}, kind == "ngram" ? "kind fasttext" : "kind ngram");
}

}  // namespace

Task task_named(const std::string& name) {
  for (const Task task : {Task::kClasses, Task::kMultiLabel, Task::kRegression, Task::kClusters, Task::kAnomaly}) {
    if (name == name_of(task)) {
      return task;
    }
  }
  return Task::kClasses;
}

bool fits_tables(const std::string& kind) { return kind != "fasttext" && kind != "ngram"; }

void add_table_fields(Fields<FitOptions>& f) {
  f.add("task", &FitOptions::task,
        "tables: classes, multilabel, regression, clusters, anomaly; empty: as the labels or the kind say; auto: the same, with kind: auto")
      .choices(task_names());
  f.add("model", &FitOptions::model, "tables: options of the model, such as {trees: 300}");
  f.add("features", &FitOptions::features,
        "tables: what columns become, a list of {columns, encode, then}; empty: what each kind of column usually gets");
  f.add("reduce", &FitOptions::reduce, "tables: transforms over all features, such as [{pca: {components: 20}}]");
  f.add("table", &FitOptions::table, "tables: how columns are read");
  f.add("weight_field", &FitOptions::weight_field, "tables: a column with the weight of each row");
  f.add("class_weights", &FitOptions::class_weights, "tables: balanced, or a map of label to weight");
  f.add("folds", &FitOptions::folds, "kind auto: of the cross-validation that judges each model").range(2, 100);
  f.add("budget_seconds", &FitOptions::budget_seconds, "kind auto: no new model after so long").range(1, 1e9);
}

void prepare_fit(nlohmann::json& resolved) {
  std::string task = resolved.value("task", "");
  if (task == "auto" && resolved.value("kind", "") == "fasttext") {
    resolved["kind"] = "auto";
  }
  const std::string kind = resolved.value("kind", "");
  if (kind != "auto" && fits_tables(kind)) {
    std::vector<std::string> names = {"auto", "fasttext", "ngram"};
    bool known = false;
    for (const auto& model : model_kinds()) {
      names.push_back(model.name);
      known = known || model.name == kind;
    }
    if (!known) {
      throw Error(ErrorKind::kUsage, "there is no model '" + kind + "'", "fit.kind", did_you_mean(kind, names));
    }
  }
  refuse_idle_options(resolved, kind);
  if (!fits_tables(kind)) {
    return;
  }
  if (kind != "auto") {
    const std::vector<Task>& tasks = model_kind(kind, "fit.kind").tasks;
    const auto wants_none = [](Task each) { return each == Task::kClusters || each == Task::kAnomaly; };
    if (task.empty() && std::all_of(tasks.begin(), tasks.end(), wants_none)) {
      task = name_of(tasks.at(0));
      resolved["task"] = task;
    }
    const std::vector<Task> able = tasks_of_model(kind, resolved.value("model", nlohmann::json::object()), task);
    if (task.empty() && able == std::vector<Task>{Task::kRegression}) {  // whole numbers are no classes then
      resolved["task"] = name_of(Task::kRegression);
    }
  } else if (task == "clusters" || task == "anomaly" || task == "multilabel") {
    throw Error(ErrorKind::kUsage, "the ladder of models is for classes and regression", "fit.kind",
                "name a model: athanor explain fit lists them");
  }
  FeaturePipeline({.features = resolved.value("features", nlohmann::json::array()),
                   .reduce = resolved.value("reduce", nlohmann::json::array()), .for_trees = false},
                  "fit");
}

std::string fit_notes() {
  std::string text = "Models of tables (kind, and what model: {...} takes):\n";
  const auto fields = [&](const OptionSchema& schema) {
    std::string list;
    for (const auto& field : schema.fields) {
      list += (list.empty() ? "" : ", ") + field.name + "=" + field.default_value.dump();
      for (size_t i = 0; i < field.choices.size(); ++i) {
        list += (i == 0 ? " (" : "|") + field.choices[i] + (i + 1 == field.choices.size() ? ")" : "");
      }
    }
    return list.empty() ? std::string() : "\n      " + list;
  };
  for (const auto& kind : model_kinds()) {
    text += "  " + padded(kind.name, 20) + kind.doc + fields(kind.schema) + "\n";
  }
  text += "Encoders (features: [{columns: ..., encode: {NAME: {...}}}]):\n";
  for (const auto& kind : encoder_kinds()) {
    text += "  " + padded(kind.name, 20) + kind.doc + fields(kind.schema) + "\n";
  }
  text += "Transforms (then: [{NAME: {...}}], reduce: [{NAME: {...}}]):\n";
  for (const auto& kind : transform_kinds()) {
    text += "  " + padded(kind.name, 20) + kind.doc + fields(kind.schema) + "\n";
  }
  return text + "athanor explain NAME tells what each option of one of these does.\n";
}

}  // namespace athanor
