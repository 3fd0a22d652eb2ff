#include "athanor/feature/target.h"

namespace athanor {

const char* name_of(Task task) {
  switch (task) {
    case Task::kClasses:
      return "classes";
    case Task::kMultiLabel:
      return "multilabel";
    case Task::kRegression:
      return "regression";
    case Task::kClusters:
      return "clusters";
    case Task::kAnomaly:
      return "anomaly";
  }
  return "?";
}

uint64_t Target::rows() const {
  switch (task) {
    case Task::kClasses:
      return classes.size();
    case Task::kMultiLabel:
      return labels.empty() ? 0 : marks.size() / labels.size();
    case Task::kRegression:
      return values.size();
    default:
      return 0;
  }
}

Target take_rows(const Target& target, const std::vector<uint64_t>& rows) {
  Target out;
  out.task = target.task;
  out.labels = target.labels;
  const uint64_t width = target.labels.size();
  for (const uint64_t row : rows) {
    if (!target.classes.empty()) {
      out.classes.push_back(target.classes[row]);
    }
    if (!target.values.empty()) {
      out.values.push_back(target.values[row]);
    }
    if (!target.weights.empty()) {
      out.weights.push_back(target.weights[row]);
    }
    for (uint64_t label = 0; !target.marks.empty() && label < width; ++label) {
      out.marks.push_back(target.marks[row * width + label]);
    }
  }
  return out;
}

}  // namespace athanor
