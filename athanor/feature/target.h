// What is to be predicted, a value a row.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace athanor {

enum class Task { kClasses, kMultiLabel, kRegression, kClusters, kAnomaly };

// "classes", "multilabel", "regression", "clusters", "anomaly": as a recipe writes them.
const char* name_of(Task task);

struct Target {
  Task task = Task::kClasses;
  std::vector<std::string>
      labels;  // kClasses, kMultiLabel: names of the classes, in the order of their numbers
  std::vector<int32_t> classes;  // kClasses: 0 .. labels.size() - 1
  std::vector<uint8_t> marks;    // kMultiLabel: rows x labels, 1 = the row has the label
  std::vector<double> values;    // kRegression
  std::vector<double> weights;   // of rows; empty: all 1 (class weights are multiplied in already)

  uint64_t rows() const;  // 0 for kClusters and kAnomaly, which have no truth
  double weight(uint64_t row) const { return weights.empty() ? 1.0 : weights[row]; }
};

Target take_rows(const Target& target, const std::vector<uint64_t>& rows);

}  // namespace athanor
