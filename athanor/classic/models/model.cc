#include "athanor/classic/models/model.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"

namespace athanor {

std::vector<double> ClassicModel::importances(std::string*) const { return {}; }

const ModelKind& model_kind(const std::string& name, const std::string& where) {
  std::vector<std::string> names;
  for (const auto& kind : model_kinds()) {
    if (kind.name == name) {
      return kind;
    }
    names.push_back(kind.name);
  }
  throw Error(ErrorKind::kUsage, "there is no model '" + name + "'", where, did_you_mean(name, names));
}

namespace {

// Options come as values: each is told its place by its path, which a message then shows as its "where".
void mark_places(Node& node, const std::string& path) {
  node.mark = {path, 0, 0};
  for (auto& entry : node.entries) {
    entry.key_mark = {path + "." + entry.key, 0, 0};
    mark_places(entry.value, entry.key_mark.file);
  }
}

}  // namespace

std::unique_ptr<ClassicModel> make_model(const std::string& kind, const nlohmann::json& options, Task task,
                                         const std::string& where) {
  const ModelKind& found = model_kind(kind, where);
  if (std::find(found.tasks.begin(), found.tasks.end(), task) == found.tasks.end()) {
    std::vector<std::string> able;
    for (const auto& other : model_kinds()) {
      if (std::find(other.tasks.begin(), other.tasks.end(), task) != other.tasks.end()) {
        able.push_back(other.name);
      }
    }
    std::string list;
    for (const auto& name : able) {
      list += (list.empty() ? "" : ", ") + name;
    }
    throw Error(ErrorKind::kUsage, "the model '" + kind + "' does no " + name_of(task), where, "these do: " + list);
  }
  Node given = Node::from_json(options, {where, 0, 0});
  mark_places(given, where);
  const nlohmann::json checked = found.schema.parse(given, where);
  try {
    return found.make(checked, task);
  } catch (const Error& error) {  // what the options say together, or of a model within: its place within these
    if (error.kind() != ErrorKind::kUsage) {
      throw;
    }
    throw Error(error.kind(), error.message(), where + (error.where().empty() ? "" : "." + error.where()), error.hint());
  }
}

void save_model(const ClassicModel& model, const std::string& kind, const nlohmann::json& options, Task task,
                SavedWriter out) {
  model.save(out);
  out.json()["kind"] = kind;
  out.json()["options"] = options;
  out.json()["task"] = name_of(task);
}

std::unique_ptr<ClassicModel> load_model(const SavedReader& in) {
  const auto kind = in.get<std::string>("kind");
  const auto task_name = in.get<std::string>("task");
  for (const Task task : {Task::kClasses, Task::kMultiLabel, Task::kRegression, Task::kClusters, Task::kAnomaly}) {
    if (task_name == name_of(task)) {
      try {
        auto model = make_model(kind, in.json().value("options", nlohmann::json::object()), task, "model");
        model->load(in);
        return model;
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kUsage) {
          throw;
        }
        in.fail(error.message());
      }
    }
  }
  in.fail("there is no task '" + task_name + "'");
}

}  // namespace athanor
