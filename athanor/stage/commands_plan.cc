// plan and doctor's look at a recipe: what each step would need, before anything runs.
#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/base/format.h"
#include "athanor/base/machine.h"
#include "athanor/stage/command.h"
#include "athanor/stage/pipeline.h"
#include "athanor/stage/verbs.h"

namespace athanor {

PipelinePlan resolve_arguments(Session& session) {
  PinContext pins{session.digests, session.store.cache_dir() / "downloads"};
  return resolve_recipe(recipe_from_arguments(session), session.store, pins);
}

std::string step_state(const StepPlan& step, const RunStore& store) {
  if (store.find_done(step.verb->name, step.id)) {
    return "done";
  }
  const auto run = store.find(step.verb->name + "-" + step.id.substr(0, 8));
  return run && run->info.value("id", "") == step.id ? "to be resumed" : "to do";
}

namespace {

// Where the model that a step trains on comes from, while other inputs of it are still to be made: {"folder": path}, or
// {"recipe": options} of the pretrain step that makes it, through steps that train on in turn; null for a fresh one.
nlohmann::json planned_model(const StepPlan& step, const PipelinePlan& plan, const RunStore& store) {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    if (step.inputs[i].role != "model") {
      continue;
    }
    StepPlan only = step;
    only.inputs = {step.inputs[i]};
    only.producers = {step.producers[i]};
    try {
      return {{"folder", locate_inputs(only, plan.steps, store).at(0).path.string()}};
    } catch (const Error&) {
      if (step.producers[i] < 0) {
        throw;
      }
    }
    const StepPlan& maker = plan.steps[static_cast<size_t>(step.producers[i])];
    nlohmann::json before = maker.verb->name == "pretrain" ? planned_model(maker, plan, store) : nlohmann::json();
    return !before.is_null() || maker.verb->name != "pretrain" ? before : nlohmann::json{{"recipe", maker.options}};
  }
  return nullptr;
}

}  // namespace

nlohmann::json plan_of(const StepPlan& step, const PipelinePlan& plan, const RunStore& store, bool quick) {
  const PlanFunction function = plan_function(*step.verb);
  if (function == nullptr) {
    return nullptr;
  }
  std::vector<StageInput> inputs;
  nlohmann::json options = step.options;
  options["plan_quick"] = quick;
  try {
    inputs = locate_inputs(step, plan.steps, store);
  } catch (const Error&) {
    // Inputs that are still to be made: what their own recipes say of them has to do.
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (step.producers[i] >= 0) {
        const auto& made_by = plan.steps[static_cast<size_t>(step.producers[i])].options;
        if (made_by.contains("vocab_size")) {
          options["planned_vocab_size"] = made_by["vocab_size"];
        }
      }
    }
    options["planned_model"] = planned_model(step, plan, store);
  }
  return function(options, inputs);
}

void refuse_what_does_not_fit(const std::string& label, const nlohmann::json& plan) {
  if (plan.is_object() && !plan.value("fits", true)) {
    throw Error(ErrorKind::kResource, "step '" + label + "' " + plan.value("why", "does not fit in memory"), "",
                plan.value("advice", ""));
  }
}

int command_plan(Session& session) {
  const PipelinePlan plan = resolve_arguments(session);
  auto list = nlohmann::json::array();
  for (const auto& step : plan.steps) {
    const std::string state = step_state(step, session.store);
    nlohmann::json row{{"step", step.label}, {"verb", step.verb->name}, {"id", step.id}, {"state", state}};
    session.print(padded(step.label, 16) + padded(step.verb->name + "-" + step.id.substr(0, 8), 24) + state);
    const nlohmann::json planned = plan_of(step, plan, session.store, false);
    if (!planned.is_null()) {
      row["plan"] = planned;
      for (const auto& item : planned["rows"]) {
        session.print("    " + padded(item.value("name", ""), 26) + padded(item.value("text", ""), 14) +
                      item.value("note", ""));
      }
    }
    list.push_back(row);
  }
  session.print_json({{"recipe", plan.file}, {"id", plan.id}, {"steps", list}});
  for (const auto& row : list) {
    refuse_what_does_not_fit(row["step"], row.value("plan", nlohmann::json()));
  }
  return 0;
}

}  // namespace athanor
