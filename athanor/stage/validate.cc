// validate: cross-validation of a recipe (or several) as child runs: (documents) x recipe -> report.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <thread>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/hash.h"
#include "athanor/base/text.h"
#include "athanor/base/thread_pool.h"
#include "athanor/stage/validate_notes.h"
#include "athanor/stage/validate_options.h"
#include "athanor/stage/validate_page.h"
#include "athanor/stage/validate_scores.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

namespace {

constexpr auto kPoll = std::chrono::milliseconds(20);

int64_t num_repeats(const ValidateOptions& options) {
  return options.by == "repeated" ? std::max<int64_t>(3, options.repeats) : options.repeats;
}

std::vector<double> shares_of(const ValidateOptions& options) {
  return options.shares.empty() ? std::vector<double>{1} : options.shares;
}

void prepare_validate(nlohmann::json& resolved) {
  auto options = load_options<ValidateOptions>(resolved);
  resolved["metric"] = metric_names(options.metric);
  if (options.recipe.is_string() && options.recipe.get<std::string>().empty()) {
    resolved["recipe"] = options.recipe = nullptr;
  }
  validated_recipes(options);
  varied_values(options.values);
  for (const double share : options.shares) {
    if (!(share > 0 && share <= 1)) {
      throw Error(ErrorKind::kUsage, "shares must be above 0 and at most 1", "validate.shares");
    }
  }
  if (options.by == "nested" && options.values.empty()) {
    throw Error(ErrorKind::kUsage, "by: nested chooses between values: which?", "validate.values",
                "as {fit.fasttext.dim: [8, 32]}");
  }
  if (options.by == "nested") {
    directions(options.direction, metric_names(options.metric));
  }
  if (options.by == "grouped" && options.group.empty()) {
    throw Error(ErrorKind::kUsage, "by: grouped wants the group", "validate.group");
  }
  if (options.by == "time" && options.repeats > 1) {
    throw Error(ErrorKind::kUsage, "by: time draws nothing: repeats would count the same folds again", "validate.repeats", "leave it out");
  }
  refuse_unread("validate", options.by, options.group, options.time_field, options.label_field);
  if (options.by == "stratified" && options.label_field.empty()) {
    resolved["label_field"] = "label";
  }
}

// What each recipe is made of: its own sources where it brings its documents; else its text, and the documents are
// validate's input.
nlohmann::json pin_recipes(const nlohmann::json& resolved, PinContext& pins) {
  const auto options = load_options<ValidateOptions>(resolved);
  const RunStore store(pins.cache_dir.parent_path().parent_path());
  auto pinned = nlohmann::json::object();
  for (const auto& [name, recipe] : validated_recipes(options)) {
    try {
      const FoldRun first{name, varied_values(options.values)[0], shares_of(options)[0], 0, 0, -1};
      pinned[name] = resolve_recipe(folded_recipe(options, recipe, "", first), store, pins).id;
    } catch (const Error&) {  // it needs the documents, which are not known here; what else is wrong shows when it runs
      pinned[name] = sha256_hex(recipe.root().to_json().dump());
    }
  }
  return pinned;
}

std::vector<MetricPath> metrics_of(const ValidateOptions& options) {
  std::vector<MetricPath> metrics;
  for (const auto& name : metric_names(options.metric)) {
    metrics.push_back(parse_metric(name));
  }
  return metrics;
}

std::set<std::string> steps_of(const std::vector<MetricPath>& metrics) {
  std::set<std::string> steps;
  for (const MetricPath& metric : metrics) {
    steps.insert(metric.step);
  }
  return steps;
}

class Validation {
 public:
  Validation(StageContext& context, const ValidateOptions& options)
      : context_(context),
        options_(options),
        store_(context.run.dir().parent_path()),
        pins_{context.digests, context.cache_dir},
        recipes_(validated_recipes(options)),
        metrics_(metrics_of(options)),
        notes_(steps_of(metrics_), options.valid == 0) {
    if (const StageInput* input = context.find("documents")) {
      const RunInput& record = input->record;
      documents_ = record.run.empty() ? record.path : record.run + (record.part.empty() ? "" : "/" + record.part);
    }
  }

  std::vector<FoldRun> runs(const std::vector<nlohmann::json>& values, bool inner) const {
    std::vector<FoldRun> list;
    for (const auto& [name, recipe] : recipes_) {
      for (const auto& value : values) {
        for (const double share : shares_of(options_)) {
          for (int64_t repeat = 0; repeat < num_repeats(options_); ++repeat) {
            for (int64_t fold = 0; fold < options_.folds; ++fold) {
              for (int64_t k = inner ? 0 : -1; k < (inner ? options_.inner : 0); ++k) {
                list.push_back({name, value, share, repeat, fold, k});
              }
            }
          }
        }
      }
    }
    return list;
  }

  // Runs all, as many at a time as `parallel` says. Error(kInput) that names the first fold that failed; what was done
  // is found done the next time. What is told of folds stands in the order of `runs`, whichever ended first.
  std::vector<FoldScore> score(const std::vector<FoldRun>& runs, double from, double to) {
    const int64_t threads = options_.threads > 0 ? options_.threads : std::max<int64_t>(1, available_cores() / options_.parallel);
    ChildRuns children(ChildPlace{store_, context_.run.state() / "folds", threads});
    std::vector<FoldScore> scores(runs.size());
    std::vector<PipelinePlan> plans(runs.size());
    std::map<size_t, std::string> failed;  // by the run's place
    std::map<size_t, std::string> untold;
    std::string hint;
    size_t next = 0;
    size_t done = 0;
    while (done < runs.size()) {
      children.stop_on_interrupt();
      while (next < runs.size() && children.num_running() < static_cast<size_t>(options_.parallel)) {
        const Node recipe = folded_recipe(options_, recipes_.at(runs[next].variant), documents_, runs[next]);
        plans[next] = resolve_recipe(recipe, store_, pins_);
        children.start(static_cast<int64_t>(next), "fold-" + std::to_string(started_++), recipe, plans[next]);
        ++next;
      }
      for (const auto& [key, outcome] : children.poll()) {
        const auto at = static_cast<size_t>(key);
        ++done;
        if (outcome.end != ChildOutcome::End::kDone) {
          failed[at] = name_of(runs[at]) + ": " + outcome.error;
          context_.progress.line(name_of(runs[at]) + " failed: " + outcome.error);
          continue;
        }
        scores[at] = {runs[at], read(runs[at], plans[at], untold[at], hint)};
        emit(scores[at], plans[at]);
      }
      if (!failed.empty() && next < runs.size() && !any_cut(plans)) {  // more folds than rows: true of all
        done += runs.size() - next;
        next = runs.size();
      }
      context_.progress.update(from + (to - from) * static_cast<double>(done) / static_cast<double>(runs.size()),
                               std::to_string(done) + "/" + std::to_string(runs.size()) + " folds");
      std::this_thread::sleep_for(kPoll);
    }
    if (!failed.empty()) {
      throw Error(ErrorKind::kInput, "a fold failed: " + failed.begin()->second, "", "mend it and run again: the other folds are done");
    }
    std::string lacking;
    for (const auto& [at, what] : untold) {
      notes_.add(name_of(runs[at]), plans[at], store_);
      lacking += (lacking.empty() || what.empty() ? "" : "; ") + what;
    }
    if (!lacking.empty()) {
      throw Error(ErrorKind::kInput, lacking, "",
                  hint + (hint.empty() ? "" : "; ") + "a fold of one class has no AUC: by=stratified or fewer folds");
    }
    return scores;
  }

  // What the folds' own runs warned of, and where scores are not defined.
  std::vector<std::string> warnings() const { return notes_.warnings(); }

  const std::vector<MetricPath>& metrics() const { return metrics_; }

 private:
  static std::string name_of(const FoldRun& run) {
    return run.variant + (run.values.empty() ? "" : " " + run.values.dump()) + ", fold " + std::to_string(run.fold + 1) +
           (run.inner_fold < 0 ? "" : ", inner fold " + std::to_string(run.inner_fold + 1)) +
           (run.repeat == 0 ? "" : ", repeat " + std::to_string(run.repeat + 1));
  }

  bool any_cut(const std::vector<PipelinePlan>& plans) const {
    return std::any_of(plans.begin(), plans.end(), [&](const PipelinePlan& plan) {
      return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const StepPlan& step) {
        return step.verb->name == "fold" && store_.find_done(step.verb->name, step.id);
      });
    });
  }

  // NaN where a fold does not tell a metric: untold then names both.
  std::vector<double> read(const FoldRun& run, const PipelinePlan& plan, std::string& untold, std::string& hint) {
    std::vector<double> values;
    for (const MetricPath& metric : metrics_) {
      const MetricReading reading = read_metric(metric_step(plan, metric), metric, store_);
      if (!reading.value || !std::isfinite(*reading.value)) {
        untold += (untold.empty() ? "" : "; ") + name_of(run) + " tells no " + metric.text;
        hint = reading.hint;
      }
      values.push_back(reading.value.value_or(std::nan("")));
    }
    return values;
  }

  void emit(const FoldScore& score, const PipelinePlan& plan) {
    nlohmann::json event{{"recipe", score.run.variant}, {"params", score.run.values}, {"share", score.run.share},
                         {"repeat", score.run.repeat}, {"fold", score.run.fold}, {"values", score.values}};
    if (score.run.inner_fold >= 0) {
      event["inner_fold"] = score.run.inner_fold;
    }
    const StepPlan& step = metric_step(plan, metrics_[0]);  // its run has what the doctor reads
    if (const auto run = store_.find_done(step.verb->name, step.id)) {
      event["run"] = run->name;
    }
    context_.run.events().emit("fold", std::move(event));
  }

  StageContext& context_;
  ValidateOptions options_;
  RunStore store_;
  PinContext pins_;
  std::map<std::string, ChildRecipe> recipes_;
  std::vector<MetricPath> metrics_;
  std::string documents_;
  int64_t started_ = 0;
  FoldNotes notes_;
};

// For each fold the value that was best on its inner folds.
std::vector<FoldRun> chosen(const std::vector<FoldScore>& inner, bool larger, nlohmann::json& told) {
  std::map<std::tuple<std::string, double, int64_t, int64_t>, std::map<std::string, std::vector<double>>> sums;
  for (const FoldScore& score : inner) {
    const FoldRun& run = score.run;
    sums[{run.variant, run.share, run.repeat, run.fold}][run.values.dump()].push_back(score.values[0]);
  }
  std::vector<FoldRun> runs;
  for (const auto& [key, by_value] : sums) {
    const auto best = std::max_element(by_value.begin(), by_value.end(), [&](const auto& a, const auto& b) {
      return larger ? mean_of(a.second) < mean_of(b.second) : mean_of(a.second) > mean_of(b.second);
    });
    const auto& [variant, share, repeat, fold] = key;
    runs.push_back({variant, nlohmann::json::parse(best->first), share, repeat, fold, -1});
    told.push_back({{"recipe", variant}, {"repeat", repeat}, {"fold", fold}, {"values", runs.back().values},
                    {"inner", mean_of(best->second)}});
  }
  return runs;
}

nlohmann::json execute_validate(StageContext& context) {
  const auto options = load_options<ValidateOptions>(context.options);
  if (const StageInput* input = context.find("documents")) {
    check_folds(Documents::open(input->path), fold_options(options, {.repeat = num_repeats(options) - 1}));
  }
  Validation validation(context, options);
  const bool nested = options.by == "nested";
  const auto values = varied_values(options.values);
  auto picks = nlohmann::json::array();
  std::vector<FoldScore> scores;
  if (nested) {
    const bool larger = directions(options.direction, metric_names(options.metric))[0];
    const auto inner = validation.score(validation.runs(values, true), 0, 0.8);
    scores = validation.score(chosen(inner, larger, picks), 0.8, 1);
  } else {
    scores = validation.score(validation.runs(values, false), 0, 1);
  }
  const auto warnings = validation.warnings();
  for (const std::string& warning : warnings) {
    context.warn(warning);
  }
  const FoldGroups groups = grouped(scores, !nested);
  nlohmann::json data{{"metrics", options.metric}, {"by", options.by}, {"values", options.values}, {"chosen", picks},
                      {"warnings", warnings}, {"scores", group_scores(groups, options, nested)},
                      {"comparisons", comparisons(groups, options)}};
  if (!nested) {
    add_more_data_gain(groups, options, data);
  }
  const auto& shown = headline(data["scores"], options);
  std::string summary = std::to_string(scores.size()) + " folds, " + (groups.size() > 1 ? "best " : "") +
                        shown["metric"].get<std::string>() + " " + human_number(shown["mean"].get<double>()) + " (" +
                        human_number(shown["low"].get<double>()) + " to " + human_number(shown["high"].get<double>()) + ")";
  if (groups.size() > 1) {
    summary += " by " + name_of_choice(shown);
  }
  if (!data["comparisons"].empty()) {
    const auto& one = data["comparisons"][0];
    summary += ", " + one["b"].get<std::string>() + " - " + one["a"].get<std::string>() + " " +
               human_number(one["difference"].get<double>()) + ", p " + human_number(one["p"].get<double>());
  }
  nlohmann::json result = data;
  result["summary"] = summary;
  write_file_atomic(context.run.out_tmp() / "validation.json", data.dump());
  Report page{.title = context.run.name(), .subtitle = summary};
  add_validation(data, page);
  page.data = result;
  write_report(page, context.run.out_tmp());
  return result;
}

}  // namespace

Verb validate_verb() {
  Verb verb;
  verb.name = "validate";
  verb.revision = 3;
  verb.summary = "cross-validation of a recipe, learning and validation curves; folds are child runs";
  verb.roles = {{"documents", ArtifactKind::kDocuments, false, "what to fold, where the recipe has no split step"}};
  verb.output = ArtifactKind::kReport;
  verb.schema = schema_of<ValidateOptions>();
  verb.prepare = prepare_validate;
  verb.pins = pin_recipes;
  verb.execute = execute_validate;
  verb.example = "athanor validate from=clean-1a2b3c4d 'recipe={verb: fit}' metric=fit.valid_accuracy by=stratified folds=5";
  return verb;
}

}  // namespace athanor
