// A study: sampler, pruner and history. It hands out jobs and is told their results; who runs them is not its business.
//
// The study is a pure function of its options and the results, whatever the order and speed in which jobs end: with
// `parallel` workers job k is decided from the results of jobs 0 .. k - lag, lag = 2 * parallel - 1, as if the others still
// ran. Results that come early wait for their turn. So a study that was killed is replayed from its journal
// (StudyJournal) and goes on with the very next decision.
//
// Memory is flat for samplers that keep a bounded memory of their own: of ended trials a sample stays (history.h). Trials
// that paused at a rung stay all: any of them may go on.
//
//   Search search(space, options);
//   while (auto job = search.next()) { search.report(job->index, run(search.trial(job->trial).point, job->to_step)); }
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "athanor/tune/history.h"
#include "athanor/tune/pruner.h"
#include "athanor/tune/sampler.h"

namespace athanor::tune {

struct SearchOptions {
  SamplerOptions sampler;
  PrunerOptions pruner;
  std::vector<bool> maximise{false};  // an objective each
  int64_t trials = 20;
  int64_t parallel = 1;
  int64_t max_steps = 0;  // the whole way of a trial; for asha and hyperband
  int64_t step_unit = 1;  // steps between two values of a trial
  int64_t digits = 6;     // of continuous values; 0: all
  uint64_t seed = 1;
};

// A trial's way to a step.
struct Job {
  int64_t index = -1;
  int64_t trial = -1;
  int64_t from_step = 0;  // where it paused before
  int64_t to_step = 0;    // where it pauses; 0: the whole way
  int64_t known = 0;      // results that it was decided from
};

struct JobResult {
  TrialState state = TrialState::kComplete;       // kPruned: paused at a rung, or ended by should_prune
  std::vector<double> values;                     // in the user's own direction
  std::vector<std::pair<int64_t, double>> steps;  // of this job, or of the whole trial
  std::string error;
  nlohmann::json note;  // kept with the trial: run, seconds
};

class Search {
 public:
  Search(const Space& space, const SearchOptions& options);

  // The next job, or none: everything that could be decided is running (report first), or the study is finished.
  std::optional<Job> next();
  bool finished() const { return over_; }
  // No new trial and no promotion from now on (time is up): next gives none, and finished when all jobs are reported.
  void stop() { stopped_ = true; }

  void report(int64_t job, JobResult result);

  // Whether a live trial ends after these steps (in the user's own direction): median, percentile.
  bool prune(const Job& job, const std::vector<std::pair<int64_t, double>>& steps) const;

  const Space& space() const { return space_; }
  const SearchOptions& options() const { return options_; }
  int64_t num_trials() const { return history_.size(); }
  int64_t count(TrialState state) const { return history_.count(state); }
  // In the user's own direction. Values appear when they are reported, in whatever order. Error(kInternal) for a trial that
  // ended long ago and is forgotten: one that runs, one just reported and the best are not.
  const Trial& trial(int64_t number) const { return history_.at(number).trial; }
  const nlohmann::json& note(int64_t number) const { return history_.at(number).note; }
  // Those in memory, by number: all of them as long as `whole`.
  std::vector<Trial> trials() const { return history_.kept(); }
  bool whole() const { return history_.whole(); }
  // A job that is not yet applied: open, or just reported.
  const Job& job(int64_t index) const;
  int64_t num_jobs() const { return num_jobs_; }
  // Complete trials that no other is better than (one objective: at most one); earlier ones first among equals.
  const std::vector<int64_t>& best() const { return history_.best(); }

 private:
  std::optional<Job> decide();
  void apply_next();  // gives the sampler and the rungs the next result in order
  Trial flipped(const Trial& trial) const;

  Space space_;
  SearchOptions options_;
  std::unique_ptr<Sampler> sampler_;
  std::optional<Rungs> rungs_;
  History history_;
  std::map<int64_t, Job> jobs_;           // not applied
  int64_t num_jobs_ = 0;
  std::map<int64_t, JobResult> waiting_;  // reported, not applied
  int64_t applied_ = 0;                   // results, in order of jobs
  std::map<int64_t, int64_t> reached_;    // the step at which each trial paused last, with rungs
  bool over_ = false;
  bool stopped_ = false;
  struct Applied {
    int64_t at;  // value of applied_ after it
    Trial trial; // flipped
  };
  std::deque<Applied> finished_;  // the newest, for prune()
};

}  // namespace athanor::tune
