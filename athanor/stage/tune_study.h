// A study while it runs: its search, its trials as child runs, its journal, and the mirror for Optuna's tools.
#pragma once

#include <map>
#include <memory>

#include "athanor/run/verb.h"
#include "athanor/stage/child_runs.h"
#include "athanor/stage/tune_options.h"
#include "athanor/tune/optuna_file.h"
#include "athanor/tune/study_journal.h"

namespace athanor {

// Steps of the whole way of a trial and between two of its values, for pruners that pause (0 for the others); Error(kUsage)
// when the pruner looks at trials on their way, and the metric's step tells nothing there.
struct TrialWay {
  int64_t steps = 0;
  int64_t unit = 1;
};
TrialWay whole_way(const PipelinePlan& plan, const MetricPath& metric, const tune::PrunerOptions& pruner);

class TuneStudy {
 public:
  TuneStudy(StageContext& context, const TuneOptions& options);

  // Until all trials have ended. Error(kInterrupted) after Ctrl-C, children stopped in order; Error(kInput) when too many
  // trials fail.
  void run();

  const tune::Search& search() const { return *search_; }
  const std::vector<MetricPath>& metrics() const { return metrics_; }
  const RunStore& store() const { return store_; }
  Node recipe_of(int64_t trial) const;  // with the trial's values
  PipelinePlan plan_of(int64_t trial) { return resolve_recipe(recipe_of(trial), store_, pins_); }
  const std::string& last_error() const { return last_error_; }
  double seconds() const { return seconds_; }  // of all trials' processes

 private:
  struct Open {
    tune::Job job;
    std::vector<std::pair<int64_t, double>> seen;  // steps that were looked at
    bool pruned = false;
    int64_t pruned_at = 0;
  };

  tune::SearchOptions search_options(const PipelinePlan& probe) const;
  void replayed(const nlohmann::json& line);
  void start(const tune::Job& job);
  std::optional<ChildOutcome> launch(const tune::Job& job);  // a value: it needs no process
  void watch(Open& open);
  void ended(int64_t job, const ChildOutcome& outcome);
  tune::JobResult read_result(Open& open, const ChildOutcome& outcome);
  void tell(const tune::Job& job, tune::JobResult result);
  void emit(int64_t trial);
  void show() const;
  const StepPlan& watched_step(const PipelinePlan& plan) const { return metric_step(plan, metrics_[0]); }

  StageContext& context_;
  TuneOptions options_;
  RunStore store_;
  PinContext pins_;
  ChildRecipe recipe_;
  std::vector<MetricPath> metrics_;
  std::vector<bool> maximise_;
  std::unique_ptr<tune::Search> search_;
  std::unique_ptr<tune::OptunaFile> mirror_;
  std::unique_ptr<tune::StudyJournal> journal_;
  std::unique_ptr<ChildRuns> children_;
  std::map<int64_t, Open> open_;       // by job
  std::map<int64_t, double> begun_;    // by trial: Unix time
  std::map<int64_t, PipelinePlan> plans_;  // of open jobs
  int64_t failures_ = 0;
  std::string last_error_;
  double seconds_ = 0;
  double began_ = 0;
};

}  // namespace athanor
