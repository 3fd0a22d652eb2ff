#include "athanor/tune/search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "athanor/base/error.h"

namespace athanor::tune {

namespace {

constexpr int64_t kCompared = 1024;  // trials that a running one is compared with, the newest

}  // namespace

Search::Search(const Space& space, const SearchOptions& options)
    : space_(space),
      options_(options),
      sampler_(make_sampler(options.sampler, space, options.maximise.size(), options.seed)),
      history_(options.seed, options.maximise) {
  if (options_.pruner.kind != "none" && options_.maximise.size() > 1) {
    throw Error(ErrorKind::kUsage, "a pruner compares one objective, not several", "pruner.kind");
  }
  if (options_.pruner.rungs()) {
    if (options_.max_steps < 2) {
      throw Error(ErrorKind::kUsage, options_.pruner.kind + " needs to know how many steps a trial has", "pruner.kind");
    }
    rungs_.emplace(options_.pruner, options_.max_steps, options_.step_unit);
    sampler_->pauses_at(rungs_->steps());
  }
}

Trial Search::flipped(const Trial& trial) const {
  Trial copy = trial;
  for (size_t i = 0; i < copy.values.size(); ++i) {
    copy.values[i] = options_.maximise[i] ? -copy.values[i] : copy.values[i];
  }
  for (auto& [step, value] : copy.steps) {
    value = options_.maximise[0] ? -value : value;
  }
  return copy;
}

std::optional<Job> Search::next() {
  const int64_t lag = 2 * options_.parallel - 1;
  while (applied_ <= num_jobs() - lag) {
    if (!waiting_.contains(applied_)) {
      return std::nullopt;
    }
    apply_next();
  }
  while (true) {
    if (auto job = decide()) {
      job->index = num_jobs();
      job->known = applied_;
      jobs_.emplace(num_jobs_++, *job);
      return job;
    }
    if (applied_ == num_jobs()) {
      over_ = true;
      return std::nullopt;
    }
    if (!waiting_.contains(applied_)) {
      return std::nullopt;
    }
    apply_next();
  }
}

std::optional<Job> Search::decide() {
  if (stopped_) {
    return std::nullopt;
  }
  const bool all_asked = num_trials() >= options_.trials || sampler_->exhausted();
  if (rungs_) {
    auto promotion = rungs_->promote(all_asked && applied_ == num_jobs());
    // When all is known, no bracket stays without its best: rungs too small to promote by share, and what came too late.
    if (!promotion && all_asked && applied_ == num_jobs()) {
      promotion = rungs_->promote_best();
    }
    if (promotion) {
      const int64_t to = promotion->steps >= options_.max_steps ? 0 : promotion->steps;
      return Job{-1, promotion->trial, reached_[promotion->trial], to};
    }
  }
  if (all_asked) {
    return std::nullopt;
  }
  Trial trial;
  trial.number = num_trials();
  trial.point = sampler_->suggest(trial.number);
  if (options_.digits > 0) {
    space_.round(trial.point, static_cast<int>(options_.digits));
  }
  sampler_->note(trial.number, trial.point);
  const int64_t number = trial.number;
  history_.add(std::move(trial));
  const int64_t first = rungs_ ? rungs_->first_steps(number) : 0;
  return Job{-1, number, 0, first >= options_.max_steps ? 0 : first};
}

const Job& Search::job(int64_t index) const {
  const auto found = jobs_.find(index);
  if (found == jobs_.end()) {
    throw Error(ErrorKind::kInternal, "job " + std::to_string(index) + " is not open");
  }
  return found->second;
}

void Search::report(int64_t index, JobResult result) {
  History::Entry& entry = history_.at(job(index).trial);
  Trial& trial = entry.trial;
  if (waiting_.contains(index)) {
    throw Error(ErrorKind::kInternal, "job " + std::to_string(index) + " was reported twice");
  }
  if (result.state == TrialState::kComplete && result.values.size() != options_.maximise.size()) {
    throw Error(ErrorKind::kInternal, "a trial gave " + std::to_string(result.values.size()) + " values");
  }
  for (const double value : result.values) {
    if (std::isnan(value) && result.state == TrialState::kComplete) {
      result.state = TrialState::kFailed;
      result.error = "the metric is not a number";
    }
  }
  const TrialState before = trial.state;
  trial.state = result.state;
  trial.error = result.error;
  if (!result.values.empty()) {
    trial.values = result.values;
  }
  for (const auto& step : result.steps) {
    if (trial.steps.empty() || step.first > trial.steps.back().first) {
      trial.steps.push_back(step);
    }
  }
  if (!result.note.is_null()) {
    entry.note = result.note;
  }
  history_.changed(trial.number, before);
  waiting_.emplace(index, std::move(result));
}

void Search::apply_next() {
  const Job done = jobs_.extract(applied_).mapped();
  const auto node = waiting_.extract(applied_);
  const JobResult& result = node.mapped();
  // What was known after this job: a later job of the same trial may have been reported already, so not the trial as it is.
  Trial trial = history_.at(done.trial).trial;
  trial.state = result.state;
  trial.values = result.values;
  std::erase_if(trial.steps, [&](const auto& step) { return done.to_step > 0 && step.first > done.to_step; });
  const Trial told = flipped(trial);
  ++applied_;
  sampler_->tell(told);
  if (options_.pruner.live()) {
    finished_.push_back({applied_, told});
    while (finished_.front().at <= applied_ - kCompared - 2 * options_.parallel) {
      finished_.pop_front();
    }
  }
  if (!rungs_ || done.to_step == 0 || result.state == TrialState::kFailed) {
    history_.settle(trial.number);
  }
  if (!rungs_) {
    return;
  }
  reached_[trial.number] = done.to_step;
  if (result.state == TrialState::kFailed) {
    rungs_->failed(trial.number);
    return;
  }
  const double value = !told.values.empty() ? told.values[0]
                       : !told.steps.empty() ? told.steps.back().second
                                             : std::numeric_limits<double>::quiet_NaN();
  rungs_->reached(trial.number, done.to_step == 0 ? options_.max_steps : done.to_step, value);
}

bool Search::prune(const Job& job, const std::vector<std::pair<int64_t, double>>& steps) const {
  if (!options_.pruner.live()) {
    return false;
  }
  std::vector<const Trial*> finished;
  for (const Applied& applied : finished_) {
    if (applied.at <= job.known && applied.at > job.known - kCompared) {
      finished.push_back(&applied.trial);
    }
  }
  Trial so_far;
  so_far.steps = steps;
  return should_prune(options_.pruner, flipped(so_far).steps, finished);
}

}  // namespace athanor::tune
