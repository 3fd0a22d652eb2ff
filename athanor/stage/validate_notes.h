// What the folds' own runs say that a person must be told of the whole: rows lost, scores that are not defined, rows that
// stand in both parts or told a model when to stop.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "athanor/stage/resolve.h"

namespace athanor {

class FoldNotes {
 public:
  // metric_steps: those that the metrics are read from. same_rows: the valid part of a fold is what it holds out.
  FoldNotes(std::set<std::string> metric_steps, bool same_rows) : metric_steps_(std::move(metric_steps)), same_rows_(same_rows) {}

  // fold: as in "recipe, fold 2". Reads the warnings and the result of each step behind the fold that is done.
  void add(const std::string& fold, const PipelinePlan& plan, const RunStore& store);

  // "fit: 10 of 160 rows are left out: column 'y', no label (recipe, fold 1; and so in 4 other folds)": warnings that differ in
  // numbers alone are one; then each score that some folds tell and others do not, with those folds; then duplicates;
  // then a model that stopped early by the rows it is judged by.
  std::vector<std::string> warnings() const;

 private:
  struct Told {
    std::string text;
    std::vector<std::string> folds;
  };
  void read_result(const std::string& fold, const StepPlan& step, const nlohmann::json& result);

  std::set<std::string> metric_steps_;
  bool same_rows_;
  std::set<std::string> stopped_;                               // steps that stopped by the rows that judge them
  std::map<std::string, Told> warned_;                          // by the text without its numbers
  std::map<std::string, std::set<std::string>> scores_;         // by step: those that any fold tells
  std::map<std::string, std::map<std::string, std::set<std::string>>> told_;  // by step and fold
  std::map<std::string, double> overlaps_;                      // by fold
};

}  // namespace athanor
