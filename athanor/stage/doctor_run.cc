#include "athanor/stage/doctor_run.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/metric/bootstrap.h"
#include "athanor/metric/paired.h"
#include "athanor/run/event.h"
#include "athanor/run/recipe.h"
#include "athanor/stage/doctor_study.h"

namespace athanor {

namespace {

double number_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : std::nan("");
}

// The member of an object that is a map itself; else an empty one.
const nlohmann::json& map_of(const nlohmann::json& object, const char* key) {
  static const nlohmann::json kEmpty = nlohmann::json::object();
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : kEmpty;
}

// A loss that was no number counts in the curve where it ended the run; steps that were taken back do not.
void read_spike(const nlohmann::json& event, double step, RunFacts& facts) {
  RunFacts::Spike spike{step, event.value("action", ""), {}};
  for (const auto& id : event.value("documents", nlohmann::json::array())) {
    if (id.is_string() && !id.get<std::string>().starts_with("... and ")) {
      spike.documents.push_back(id.get<std::string>());
    }
  }
  const bool is_number = std::isfinite(number_of(event, "loss")) && std::isfinite(number_of(event, "grad_norm"));
  if (!is_number && spike.action == "stop") {
    facts.train_loss.push_back({step, std::nan("")});
  }
  if (spike.action == "rollback") {
    for (auto* curve : {&facts.train_loss, &facts.valid_loss, &facts.gradient_norm}) {
      std::erase_if(*curve, [&](const CurvePoint& point) { return point.step > number_of(event, "to_step"); });
    }
  }
  facts.spikes.push_back(std::move(spike));
}

void read_curves(const fs::path& events, RunFacts& facts) {
  read_events(events, [&](const nlohmann::json& event) {
    const std::string type = event.value("type", "");
    const double step = number_of(event, "step");
    if (type == "step" && !facts.spikes.empty() && facts.spikes.back().step == step && facts.spikes.back().action == "skip") {
      return;  // nothing was learnt from it
    }
    if (type == "step") {
      facts.train_loss.push_back({step, number_of(event, "loss")});
      if (event.contains("grad_norm")) {
        facts.gradient_norm.push_back({step, number_of(event, "grad_norm")});
      }
    } else if (type == "spike") {
      read_spike(event, step, facts);
    } else if (type == "eval") {
      facts.valid_loss.push_back({step, number_of(event, "loss")});
      facts.valid_error = number_of(event, "standard_error");
      for (const char* metric : {"accuracy", "r2"}) {
        if (event.contains(metric)) {
          facts.metric = metric;
          facts.valid_score = number_of(event, metric);
          facts.valid_rows = event.value("num_samples", uint64_t{0});
        }
      }
    } else if (type == "watch") {
      std::vector<double> ratios;
      for (const auto& [name, parameter] : map_of(event, "parameters").items()) {
        if (std::isfinite(number_of(parameter, "ratio"))) {
          ratios.push_back(number_of(parameter, "ratio"));
        }
      }
      std::sort(ratios.begin(), ratios.end());
      if (!ratios.empty()) {
        facts.update_ratio = std::fmax(facts.update_ratio, ratios[ratios.size() / 2]);
      }
    } else if (type == "started" || type == "resumed") {
      facts.train_rows = event.value("documents", uint64_t{0});
      facts.chance_loss = number_of(event, "chance_loss");
      for (const auto& [label, rows] : map_of(event, "label_counts").items()) {
        if (std::none_of(facts.labels.begin(), facts.labels.end(), [&](const auto& known) { return known.name == label; })) {
          facts.labels.push_back({label, rows.get<uint64_t>(), std::nan("")});
        }
      }
    }
  });
}

RunFacts::Field& field_of(RunFacts& facts, const std::string& name) {
  for (auto& field : facts.fields) {
    if (field.name == name) {
      return field;
    }
  }
  facts.fields.push_back({.name = name});
  return facts.fields.back();
}

// Scores of a rung's folds; one that is not defined there is written as null.
std::vector<double> fold_scores(const nlohmann::json& rung) {
  std::vector<double> scores;
  for (const auto& score : rung.value("folds", nlohmann::json::array())) {
    scores.push_back(score.is_number() ? score.get<double>() : std::nan(""));
  }
  return scores;
}

// How much better the best rung of a ladder is than the model that was taken, in standard errors of the difference.
void read_ladder(const nlohmann::json& result, RunFacts& facts) {
  const auto& ladder = map_of(result, "ladder");
  const std::string taken = result.value("kind", "");
  const bool less_is_better = ladder.value("metric", "") == "rmse";
  std::vector<double> own;
  for (const auto& rung : ladder.value("rungs", nlohmann::json::array())) {
    if (rung.value("kind", "") == taken) {
      own = fold_scores(rung);
    }
  }
  for (const auto& rung : ladder.value("rungs", nlohmann::json::array())) {
    const auto folds = fold_scores(rung);
    if (folds.size() < 3 || folds.size() != own.size() || rung.value("kind", "") == taken) {
      continue;
    }
    const Comparison found = corrected_t_test(own, folds, 1.0 / static_cast<double>(folds.size() - 1), 0.6827);
    const double error = (found.high - found.low) / 2;
    const double gain = (less_is_better ? -found.difference : found.difference) / std::max(error, 1e-12);
    if (!std::isfinite(facts.richer_gain) || gain > facts.richer_gain) {
      facts.richer_gain = gain;
      facts.richer_kind = rung.value("kind", "");
    }
  }
}

void read_fit(const nlohmann::json& result, RunFacts& facts) {
  const auto& train = map_of(result, "train");
  const auto& valid = map_of(result, "valid");
  const bool label_sets = result.value("task", "") == "multilabel";
  for (const char* metric : {"r2", "accuracy", "f1_macro"}) {
    if (train.contains(metric) && (label_sets || metric != std::string("f1_macro"))) {
      facts.metric = label_sets ? "f1 macro" : metric;
      facts.train_score = number_of(train[metric], "value");
      facts.valid_score = number_of(map_of(valid, metric), "value");
      facts.valid_low = number_of(map_of(valid, metric), "low");
      facts.valid_high = number_of(map_of(valid, metric), "high");
    }
  }
  const auto& judged = valid.empty() ? train : valid;
  facts.silhouette = number_of(map_of(judged, "silhouette"), "value");
  facts.clusters = number_of(map_of(train, "clusters"), "value");
  facts.noise_rows = number_of(map_of(train, "noise_rows"), "value");
  const auto& fair = map_of(valid, "balanced_accuracy");
  facts.train_balanced = number_of(map_of(train, "balanced_accuracy"), "value");
  facts.valid_balanced = number_of(fair, "value");
  facts.balanced_low = number_of(fair, "low");
  facts.balanced_high = number_of(fair, "high");
  facts.auc = number_of(map_of(valid.contains("auc") ? valid : train, "auc"), "value");
  facts.train_rows = result.value("rows", uint64_t{0});
  facts.valid_rows = result.value("valid_rows", uint64_t{0});
  facts.features = result.value("features", uint64_t{0});
  const auto& checks = map_of(result, "checks");
  for (const auto& [column, told] : map_of(checks, "alone").items()) {
    field_of(facts, column).alone = told.get<double>();
  }
  for (const auto& [column, index] : map_of(checks, "drift").items()) {
    field_of(facts, column).drift = index.get<double>();
  }
  facts.overlap = number_of(checks, "overlap");
  facts.residual_gain = number_of(checks, "residual_gain");
  for (const auto& [label, rows] : map_of(result, "label_counts").items()) {
    facts.labels.push_back({label, rows.get<uint64_t>(), number_of(map_of(checks, "recall"), label.c_str())});
  }
  read_ladder(result, facts);
}

// A network's: its scores on training and validation documents, and what was looked at when it was done.
void read_net(const nlohmann::json& result, RunFacts& facts) {
  const auto& valid = map_of(result, "valid");
  const auto& train = map_of(result, "train");
  facts.epochs = number_of(result, "epochs");
  for (const auto& source : result.value("sources", nlohmann::json::array())) {
    facts.epochs = std::fmax(facts.epochs, number_of(source, "epochs"));
  }
  for (const char* metric : {"r2", "accuracy"}) {
    if (!std::isfinite(number_of(train, metric))) {
      continue;
    }
    facts.metric = metric;
    facts.train_score = number_of(train, metric);
    facts.valid_score = number_of(valid, metric);
    facts.valid_rows = valid.value("num_samples", uint64_t{0});
    if (facts.metric == "accuracy" && facts.valid_rows > 0 && std::isfinite(facts.valid_score)) {
      wilson_interval(facts.valid_score, static_cast<double>(facts.valid_rows), 0.95, facts.valid_low, facts.valid_high);
    }
  }
  const auto& checks = map_of(result, "checks");
  for (auto& label : facts.labels) {
    label.recall = number_of(map_of(checks, "recall"), label.name.c_str());
  }
  for (const auto& [layer, dead] : map_of(checks, "dead").items()) {
    facts.layers.push_back({layer, dead.is_number() ? dead.get<double>() : 0});
  }
}

// What comes without looking: the share of the commonest label, and the entropy of the shares; R2 of the mean is 0.
void add_chance(RunFacts& facts) {
  uint64_t rows = 0;
  uint64_t commonest = 0;
  for (const auto& label : facts.labels) {
    rows += label.rows;
    commonest = std::max(commonest, label.rows);
  }
  if (rows > 0) {
    facts.chance_score = static_cast<double>(commonest) / static_cast<double>(rows);
    facts.chance_loss = 0;
    for (const auto& label : facts.labels) {
      const double share = static_cast<double>(label.rows) / static_cast<double>(rows);
      facts.chance_loss -= share > 0 ? share * std::log(share) : 0;
    }
    if (facts.balanced) {  // accuracy is not what was trained for
      facts.chance_loss = std::log(static_cast<double>(facts.labels.size()));
      facts.chance_score = facts.train_score = std::nan("");
    }
  } else if (facts.metric == "r2" || facts.metric == "f1 macro") {
    facts.chance_score = 0;
    facts.chance_loss = facts.train_loss.empty() ? std::nan("") : 1;  // targets are standardised
  }
}

double learning_rate(const nlohmann::json& recipe) {
  const double lr = number_of(map_of(recipe, "optimizer"), "lr");
  return std::isfinite(lr) ? lr : number_of(recipe, "lr");
}

}  // namespace

RunFacts facts_of(const RunSummary& run, const nlohmann::json& recipe) {
  RunFacts facts;
  const auto found = run.info.find("result");
  const nlohmann::json result = found != run.info.end() && found->is_object() ? *found : nlohmann::json::object();
  facts.finished = run.status == "done";
  const std::string verb = run.info.value("verb", "");
  read_curves(run.dir / "events.jsonl", facts);
  const auto& schedule = map_of(recipe, "schedule");
  facts.warmup_steps = schedule.value("name", "") == "one_cycle" ? 0 : number_of(schedule, "warmup_steps");
  if (verb == "fit") {
    read_fit(result, facts);
    const auto weights = recipe.value("class_weights", nlohmann::json());
    facts.weighted = !weights.empty() && weights != "" && weights != "none";
  } else {
    read_net(result, facts);
    facts.balanced = recipe.value("class_weights", "") == "balanced";
    const bool by_chance = number_of(result, "more_data_p") > 0.05;
    facts.more_data_gain = by_chance ? 0 : number_of(result, "more_data_gain");
  }
  add_chance(facts);
  return facts;
}

namespace {

// Why there is nothing to say of a run; Error(kUsage) for one of a verb that has no curves and scores.
std::string nothing_told(const RunSummary& run) {
  const std::string verb = run.info.value("verb", "");
  const bool judged = verb == "fit" || verb == "tune" || verb == "validate" || verb == "pretrain" || verb == "finetune";
  if (judged && run.status == "failed") {
    const auto error = run.info.value("error", nlohmann::json());
    return "it failed" + (error.is_object() ? ": " + error.value("what", "") : std::string()) + "; there are no scores to look at";
  }
  if (judged && run.status != "done") {
    return "it is " + run.status + ", and has no scores yet";
  }
  if (verb == "fit") {
    return "it was fitted without labels or scores: evaluate, with a label_field, tells how good it is";
  }
  throw Error(ErrorKind::kUsage, run.name + " has no curves and no scores to look at", "doctor",
              "runs of pretrain, finetune, fit, tune and validate have; athanor doctor alone looks at the machine");
}

// What the run says; `nothing`: why it says nothing.
std::vector<Finding> findings_of(const RunSummary& run, const RunStore& store, std::string& nothing) {
  const std::string verb = run.info.value("verb", "");
  if (verb == "tune" && run.status == "done") {
    return findings_of_study(run);
  }
  const auto recipe = load_recipe(run.dir / "recipe.yaml").to_json();
  const RunFacts facts = facts_of(run, recipe);
  std::vector<Finding> findings;
  if (verb == "validate" && run.status == "done") {
    findings = findings_of_folds(run, store);
  } else if (facts.train_loss.empty() && !std::isfinite(facts.train_score) && !std::isfinite(facts.clusters)) {
    nothing = nothing_told(run);
  }
  for (Finding& finding : diagnose(facts, learning_rate(recipe))) {
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace

int doctor_of_run(Session& session, const RunSummary& run) {
  std::string nothing;
  const std::vector<Finding> findings = findings_of(run, session.store, nothing);
  nlohmann::json report{{"run", run.name}, {"healthy", findings.empty()}, {"findings", nlohmann::json::array()}};
  session.print(run.name + "  " + run.status + (run.status == "done" ? "" : ": judged by what it is so far"));
  for (const Finding& finding : findings) {
    const std::string command =
        finding.change.empty() ? "" : "athanor run " + (run.dir / "recipe.yaml").string() + " '" + finding.change + "'";
    session.print(std::string(finding.grave ? "  LOOK  " : "  note  ") + finding.name + ": " + finding.evidence);
    session.print("        -> " + finding.advice);
    if (!command.empty()) {
      session.print("        -> " + command);
    }
    report["findings"].push_back({{"name", finding.name}, {"evidence", finding.evidence}, {"advice", finding.advice},
                                  {"command", command}, {"grave", finding.grave}});
  }
  if (!nothing.empty()) {
    session.print("  note  " + nothing);
    report["healthy"] = nullptr;
    report["nothing"] = nothing;
  } else if (findings.empty()) {
    session.print("  nothing stands out");
  }
  session.print_json(report);
  return 0;
}

}  // namespace athanor
