// run, check, plan and explain: the commands that take a recipe.
#include <algorithm>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/nearest.h"
#include "athanor/base/text.h"
#include "athanor/classic/models/model.h"
#include "athanor/feature/transform.h"
#include "athanor/stage/command.h"
#include "athanor/stage/crew.h"
#include "athanor/stage/pipeline.h"
#include "athanor/stage/torch_unit.h"
#include "athanor/stage/verbs.h"

namespace athanor {

namespace {

nlohmann::json inputs_json(const StepPlan& step) {
  auto list = nlohmann::json::array();
  for (const auto& input : step.inputs) {
    list.push_back({{"role", input.role},
                    {"from", input.run.empty() ? input.path : input.run},
                    {"part", input.part},
                    {"id", input.id}});
  }
  return list;
}

std::string inputs_text(const StepPlan& step) {
  std::string text;
  for (const auto& input : step.inputs) {
    text += (text.empty() ? "" : ", ") + input.role + ": " + (input.run.empty() ? input.path : input.run) +
            (input.part.empty() ? "" : "/" + input.part);
  }
  return text;
}

std::string default_text(const FieldInfo& info) {
  if (info.required) {
    return "required";
  }
  return info.default_value.is_string() ? info.default_value.get<std::string>() : info.default_value.dump();
}

void explain_fields(Session& session, const std::vector<FieldInfo>& fields, const std::string& prefix) {
  for (const auto& info : fields) {
    if (!info.children.empty()) {
      explain_fields(session, info.children, prefix + info.name + ".");
      continue;
    }
    std::string line = "  " + padded(prefix + info.name, 28) + padded(default_text(info), 14) + info.doc;
    if (!info.choices.empty()) {
      line += " (" + join_text(info.choices, ", ") + ")";
    }
    if (info.speed) {
      line += " [changes no result]";
    }
    session.print(line);
  }
}

nlohmann::json field_json(const FieldInfo& info) {
  nlohmann::json value{{"name", info.name},       {"doc", info.doc},         {"type", info.type},
                       {"default", info.default_value}, {"changes_result", !info.speed}, {"required", info.required}};
  if (!info.choices.empty()) {
    value["choices"] = info.choices;
  }
  if (std::isfinite(info.minimum)) {
    value["minimum"] = info.minimum;
  }
  if (std::isfinite(info.maximum)) {
    value["maximum"] = info.maximum;
  }
  for (const auto& child : info.children) {
    value["fields"].push_back(field_json(child));
  }
  return value;
}

nlohmann::json verb_json(const Verb& verb) {
  nlohmann::json value{{"verb", verb.name}, {"summary", verb.summary}, {"output", name_of(verb.output)},
                       {"parts", verb.parts}, {"revision", verb.revision}, {"example", verb.example}};
  value["inputs"] = nlohmann::json::array();
  for (const auto& role : verb.roles) {
    value["inputs"].push_back(
        {{"role", role.name}, {"kind", name_of(role.kind)}, {"required", role.required}, {"doc", role.doc}});
  }
  value["fields"] = nlohmann::json::array();
  for (const auto& info : verb.schema.fields) {
    value["fields"].push_back(field_json(info));
  }
  return value;
}

void explain_verb(Session& session, const Verb& verb) {
  std::string signature;
  for (const auto& role : verb.roles) {
    signature += (signature.empty() ? "" : ", ") + role.name + ": " + name_of(role.kind) +
                 (role.required ? "" : " (optional)");
  }
  session.print(verb.name + ": " + verb.summary);
  session.print("  " + (signature.empty() ? std::string("no inputs") : signature) + " -> " + name_of(verb.output) +
                (verb.parts.empty() ? "" : " with parts " + join_text(verb.parts, ", ")));
  session.print("");
  explain_fields(session, verb.schema.fields, "");
  if (verb.notes != nullptr) {
    session.print("\n" + verb.notes());
  }
  if (!verb.example.empty()) {
    session.print("\n  " + verb.example);
  }
}

nlohmann::json command_json(const Command& command) {
  nlohmann::json value{{"command", command.name}, {"usage", std::string("athanor ") + command.usage}, {"summary", command.summary}};
  value["fields"] = nlohmann::json::array();
  for (const auto& info : command.schema != nullptr ? command.schema().fields : std::vector<FieldInfo>{}) {
    value["fields"].push_back(field_json(info));
  }
  return value;
}

void explain_command(Session& session, const Command& command) {
  session.print(std::string(command.name) + ": " + command.summary + "\n  athanor " + command.usage);
  if (command.schema != nullptr) {
    session.print("");
    explain_fields(session, command.schema().fields, "");
  }
}

// Fields of a verb whose dotted name is or ends in the given one, or is it behind the verb's; known: all dotted names.
void find_fields(const std::vector<FieldInfo>& fields, const std::string& verb, const std::string& prefix, const std::string& name,
                 nlohmann::json& found, std::set<std::string>& known) {
  for (const auto& info : fields) {
    const std::string full = prefix + info.name;
    known.insert(full);
    if (full == name || full.ends_with("." + name) || verb + "." + full == name) {
      auto value = field_json(info);
      value["key"] = full;
      found.push_back(value);
    }
    find_fields(info.children, verb, full + ".", name, found, known);
  }
}

}  // namespace

Node recipe_from_arguments(Session& session) {
  Arguments& arguments = session.arguments;
  const Verb* verb = find_verb(arguments.command);
  Node root;
  if (!arguments.positional.empty()) {
    const std::string& path = arguments.positional[0];
    if (!fs::exists(path) && verb == nullptr) {
      const auto near = glob("recipes/*.yaml");
      std::vector<std::string> names(near.begin(), near.end());
      throw Error(ErrorKind::kInput, "there is no such recipe", path, names.empty() ? "" : did_you_mean(path, names));
    }
    root = load_recipe(path);
  } else if (verb == nullptr) {
    throw Error(ErrorKind::kUsage, "'" + arguments.command + "' needs a recipe", "",
                "athanor " + arguments.command + " recipes/quickstart.yaml");
  }
  if (verb != nullptr) {
    root.kind = Node::Kind::kMap;
    if (root.mark.file.empty()) {
      root.mark.file = "command line";
    }
    Node& name = root.at_or_add("verb", root.mark);
    if (name.kind == Node::Kind::kScalar && name.scalar != verb->name) {
      throw Error(ErrorKind::kUsage, "the recipe is for '" + name.scalar + "', not '" + verb->name + "'",
                  name.mark.text());
    }
    name.kind = Node::Kind::kScalar;
    name.scalar = verb->name;
  }
  apply_overrides(root, arguments.overrides);
  return root;
}

namespace {

int run_here(Session& session, Crew* crew) {
  const std::string shard = session.arguments.take("shard", "0/1");
  const PipelinePlan plan = resolve_arguments(session);
  Workshop shop{session.store, session.digests, session.progress, parse_shard(shard), false, crew};
  return run_plan(plan, shop, session);
}

}  // namespace

int command_run(Session& session) {
  const Launch launch = read_launch();
  if (launch.alone()) {
    return run_here(session, nullptr);
  }
  const std::unique_ptr<Ranks> ranks = open_ranks(launch);
  if (launch.rank > 0) {
    return follow_rank_0(session, *ranks);
  }
  Crew crew(*ranks);
  try {
    const int code = run_here(session, &crew);
    crew.dismiss(code);
    return code;
  } catch (...) {
    const Error error = readable_error();
    crew.dismiss(error);
    throw error;
  }
}

int command_merge(Session& session) {
  const PipelinePlan plan = resolve_arguments(session);
  Workshop shop{session.store, session.digests, session.progress, {}, true};
  return run_plan(plan, shop, session);
}

int command_check(Session& session) {
  const PipelinePlan plan = resolve_arguments(session);
  auto list = nlohmann::json::array();
  for (const auto& step : plan.steps) {
    const std::string state = step_state(step, session.store);
    list.push_back({{"step", step.label},
                    {"verb", step.verb->name},
                    {"id", step.id},
                    {"state", state},
                    {"inputs", inputs_json(step)},
                    {"output", name_of(step.verb->output)}});
    session.print("  " + padded(step.label, 16) + padded(step.verb->name + "-" + step.id.substr(0, 8), 24) +
                  padded(state, 15) + inputs_text(step));
  }
  session.print("ok: " + std::to_string(plan.steps.size()) + (plan.steps.size() == 1 ? " step" : " steps") +
                ", all types fit");
  session.print_json({{"recipe", plan.file}, {"id", plan.id}, {"steps", list}});
  return 0;
}

namespace {

// A kind of model, of encoder or of transform, each with options of its own.
bool explain_kind(Session& session, const std::string& name) {
  const auto explain = [&](const auto& kind, const std::string& what, const std::string& where) {
    session.print(what + " " + kind.name + ": " + kind.doc + "\n  " + where + "\n");
    explain_fields(session, kind.schema.fields, "");
    auto fields = nlohmann::json::array();
    for (const auto& info : kind.schema.fields) {
      fields.push_back(field_json(info));
    }
    session.print_json({{"kind", kind.name}, {"what", what}, {"doc", kind.doc}, {"fields", fields}});
  };
  const auto find = [&](const auto& kinds, const std::string& what, const std::string& where) {
    const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const auto& kind) { return kind.name == name; });
    if (found != kinds.end()) {
      explain(*found, what, where);
    }
    return found != kinds.end();
  };
  return find(model_kinds(), "model", "fit.kind: " + name + ", fit.model: {...}") ||
         find(encoder_kinds(), "encoder", "features: [{columns: ..., encode: {" + name + ": {...}}}]") ||
         find(transform_kinds(), "transform", "then: [{" + name + ": {...}}] or reduce: [{" + name + ": {...}}]");
}

}  // namespace

int command_explain(Session& session) {
  const auto& names = session.arguments.positional;
  if (names.empty()) {
    auto all = nlohmann::json::array();
    for (const auto& verb : verbs()) {
      all.push_back(verb_json(verb));
      session.print("  " + padded(verb.name, 12) + verb.summary);
    }
    session.print("");
    for (const auto& command : commands()) {
      session.print("  " + padded(command.name, 12) + command.summary);
    }
    session.print("\nathanor explain VERB shows every key, explain COMMAND how it is called; athanor explain KEY finds a key; explain boosting (a model, encoder or transform) its options.");
    session.print_json(all);
    return 0;
  }
  if (const Verb* verb = find_verb(names[0])) {
    explain_verb(session, *verb);
    session.print_json(verb_json(*verb));
    return 0;
  }
  if (const Command* command = find_command(names[0])) {
    explain_command(session, *command);
    session.print_json(command_json(*command));
    return 0;
  }
  if (explain_kind(session, names[0])) {
    return 0;
  }
  auto found = nlohmann::json::array();
  std::vector<std::string> known = verb_names();
  for (const Command& command : commands()) {
    known.push_back(command.name);
  }
  std::set<std::string> keys;
  for (const auto& verb : verbs()) {
    auto fields = nlohmann::json::array();
    find_fields(verb.schema.fields, verb.name, "", names[0], fields, keys);
    for (auto& field : fields) {
      field["verb"] = verb.name;
      session.print("  " + padded(verb.name + "." + field["key"].get<std::string>(), 32) +
                    padded(field["default"].dump(), 14) + field["doc"].get<std::string>());
      found.push_back(field);
    }
  }
  if (found.empty()) {
    std::vector<std::string> all = known;
    all.insert(all.end(), keys.begin(), keys.end());
    const std::string near = nearest_name(names[0], all);
    throw Error(ErrorKind::kUsage, "no verb, command or key is named '" + names[0] + "'", "",
                near.empty() ? "known: " + join_text(known, ", ") + "; explain VERB lists its keys" : "did you mean '" + near + "'?");
  }
  session.print_json(found);
  return 0;
}

}  // namespace athanor
