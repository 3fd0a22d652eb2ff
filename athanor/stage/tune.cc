// tune: recipe x space -> report + the best trial's artifact. Trials are child runs.
#include <algorithm>
#include <cmath>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/stage/pipeline.h"
#include "athanor/stage/tune_page.h"
#include "athanor/stage/tune_study.h"
#include "athanor/stage/verb_list.h"
#include "athanor/tune/importance.h"

namespace athanor {

namespace {

void prepare_tune(nlohmann::json& resolved) {
  const auto options = load_options<TuneOptions>(resolved);
  const tune::Space space = tune::Space::from_json(options.space);
  const auto metrics = metric_names(options.metric);
  const auto maximise = directions(options.direction, metrics);
  resolved["metric"] = metrics;
  resolved["direction"] = nlohmann::json::array();
  for (const bool larger : maximise) {
    resolved["direction"].push_back(larger ? "maximize" : "minimize");
  }
  if (metrics.size() > 1 && options.sampler.kind == "tpe") {  // the default is for one objective
    resolved["sampler"]["kind"] = "nsga2";
  }
  const auto settled = load_options<TuneOptions>(resolved);
  tune::SearchOptions search;
  search.sampler = settled.sampler;
  search.pruner = settled.pruner;
  search.maximise = maximise;
  search.max_steps = settled.pruner.rungs() ? 1000000 : 0;
  tune::Search check(space, search);
}

// Sequences, or tokens, of an evaluation; 0: the whole set, or the step evaluates nothing.
int64_t evaluated(const StepPlan& step) {
  int64_t size = 1;
  for (const char* name : {"eval_batches", "batch_size", "sequence_length"}) {
    const auto found = step.options.find(name);
    if (found != step.options.end() && found->is_number_integer()) {
      size *= found->get<int64_t>();
    } else if (std::string_view(name) == "eval_batches") {
      return 0;
    }
  }
  return size;
}

// Trials must be judged by the same text: `eval_batches` batches are more text where the batch is larger.
void check_evaluated(const std::vector<int64_t>& sizes, const std::string& step) {
  const auto [least, most] = std::minmax_element(sizes.begin(), sizes.end());
  if (*least != *most) {
    throw Error(ErrorKind::kUsage, "trials would be judged by different validation text: " + step +
                ".eval_batches counts batches, and the searched fields change their size (" + std::to_string(*least) + " to " +
                std::to_string(*most) + " tokens)", step + ".eval_batches", "set " + step + ".eval_batches: 0, the whole set");
  }
}

// Whether only the ends of a range tell how much is evaluated.
bool sizes_batches(const tune::Parameter& parameter) {
  const std::string field = parameter.name.substr(parameter.name.rfind('.') + 1);
  return !parameter.is_choice() && (field == "eval_batches" || field == "batch_size" || field == "sequence_length");
}

// Resolves the recipe in the middle of the space and once with every choice: wrong keys and values are found before
// anything runs, and what the recipe is made of enters the id.
nlohmann::json pin_recipe(const nlohmann::json& resolved, PinContext& pins) {
  const auto options = load_options<TuneOptions>(resolved);
  const tune::Space space = tune::Space::from_json(options.space);
  const RunStore store(pins.cache_dir.parent_path().parent_path());
  const ChildRecipe recipe = ChildRecipe::load(options.recipe, options.data_dir);
  nlohmann::json pinned;
  std::vector<int64_t> sizes;
  const auto probe = [&](tune::Point point) {
    space.settle(point);
    const PipelinePlan plan = resolve_recipe(recipe.with(overrides_of(space.values(point))), store, pins);
    for (const auto& name : metric_names(options.metric)) {
      metric_step(plan, parse_metric(name));
    }
    const MetricPath first = parse_metric(metric_names(options.metric)[0]);
    whole_way(plan, first, options.pruner);
    sizes.push_back(evaluated(metric_step(plan, first)));
    return plan.id;
  };
  pinned["recipe"] = probe({});
  for (size_t i = 0; i < space.size(); ++i) {
    for (double value = space[i].low; space[i].is_choice() && space[i].parent < 0 && value <= space[i].high; ++value) {
      tune::Point point(space.size(), std::nan(""));
      point[i] = value;
      probe(point);
    }
    for (const double value : {space[i].low, space[i].high}) {
      if (sizes_batches(space[i]) && space[i].parent < 0) {
        tune::Point point(space.size(), std::nan(""));
        point[i] = value;
        probe(point);
      }
    }
  }
  check_evaluated(sizes, parse_metric(metric_names(options.metric)[0]).step);
  return pinned;
}

// Empty where the trials go over the whole grid.
std::string untried_of_grid(const TuneOptions& options, const tune::Space& space) {
  if (options.sampler.kind != "grid") {
    return "";
  }
  constexpr uint64_t kMost = 1'000'000;
  const auto points = static_cast<int64_t>(tune::grid_size(options.sampler, space, kMost));
  if (points <= options.trials) {
    return "";
  }
  return "the grid has " + std::string(points == kMost ? "at least " : "") + grouped_integer(points) + " points and only the first " +
         grouped_integer(options.trials) + " are tried: those whose first fields stand at their first values (trials=" +
         std::to_string(points) + " tries all; sampler: sobol spreads as many evenly)";
}

nlohmann::json plan_tune(const nlohmann::json& resolved, const std::vector<StageInput>&) {
  const auto options = load_options<TuneOptions>(resolved);
  const tune::Space space = tune::Space::from_json(options.space);
  int64_t trials = options.trials;
  auto rows = nlohmann::json::array();
  const auto row = [&](const char* name, double value, const std::string& text, const std::string& note) {
    rows.push_back({{"name", name}, {"value", value}, {"text", text}, {"note", note}});
  };
  if (options.sampler.kind == "grid") {
    trials = std::min<int64_t>(trials, static_cast<int64_t>(tune::grid_size(options.sampler, space, 1000001)));
  }
  row("trials", static_cast<double>(trials), std::to_string(trials),
      options.sampler.kind + " over " + std::to_string(space.size()) + " fields, " + std::to_string(options.parallel) +
          " at a time");
  if (const std::string untried = untried_of_grid(options, space); !untried.empty()) {
    row("left out", 0, "part of the grid", untried);
  }
  if (options.timeout > 0) {
    row("at most", options.timeout, human_duration(options.timeout), "timeout");
  }
  return {{"rows", rows}, {"fits", true}, {"why", ""}, {"advice", ""}};
}

nlohmann::json study_json(const TuneStudy& study, const TuneOptions& options) {
  const tune::Search& search = study.search();
  nlohmann::json json{{"metrics", options.metric}, {"directions", options.direction}, {"sampler", options.sampler.kind},
                      {"pruner", options.pruner.kind}, {"best", search.best()},
                      {"importance", nlohmann::json::object()}, {"recipe", options.recipe}, {"space", options.space}};
  const auto shares = tune::importances(search.space(), search.trials(), 0, search.options().maximise[0] ? -1 : 1);
  for (size_t i = 0; i < shares.size(); ++i) {
    json["importance"][search.space()[i].name] = shares[i];
  }
  return json;
}

// study.json with every trial of the journal, written as they are read. Gives those for the page: the ones that the search
// keeps in memory.
nlohmann::json write_study(const nlohmann::json& data, const TuneStudy& study, const fs::path& journal, const fs::path& path) {
  std::set<int64_t> kept;
  for (const tune::Trial& trial : study.search().trials()) {
    kept.insert(trial.number);
  }
  auto shown = nlohmann::json::array();
  FileWriter file(path);
  std::string head = data.dump();
  head.pop_back();
  file.write(head + ",\"trials\":[");
  bool first = true;
  tune::read_trials(journal, [&](const nlohmann::json& trial) {
    file.write((first ? "" : ",") + trial.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    first = false;
    if (kept.contains(trial["number"].get<int64_t>())) {
      shown.push_back(trial);
    }
  });
  file.write("]}");
  file.sync();
  file.close();
  return shown;
}

void link_folder(const fs::path& from, const fs::path& to) {
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    if (entry.is_regular_file()) {
      const fs::path target = to / fs::relative(entry.path(), from);
      make_dirs(target.parent_path());
      link_file(entry.path(), target);
    }
  }
}

// The recipe of the best trial, and what its last step that gives a model or an estimator made.
nlohmann::json keep_best(TuneStudy& study, int64_t number, const fs::path& out) {
  const PipelinePlan plan = study.plan_of(number);
  write_file_atomic(out / "best.yaml", recipe_text(study.recipe_of(number)));
  for (size_t i = plan.steps.size(); i-- > 0;) {
    const StepPlan& step = plan.steps[i];
    if (step.verb->output != ArtifactKind::kModel && step.verb->output != ArtifactKind::kEstimator) {
      continue;
    }
    if (const auto run = study.store().find_done(step.verb->name, step.id)) {
      link_folder(run->dir / "out", out / "best");
      return run->name;
    }
  }
  return nullptr;
}

std::string summary_of(const nlohmann::json& study, const nlohmann::json& counts) {
  std::string text = std::to_string(study["num_trials"].get<int64_t>()) + " trials";
  for (const char* state : {"pruned", "failed"}) {
    const int64_t n = counts.value(state, int64_t{0});
    text += n == 0 ? "" : ", " + std::to_string(n) + " " + state;
  }
  const auto& best = study["best"];
  if (study["metrics"].size() > 1) {
    return text + ", " + std::to_string(best.size()) + " on the Pareto front";
  }
  const auto& trial = study_trial(study, best[0]);
  text += ", best " + study["metrics"][0].get<std::string>() + " " + human_number(trial["values"][0].get<double>()) +
          " (trial " + std::to_string(best[0].get<int64_t>()) + ":";
  for (const auto& [name, value] : trial["params"].items()) {
    text += " " + name + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text + ")";
}

nlohmann::json execute_tune(StageContext& context) {
  const auto options = load_options<TuneOptions>(context.options);
  TuneStudy study(context, options);
  if (const std::string untried = untried_of_grid(options, study.search().space()); !untried.empty()) {
    context.warn(untried);
  }
  study.run();
  const tune::Search& search = study.search();
  const auto best = search.best();
  nlohmann::json counts = nlohmann::json::object();
  for (const auto state : {tune::TrialState::kComplete, tune::TrialState::kPruned, tune::TrialState::kFailed}) {
    if (search.count(state) > 0) {
      counts[name_of(state)] = search.count(state);
    }
  }
  if (best.empty()) {
    throw Error(ErrorKind::kInput, "no trial came to its end" + (study.last_error().empty() ? "" : ": " + study.last_error()), "",
                "more trials, more time, or a recipe that runs by itself");
  }
  const fs::path out = context.run.out_tmp();
  nlohmann::json data = study_json(study, options);
  const nlohmann::json artifact = keep_best(study, best[0], out);
  nlohmann::json values = search.space().values(search.trial(best[0]).point);
  if (options.recipe.is_string() && !options.data_dir.empty()) {
    values["data_dir"] = options.data_dir;  // best.yaml has it
  }
  const std::string command = command_text(options.recipe, values);
  data["command"] = command;
  data["best_run"] = artifact;
  data["num_trials"] = search.num_trials();
  data["trials"] = write_study(data, study, context.run.state() / "study.jsonl", out / "study.json");
  const auto& first = study_trial(data, best[0]);
  nlohmann::json result{{"trials", counts}, {"metrics", data["metrics"]}, {"directions", data["directions"]},
                        {"best", first}, {"front", best}, {"best_run", artifact}, {"importance", data["importance"]},
                        {"command", command}};
  result["best"].erase("steps");
  result["summary"] = summary_of(data, counts);
  link_file(context.run.state() / "study.jsonl", out / "study.jsonl");
  Report page{.title = context.run.name(), .subtitle = result["summary"].get<std::string>()};
  add_study(data, page);
  page.data = result;
  write_report(page, out);
  return result;
}

std::string tune_notes() {
  std::string text = "Samplers\n";
  for (const auto& entry : tune::samplers()) {
    text += "  " + padded(entry.kind, 8) + entry.summary + "\n";
  }
  return text +
         "\nA study goes on with the same command after Ctrl-C or a kill; with another space, sampler, pruner or metric it is another\n"
         "study, which begins anew and finds the trials done that come out the same. study.db in the run's folder opens in\n"
         "optuna-dashboard; out/best holds the best trial's artifact, out/best.yaml its recipe.";
}

}  // namespace

Verb tune_verb() {
  Verb verb;
  verb.name = "tune";
  verb.revision = 3;
  verb.summary = "search the fields of a recipe for the best result; trials are child runs";
  verb.output = ArtifactKind::kReport;
  verb.schema = tune_schema();
  verb.prepare = prepare_tune;
  verb.pins = pin_recipe;
  verb.execute = execute_tune;
  verb.plan = plan_tune;
  verb.notes = tune_notes;
  verb.example = "athanor tune recipe=recipes/classify.yaml metric=fit.valid_accuracy 'space={fit.fasttext.learning_rate: {log: [0.05, 1]}}'";
  return verb;
}

}  // namespace athanor
