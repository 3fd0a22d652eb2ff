#include "athanor/stage/tune_study.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/text.h"
#include "athanor/base/thread_pool.h"
#include "athanor/stage/execute.h"
#include "athanor/stage/tune_change.h"

namespace athanor {

namespace {

constexpr auto kPoll = std::chrono::milliseconds(20);
constexpr double kWatchSeconds = 0.3;
constexpr double kShowSeconds = 0.25;

int64_t integer_option(const StepPlan& step, const char* name) {
  const auto found = step.options.find(name);
  return found != step.options.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

}  // namespace

TrialWay whole_way(const PipelinePlan& plan, const MetricPath& metric, const tune::PrunerOptions& pruner) {
  if (!pruner.rungs() && !pruner.live()) {
    return {};
  }
  const StepPlan& step = metric_step(plan, metric);
  if (step.verb->schema.find("stop_at") == nullptr || metric.keys.size() < 2) {
    throw Error(ErrorKind::kUsage, pruner.kind + (pruner.rungs() ? " pauses trials on the way, and " : " ends trials on the way, and ") +
                                       metric.text + (pruner.rungs() ? " cannot be paused or watched" : " cannot be watched"),
                "pruner.kind", "take a metric of pretrain's or finetune's events, such as pretrain.eval.loss, or pruner: none");
  }
  if (pruner.live()) {
    return {};
  }
  const int64_t steps = integer_option(step, "steps");
  if (steps < 2) {
    throw Error(ErrorKind::kUsage, pruner.kind + " needs to know how many steps a trial has", step.label + ".steps",
                "give " + step.label + ".steps in the recipe");
  }
  const bool evaluated = metric.keys[0] == "eval";
  const int64_t unit = integer_option(step, evaluated ? "eval_every" : "log_every");
  if (unit < 1 || unit >= steps) {
    throw Error(ErrorKind::kUsage, pruner.kind + " needs values on the way, and the step tells none before its end",
                step.label + (evaluated ? ".eval_every" : ".log_every"), "make it a small part of steps");
  }
  return {steps, unit};
}

TuneStudy::TuneStudy(StageContext& context, const TuneOptions& options)
    : context_(context),
      options_(options),
      store_(context.run.dir().parent_path()),
      pins_{context.digests, context.cache_dir},
      recipe_(ChildRecipe::load(options.recipe, options.data_dir)),
      began_(monotonic_time()) {
  for (const std::string& name : metric_names(options.metric)) {
    metrics_.push_back(parse_metric(name));
  }
  maximise_ = directions(options.direction, metric_names(options.metric));
  const tune::Space space = tune::Space::from_json(options.space);
  tune::Point middle;
  space.settle(middle);
  const PipelinePlan probe = resolve_recipe(recipe_.with(overrides_of(space.values(middle))), store_, pins_);
  search_ = std::make_unique<tune::Search>(space, search_options(probe));
  make_dirs(context.run.state());
  if (!fs::exists(context.run.state() / "study.jsonl")) {
    if (const std::string note = changed_study(store_, context.run.dir()); !note.empty()) {
      context.warn(note);
    }
  }
  mirror_ = std::make_unique<tune::OptunaFile>(context.run.dir() / "study.db", context.run.name(), space, maximise_);
  mirror_->begin();
  journal_ = std::make_unique<tune::StudyJournal>(context.run.state() / "study.jsonl", *search_,
                                                  [this](const nlohmann::json& line) { replayed(line); });
  mirror_->commit();
  const int64_t cores = available_cores();
  const int64_t threads = options.threads > 0 ? options.threads : std::max<int64_t>(1, cores / options.parallel);
  children_ = std::make_unique<ChildRuns>(ChildPlace{store_, context.run.state() / "trials", threads});
}

tune::SearchOptions TuneStudy::search_options(const PipelinePlan& probe) const {
  tune::SearchOptions search;
  search.sampler = options_.sampler;
  search.pruner = options_.pruner;
  search.maximise = maximise_;
  search.trials = options_.trials;
  search.parallel = options_.parallel;
  const TrialWay way = whole_way(probe, metrics_[0], options_.pruner);
  search.max_steps = way.steps;
  search.step_unit = way.unit;
  search.digits = options_.digits;
  search.seed = static_cast<uint64_t>(options_.seed);
  return search;
}

void TuneStudy::replayed(const nlohmann::json& line) {
  const int64_t trial = search_->job(line.at("job")).trial;
  const double time = line.value("t", 0.0);
  begun_.try_emplace(trial, time);
  if (line.value("type", "") != "tell") {
    return;
  }
  failures_ += search_->trial(trial).state == tune::TrialState::kFailed ? 1 : 0;
  last_error_ = search_->trial(trial).error.empty() ? last_error_ : search_->trial(trial).error;
  const auto& note = search_->note(trial);
  seconds_ += note.is_object() ? note.value("seconds", 0.0) : 0.0;
  mirror_->put(search_->trial(trial), begun_[trial], time, note);
  emit(trial);
  if (search_->job(line.at("job")).to_step == 0) {
    begun_.erase(trial);
  }
}

Node TuneStudy::recipe_of(int64_t trial) const {
  return recipe_.with(overrides_of(search_->space().values(search_->trial(trial).point)));
}

void TuneStudy::run() {
  for (const tune::Job& job : journal_->open_jobs()) {
    start(job);
  }
  double watched = 0;
  double shown = 0;
  while (true) {
    children_->stop_on_interrupt();
    if (options_.timeout > 0 && monotonic_time() - began_ > options_.timeout) {
      search_->stop();
    }
    while (static_cast<int64_t>(open_.size()) < options_.parallel) {
      const auto job = search_->next();
      if (!job) {
        break;
      }
      journal_->ask(*job, *search_, unix_time());
      start(*job);
    }
    if (search_->finished() && open_.empty()) {
      return;
    }
    for (const auto& [job, outcome] : children_->poll()) {
      ended(job, outcome);
    }
    if (options_.pruner.live() && monotonic_time() - watched > kWatchSeconds) {
      watched = monotonic_time();
      for (auto& [job, open] : open_) {
        watch(open);
      }
    }
    if (monotonic_time() - shown > kShowSeconds) {
      shown = monotonic_time();
      show();
    }
    std::this_thread::sleep_for(kPoll);
  }
}

void TuneStudy::start(const tune::Job& job) {
  begun_.try_emplace(job.trial, unix_time());
  open_[job.index] = Open{job, {}, false, 0};
  mirror_->put(search_->trial(job.trial), begun_[job.trial], 0, nlohmann::json::object());
  std::optional<ChildOutcome> at_once;
  try {
    at_once = launch(job);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInterrupted) {
      throw;
    }
    const std::string where = error.where().empty() ? "" : error.where() + ": ";
    at_once = ChildOutcome{ChildOutcome::End::kFailed, where + error.message(), 0};
  }
  if (at_once) {
    ended(job.index, *at_once);
  }
}

std::optional<ChildOutcome> TuneStudy::launch(const tune::Job& job) {
  Node recipe = recipe_of(job.trial);
  PipelinePlan plan = resolve_recipe(recipe, store_, pins_);
  for (const MetricPath& metric : metrics_) {
    metric_step(plan, metric);
  }
  plans_[job.index] = plan;
  if (job.to_step > 0) {
    const StepPlan& step = watched_step(plan);
    const auto reading = read_metric(step, metrics_[0], store_);
    if (!reading.steps.empty() && reading.steps.back().first >= job.to_step) {  // an earlier study went that far
      return ChildOutcome{ChildOutcome::End::kPaused, "", 0};
    }
    set_step_field(recipe, step, "stop_at", job.to_step);
  }
  children_->start(job.index, "trial-" + std::to_string(job.trial), std::move(recipe), std::move(plan));
  return std::nullopt;
}

void TuneStudy::watch(Open& open) {
  const auto plan = plans_.find(open.job.index);
  if (plan == plans_.end() || open.pruned) {
    return;
  }
  const auto reading = read_metric(watched_step(plan->second), metrics_[0], store_);
  for (const auto& step : reading.steps) {
    if (!open.seen.empty() && step.first <= open.seen.back().first) {
      continue;
    }
    open.seen.push_back(step);
    if (search_->prune(open.job, open.seen)) {
      open.pruned = true;
      open.pruned_at = step.first;
      if (children_->is_running(open.job.index)) {
        children_->interrupt(open.job.index);
      }
      return;
    }
  }
}

void TuneStudy::ended(int64_t index, const ChildOutcome& outcome) {
  Open open = open_.at(index);
  tune::JobResult result = read_result(open, outcome);
  tell(open.job, std::move(result));
  open_.erase(index);
  plans_.erase(index);
}

tune::JobResult TuneStudy::read_result(Open& open, const ChildOutcome& outcome) {
  tune::JobResult result;
  result.note = {{"seconds", outcome.seconds}};
  const auto fail = [&](const std::string& why) {
    result.state = tune::TrialState::kFailed;
    result.error = why;
    return result;
  };
  const auto plan = plans_.find(open.job.index);
  if (plan == plans_.end() || outcome.end == ChildOutcome::End::kFailed) {
    return fail(outcome.error);
  }
  const StepPlan& step = watched_step(plan->second);
  result.note["run"] = run_folder(step, store_).filename().string();
  if (options_.pruner.live()) {
    watch(open);  // the values that came since: a trial that was faster than we looked is judged the same
  }
  const auto reading = read_metric(step, metrics_[0], store_);
  const int64_t limit = open.pruned ? open.pruned_at : open.job.to_step;
  for (const auto& at : reading.steps) {
    if (limit == 0 || at.first <= limit) {
      result.steps.push_back(at);
    }
  }
  if (open.pruned || open.job.to_step > 0) {
    result.state = tune::TrialState::kPruned;
    if (result.steps.empty()) {
      return fail("there is no " + metrics_[0].text + " up to step " + std::to_string(open.job.to_step) +
                  ": give the step a smaller eval_every, or min_steps to the pruner");
    }
    result.values = {result.steps.back().second};
    return result;
  }
  if (outcome.end != ChildOutcome::End::kDone) {
    return fail("the trial was paused on its way: the recipe says stop_at");
  }
  for (const MetricPath& metric : metrics_) {
    const MetricReading reading = read_metric(metric_step(plan->second, metric), metric, store_);
    if (!reading.value || std::isnan(*reading.value)) {
      return fail("the run tells no " + metric.text + (reading.hint.empty() ? "" : " (" + reading.hint + ")"));
    }
    result.values.push_back(*reading.value);
  }
  return result;
}

void TuneStudy::tell(const tune::Job& job, tune::JobResult result) {
  const double now = unix_time();
  journal_->tell(job, result, now);
  seconds_ += result.note.value("seconds", 0.0);
  search_->report(job.index, std::move(result));
  const tune::Trial& trial = search_->trial(job.trial);
  mirror_->put(trial, begun_[job.trial], now, search_->note(job.trial));
  emit(job.trial);
  if (job.to_step == 0) {
    begun_.erase(job.trial);
  }
  if (trial.state == tune::TrialState::kFailed) {
    last_error_ = trial.error;
    context_.progress.line("trial " + std::to_string(trial.number) + " failed: " + trial.error);
    if (++failures_ > options_.failures) {
      throw Error(ErrorKind::kInput, std::to_string(failures_) + " trials failed, the last one: " + last_error_, "",
                  "mend the recipe or the space; failures: says how many are borne");
    }
  }
}

void TuneStudy::emit(int64_t number) {
  const tune::Trial& trial = search_->trial(number);
  nlohmann::json event{{"trial", number}, {"state", name_of(trial.state)}, {"values", trial.values},
                       {"params", search_->space().values(trial.point)}};
  if (!trial.steps.empty()) {
    event["step"] = trial.steps.back().first;
  }
  if (!trial.error.empty()) {
    event["error"] = trial.error;
  }
  context_.run.events().emit("trial", std::move(event));
}

void TuneStudy::show() const {
  const int64_t ended = search_->num_trials() - search_->count(tune::TrialState::kRunning);
  std::string text = std::to_string(ended) + "/" + std::to_string(options_.trials) + " trials";
  const auto& best = search_->best();
  if (best.size() == 1) {
    text += ", best " + human_number(search_->trial(best[0]).values[0]) + " (trial " + std::to_string(best[0]) + ")";
  } else if (!best.empty()) {
    text += ", " + std::to_string(best.size()) + " on the front";
  }
  text += open_.empty() ? "" : ", " + std::to_string(open_.size()) + " running";
  context_.progress.update(static_cast<double>(ended) / static_cast<double>(options_.trials), text);
}

}  // namespace athanor
