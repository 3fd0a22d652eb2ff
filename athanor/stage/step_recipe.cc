// Resolved steps back to recipes.
#include "athanor/base/text.h"
#include "athanor/stage/resolve.h"

namespace athanor {

nlohmann::json step_recipe(const StepPlan& step, const std::vector<StepPlan>& steps, NameInputs names) {
  nlohmann::json map = step.options;
  map["verb"] = step.verb->name;
  auto from = nlohmann::json::object();
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const bool moved = i == 0 && step.before >= 0;  // what the recipe gave went to the step put in front
    const StepPlan& owner = moved ? steps[static_cast<size_t>(step.before)] : step;
    const RunInput& input = owner.inputs[i];
    const int producer = owner.producers[i];
    const std::string name = names == NameInputs::kByStep && producer >= 0
                                 ? steps[static_cast<size_t>(producer)].label
                                 : input.run;
    from[step.inputs[i].role] = input.run.empty() ? input.path : name + (input.part.empty() ? "" : "/" + input.part);
  }
  if (!from.empty()) {
    map["from"] = from;
  }
  return map;
}

std::string pipeline_recipe(const PipelinePlan& plan) {
  std::string recipe = to_yaml({{"name", plan.name}}) + "steps:\n";  // by hand: the order of the steps matters
  for (const auto& step : plan.steps) {
    if (step.inserted) {
      continue;
    }
    recipe += "  " + step.label + ":\n";
    for (const auto& line : split_text(to_yaml(step_recipe(step, plan.steps, NameInputs::kByStep)), '\n')) {
      recipe += line.empty() ? "" : "    " + line + "\n";
    }
  }
  return recipe;
}

}  // namespace athanor
