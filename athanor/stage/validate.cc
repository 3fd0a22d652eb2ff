// validate: cross-validation of a recipe (or several) as child runs: (documents) x recipe -> report.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/hash.h"
#include "athanor/base/text.h"
#include "athanor/base/thread_pool.h"
#include "athanor/metric/paired.h"
#include "athanor/stage/validate_options.h"
#include "athanor/stage/validate_page.h"
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

struct Score {
  FoldRun run;
  std::vector<double> values;  // a metric each
};

class Validation {
 public:
  Validation(StageContext& context, const ValidateOptions& options)
      : context_(context),
        options_(options),
        store_(context.run.dir().parent_path()),
        pins_{context.digests, context.cache_dir},
        recipes_(validated_recipes(options)) {
    for (const auto& name : metric_names(options.metric)) {
      metrics_.push_back(parse_metric(name));
    }
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
  // is found done the next time.
  std::vector<Score> score(const std::vector<FoldRun>& runs, double from, double to) {
    const int64_t threads = options_.threads > 0 ? options_.threads : std::max<int64_t>(1, available_cores() / options_.parallel);
    ChildRuns children(ChildPlace{store_, context_.run.state() / "folds", threads});
    std::vector<Score> scores(runs.size());
    std::vector<PipelinePlan> plans(runs.size());
    std::string failed;
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
          failed = failed.empty() ? name_of(runs[at]) + ": " + outcome.error : failed;
          context_.progress.line(name_of(runs[at]) + " failed: " + outcome.error);
          continue;
        }
        scores[at] = {runs[at], read(runs[at], plans[at])};
        emit(scores[at], plans[at]);
      }
      context_.progress.update(from + (to - from) * static_cast<double>(done) / static_cast<double>(runs.size()),
                               std::to_string(done) + "/" + std::to_string(runs.size()) + " folds");
      std::this_thread::sleep_for(kPoll);
    }
    if (!failed.empty()) {
      throw Error(ErrorKind::kInput, "a fold failed: " + failed, "", "mend it and run again: the other folds are done");
    }
    return scores;
  }

  const std::vector<MetricPath>& metrics() const { return metrics_; }

 private:
  static std::string name_of(const FoldRun& run) {
    return run.variant + (run.values.empty() ? "" : " " + run.values.dump()) + ", fold " + std::to_string(run.fold + 1) +
           (run.inner_fold < 0 ? "" : ", inner fold " + std::to_string(run.inner_fold + 1)) +
           (run.repeat == 0 ? "" : ", repeat " + std::to_string(run.repeat + 1));
  }

  std::vector<double> read(const FoldRun& run, const PipelinePlan& plan) const {
    std::vector<double> values;
    for (const MetricPath& metric : metrics_) {
      const MetricReading reading = read_metric(metric_step(plan, metric), metric, store_);
      if (!reading.value || !std::isfinite(*reading.value)) {
        throw Error(ErrorKind::kInput, name_of(run) + " tells no " + metric.text, "",
                    reading.hint + (reading.hint.empty() ? "" : "; ") + "a fold of one class has no AUC: by=stratified or fewer folds");
      }
      values.push_back(*reading.value);
    }
    return values;
  }

  void emit(const Score& score, const PipelinePlan& plan) {
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
};

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

// Mean, spread and the interval of the corrected resampled t-test.
nlohmann::json score_json(const std::vector<double>& values, double test_share, double confidence) {
  const double mean = mean_of(values);
  double square = 0;
  for (const double value : values) {
    square += (value - mean) * (value - mean);
  }
  const double n = static_cast<double>(values.size());
  const double variance = n > 1 ? square / (n - 1) : 0;
  const double half = n > 1 ? student_t_quantile(0.5 + confidence / 2, n - 1) * std::sqrt((1 / n + test_share) * variance) : 0;
  return {{"mean", mean}, {"deviation", std::sqrt(variance)}, {"low", mean - half}, {"high", mean + half}, {"folds", values}};
}

// For each fold the value that was best on its inner folds.
std::vector<FoldRun> chosen(const std::vector<Score>& inner, bool larger, nlohmann::json& told) {
  std::map<std::tuple<std::string, double, int64_t, int64_t>, std::map<std::string, std::vector<double>>> sums;
  for (const Score& score : inner) {
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

using Groups = std::vector<std::pair<FoldRun, std::vector<const Score*>>>;  // the same recipe, values and share

Groups grouped(const std::vector<Score>& scores, bool values_matter) {
  Groups groups;
  for (const Score& score : scores) {
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
      return group.first.variant == score.run.variant && group.first.share == score.run.share &&
             (!values_matter || group.first.values == score.run.values);
    });
    if (same == groups.end()) {
      groups.push_back({score.run, {&score}});
    } else {
      same->second.push_back(&score);
    }
  }
  return groups;
}

std::vector<double> metric_values(const std::vector<const Score*>& scores, size_t metric) {
  std::vector<double> values;
  for (const Score* score : scores) {
    values.push_back(score->values[metric]);
  }
  return values;
}

nlohmann::json comparisons(const Groups& groups, const nlohmann::json& metrics, double test_share, double confidence) {
  auto list = nlohmann::json::array();
  for (size_t b = 1; b < groups.size(); ++b) {
    const auto a = std::find_if(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(b), [&](const auto& group) {
      return group.first.share == groups[b].first.share && group.first.variant != groups[b].first.variant &&
             group.first.values == groups[b].first.values;
    });
    if (a == groups.begin() + static_cast<std::ptrdiff_t>(b) || a->second.size() < 2) {
      continue;
    }
    for (size_t m = 0; m < metrics.size(); ++m) {
      const Comparison found =
          corrected_t_test(metric_values(a->second, m), metric_values(groups[b].second, m), test_share, confidence);
      list.push_back({{"a", a->first.variant}, {"b", groups[b].first.variant}, {"metric", metrics[m]}, {"test", found.test},
                      {"difference", found.difference}, {"low", found.low}, {"high", found.high}, {"p", found.p_value}});
    }
  }
  return list;
}

// What twice the training documents would bring, by the two largest shares of the first recipe: the part of the distance to a
// perfect score (1, or a loss of 0) that a doubling took, and the p of the difference over the same folds.
void add_more_data_gain(const Groups& groups, const ValidateOptions& options, double test_share, nlohmann::json& data) {
  std::vector<std::pair<double, std::vector<double>>> curve;  // by share: a score a fold
  for (const auto& [run, members] : groups) {
    if (run.variant == groups[0].first.variant && run.values == groups[0].first.values) {
      curve.emplace_back(run.share, metric_values(members, 0));
    }
  }
  std::sort(curve.begin(), curve.end());
  if (curve.size() < 2 || curve.back().second.size() < 2) {
    return;
  }
  const auto& [small_share, small] = curve[curve.size() - 2];
  const auto& [large_share, large] = curve.back();
  std::vector<bool> maximise;
  try {
    maximise = directions(options.direction, metric_names(options.metric));
  } catch (const Error&) {
    return;  // the name does not tell whether more is better
  }
  const double steps = std::log2(large_share / small_share);
  const double gain = (maximise[0] ? 1 : -1) * (mean_of(large) - mean_of(small)) / std::max(steps, 1e-9);
  const double distance = (maximise[0] ? 1 - mean_of(large) : mean_of(large)) + gain;  // before the last doubling
  if (distance > 0 && steps > 0) {
    data["more_data_gain"] = gain / distance;
    data["more_data_p"] = corrected_t_test(small, large, test_share, options.confidence).p_value;
  }
}

// The best by the first metric; the first where its name does not tell whether more is better.
const nlohmann::json& headline(const nlohmann::json& scores, const ValidateOptions& options) {
  bool larger = true;
  try {
    larger = directions(options.direction, metric_names(options.metric))[0];
  } catch (const Error&) {
    return scores[0];
  }
  size_t best = 0;
  for (size_t i = 1; i < scores.size(); ++i) {
    const double one = scores[i]["mean"].get<double>(), other = scores[best]["mean"].get<double>();
    best = scores[i]["metric"] == scores[0]["metric"] && (larger ? one > other : one < other) ? i : best;
  }
  return scores[best];
}

nlohmann::json execute_validate(StageContext& context) {
  const auto options = load_options<ValidateOptions>(context.options);
  Validation validation(context, options);
  const bool nested = options.by == "nested";
  const auto values = varied_values(options.values);
  auto picks = nlohmann::json::array();
  std::vector<Score> scores;
  if (nested) {
    const bool larger = directions(options.direction, metric_names(options.metric))[0];
    const auto inner = validation.score(validation.runs(values, true), 0, 0.8);
    scores = validation.score(chosen(inner, larger, picks), 0.8, 1);
  } else {
    scores = validation.score(validation.runs(values, false), 0, 1);
  }
  const double test_share = options.by == "time" ? 2.0 / static_cast<double>(options.folds + 1)
                                                 : 1.0 / static_cast<double>(options.folds - 1);
  const Groups groups = grouped(scores, !nested);
  nlohmann::json data{{"metrics", options.metric}, {"by", options.by}, {"values", options.values}, {"chosen", picks},
                      {"scores", nlohmann::json::array()}};
  for (const auto& [run, members] : groups) {
    for (size_t m = 0; m < validation.metrics().size(); ++m) {
      auto score = score_json(metric_values(members, m), test_share, options.confidence);
      score["recipe"] = run.variant;
      score["values"] = nested ? nlohmann::json::object() : run.values;
      score["share"] = run.share;
      score["metric"] = options.metric[m];
      data["scores"].push_back(std::move(score));
    }
  }
  data["comparisons"] = comparisons(groups, options.metric, test_share, options.confidence);
  if (!nested) {
    add_more_data_gain(groups, options, test_share, data);
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
