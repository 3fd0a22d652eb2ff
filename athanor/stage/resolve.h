// From a recipe to steps with ids: everything that can be known before any compute. This is where unknown keys,
// missing inputs and inputs of the wrong type are refused.
#pragma once

#include <string>
#include <vector>

#include "athanor/run/recipe.h"
#include "athanor/run/run.h"
#include "athanor/run/verb.h"

namespace athanor {

struct StepPlan {
  std::string label;  // the step's name; the verb's name in a recipe of one verb
  const Verb* verb = nullptr;
  Mark mark;
  nlohmann::json options;  // resolved, every default written out
  nlohmann::json pins;
  std::vector<RunInput> inputs;
  std::vector<int> producers;  // per input: the index of the step that makes it, -1 for finished runs and paths
  int before = -1;             // the step that Verb::before put in front; inputs[0] is its output
  bool inserted = false;       // such a step: no recipe names it
  std::string id;
};

struct PipelinePlan {
  std::string name;     // `name:` of the recipe, else the file's stem
  std::string file;     // "" for a recipe made on the command line
  bool single = false;  // one verb, no pipeline run around it
  std::vector<StepPlan> steps;
  std::string id;  // over the steps' ids
};

// A step as recipe.yaml holds it: inputs named by their step, or by their run.
enum class NameInputs { kByStep, kByRun };
nlohmann::json step_recipe(const StepPlan& step, const std::vector<StepPlan>& steps, NameInputs names);
// A whole recipe of steps, as YAML.
std::string pipeline_recipe(const PipelinePlan& plan);

struct Override {
  std::string key;
  std::string value;
};

// Applies key=value arguments. In a recipe with steps a key is step.field, a recipe-wide key (name, seed, threads),
// or a bare field that exactly one step has.
void apply_overrides(Node& root, const std::vector<Override>& overrides);

PipelinePlan resolve_recipe(const Node& root, const RunStore& store, PinContext& pins);

}  // namespace athanor
