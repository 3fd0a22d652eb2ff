#include "athanor/stage/pipeline.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/text.h"
#include "athanor/run/report.h"
#include "athanor/stage/crew.h"
#include "athanor/stage/page.h"
#include "athanor/stage/runs_folder.h"
#include "athanor/stage/torch_unit.h"

namespace athanor {

namespace {

void print_outcome(const Session& session, const PipelinePlan& plan, size_t index, const StepOutcome& outcome) {
  const std::string place =
      plan.single ? "" : "[" + std::to_string(index + 1) + "/" + std::to_string(plan.steps.size()) + "] ";
  const std::string summary = outcome.info.contains("result") ? outcome.info["result"].value("summary", "") : "";
  std::string end;
  if (outcome.skipped) {
    end = "done before, at commit " + outcome.info.value("commit", "unknown");
  } else if (outcome.paused) {
    end = "paused: " + outcome.info.value("paused_because", "");
  } else {
    end = human_duration(outcome.info.value("seconds", 0.0));
  }
  session.print(place + padded(plan.steps[index].label, 13) + padded(outcome.run, 22) + summary +
                (summary.empty() ? "" : "  ") + "(" + end + ")");
}

// One line for all steps; nothing where nothing was given in vain.
void print_no_effect(const Session& session, const PipelinePlan& plan, const std::vector<StepOutcome>& outcomes) {
  std::vector<std::string> names;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    for (const std::string& option : outcomes[i].no_effect) {
      names.push_back(plan.single ? option : plan.steps[i].label + "." + option);
    }
  }
  if (!names.empty()) {
    session.print("done before, so without effect: " + join_text(names, ", ") + "; --force runs again");
  }
}

void print_samples(const Session& session, const std::vector<StepOutcome>& outcomes) {
  for (const auto& outcome : outcomes) {
    if (!outcome.info.contains("result") || !outcome.info["result"].contains("samples")) {
      continue;
    }
    for (const auto& sample : outcome.info["result"]["samples"]) {
      session.print("\n  > " + sample.value("prompt", "") + "\n  " + sample.value("text", ""));
    }
  }
}

// The last model that continues a text: encoders and classifiers do not chat.
const StepOutcome* last_speaker(const std::vector<StepOutcome>& outcomes) {
  const nlohmann::json::json_pointer where("/result/model/architectures/0");
  const StepOutcome* found = nullptr;
  for (const auto& outcome : outcomes) {
    const std::string kind = outcome.info.contains(where) ? outcome.info[where].get<std::string>() : "";
    if (kind.ends_with("ForCausalLM") || kind.ends_with("LMHeadModel")) {
      found = &outcome;
    }
  }
  return found;
}

nlohmann::json outcome_json(const PipelinePlan& plan, const std::vector<StepOutcome>& outcomes) {
  auto list = nlohmann::json::array();
  for (size_t i = 0; i < outcomes.size(); ++i) {
    list.push_back({{"step", plan.steps[i].label},
                    {"run", outcomes[i].run},
                    {"dir", outcomes[i].dir.string()},
                    {"skipped", outcomes[i].skipped},
                    {"no_effect", outcomes[i].no_effect},
                    {"status", outcomes[i].info.value("status", "")},
                    {"result", outcomes[i].info.value("result", nlohmann::json())}});
  }
  return list;
}

RunSpec pipeline_spec(const PipelinePlan& plan) {
  RunSpec spec;
  spec.verb = "pipeline";
  spec.id = plan.id;
  spec.label = plan.name;
  spec.recipe = pipeline_recipe(plan);
  return spec;
}

// The devices, but for the host, of the steps that are still to run.
std::vector<std::string> devices_to_open(const PipelinePlan& plan, const RunStore& store, bool force) {
  std::vector<std::string> names;
  for (const StepPlan& step : plan.steps) {
    const std::string name = step.options.value("device", "cpu");
    if (name != "cpu" && std::find(names.begin(), names.end(), name) == names.end() &&
        (force || !store.find_done(step.verb->name, step.id))) {
      names.push_back(name);
    }
  }
  return names;
}

// Runs the steps; on an error the outcomes so far stand in the vector.
bool run_steps(const PipelinePlan& plan, Workshop& shop, Session& session, std::vector<StepOutcome>& outcomes) {
  // Before any step computes, and before hours of steps whose successor cannot have its device. One step alone sees to it.
  const auto devices = devices_to_open(plan, shop.store, session.arguments.force);
  if (plan.steps.size() > 1 && shop.shard.whole() && !devices.empty()) {
    shop.crew != nullptr ? shop.crew->open_devices(devices) : open_devices(devices);
  }
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    outcomes.push_back(execute_step(plan.steps[i], plan.steps, shop, session.arguments.force));
    shop.progress.end("");
    print_outcome(session, plan, i, outcomes.back());
    if (outcomes.back().paused) {
      return false;
    }
  }
  return true;
}

// The verb's own page, with all that it found; the run's page where it makes none.
fs::path full_page(const StepOutcome& outcome) {
  std::error_code code;
  const fs::path own = outcome.dir / "out" / "report.html";
  return fs::is_regular_file(own, code) ? own : outcome.dir / "report.html";
}

int run_single(const PipelinePlan& plan, Workshop& shop, Session& session) {
  std::vector<StepOutcome> outcomes;
  run_steps(plan, shop, session, outcomes);
  print_no_effect(session, plan, outcomes);
  print_samples(session, outcomes);
  const auto& outcome = outcomes.back();
  if (!outcome.skipped && !outcome.paused) {
    write_report(build_page(plan, outcomes), outcome.dir);
  }
  if (!outcome.paused) {
    session.print("\nreport  " + full_page(outcome).string());
  }
  session.print_json({{"run", outcome.run}, {"report", outcome.paused ? "" : full_page(outcome).string()}, {"steps", outcome_json(plan, outcomes)}});
  return 0;
}

void print_next(const Session& session, const std::vector<StepOutcome>& outcomes, const std::string& pipeline,
                const fs::path& report) {
  session.print("\nreport   " + report.string());
  const std::string runs = runs_argument(session.store.root());
  std::string label = "try      ";
  if (const StepOutcome* model = last_speaker(outcomes)) {
    session.print(label + "athanor chat " + model->run + runs);
    label = "         ";
  }
  session.print(label + "athanor lineage " + pipeline + runs + "\n         athanor show " + pipeline + runs);
}

}  // namespace

int run_plan(const PipelinePlan& plan, Workshop& shop, Session& session) {
  if (plan.single || !shop.shard.whole()) {
    return run_single(plan, shop, session);
  }
  bool force = session.arguments.force;
  for (const auto& step : plan.steps) {  // a finished pipeline whose steps were removed is made again
    force |= shop.store.find_done("pipeline", plan.id).has_value() &&
             !shop.store.find_done(step.verb->name, step.id).has_value();
  }
  Run run = shop.store.open(pipeline_spec(plan), force);
  const bool done_before = run.start() == Run::Start::kDone;
  std::vector<StepOutcome> outcomes;
  try {
    if (!done_before) {
      run.events().truncate(0);
    }
    const bool complete = run_steps(plan, shop, session, outcomes);
    if (!complete) {
      run.pause("a step was paused");
      session.print_json({{"run", run.name()}, {"status", "paused"}, {"steps", outcome_json(plan, outcomes)}});
      return 0;
    }
    if (!done_before) {
      auto inputs = nlohmann::json::array();
      for (size_t i = 0; i < outcomes.size(); ++i) {
        inputs.push_back({{"role", plan.steps[i].label},
                          {"id", plan.steps[i].id},
                          {"run", outcomes[i].run},
                          {"part", ""},
                          {"path", ""},
                          {"digest", outcomes[i].info["output"].value("digest", "")}});
      }
      run.info()["inputs"] = inputs;
      const Report page = build_page(plan, outcomes);
      write_report(page, run.out_tmp());
      run.finish(ArtifactKind::kReport, {{"summary", page.subtitle}});
    }
  } catch (...) {
    const Error error = readable_error();
    if (!done_before) {
      run.fail(error);
    }
    throw error;
  }
  print_no_effect(session, plan, outcomes);
  print_samples(session, outcomes);
  print_next(session, outcomes, run.name(), run.out() / "report.html");
  session.print_json({{"run", run.name()},
                      {"status", "done"},
                      {"report", (run.out() / "report.html").string()},
                      {"steps", outcome_json(plan, outcomes)}});
  return 0;
}

}  // namespace athanor
