#include "athanor/stage/resolve.h"

#include "athanor/base/error.h"
#include "athanor/base/format_width.h"
#include "athanor/base/nearest.h"
#include "athanor/base/text.h"
#include "athanor/stage/input_hint.h"
#include "athanor/stage/verbs.h"

namespace athanor {

namespace {

// Keys of a whole recipe; the shared ones reach every step that has such a field and does not set it.
const std::vector<std::string> kSharedKeys{"seed", "threads", "data_dir"};
const std::vector<std::string> kRecipeKeys{"name", "seed", "threads", "data_dir", "steps"};

[[noreturn]] void fail(const Mark& mark, const std::string& what, const std::string& hint = "") {
  throw Error(ErrorKind::kUsage, what, mark.text(), hint);
}

bool is_pipeline(const Node& root) {
  const Node* steps = root.find("steps");
  return root.find("verb") == nullptr && steps != nullptr && steps->kind == Node::Kind::kMap;
}

const Verb& verb_of(const Node& step, const std::string& label, const Mark& label_mark) {
  const Node* given = step.find("verb");
  const std::string name = given != nullptr ? given->scalar : label;
  const Verb* verb = find_verb(name);
  if (verb == nullptr) {
    fail(given != nullptr ? given->mark : label_mark, "there is no verb '" + name + "'",
         did_you_mean(name, verb_names()) + (given == nullptr ? "; a step with another name says verb: ..." : ""));
  }
  return *verb;
}

// Where a reference in `from:` points.
struct Target {
  std::string head;
  std::string part;
};

Target split_reference(const std::string& text) {
  const size_t slash = text.find('/');
  return slash == std::string::npos ? Target{text, ""} : Target{text.substr(0, slash), text.substr(slash + 1)};
}

class Resolver {
 public:
  Resolver(const RunStore& store, PinContext& pins) : store_(store), pins_(pins) {}

  // Everything that the recipe's own text decides: keys, types, the kinds of the inputs.
  // recipe: the whole one, where there are steps.
  void add(const Node& node, const std::string& label, const Mark& label_mark, const Node* recipe) {
    StepPlan step;
    step.label = label;
    step.mark = node.mark.line > 0 ? node.mark : label_mark;
    step.verb = &verb_of(node, label, label_mark);
    if (node.kind != Node::Kind::kMap && node.kind != Node::Kind::kNull) {
      fail(node.mark, "the step '" + label + "' must be a map of keys, not " + node.kind_name());
    }
    Node options;
    options.kind = Node::Kind::kMap;
    options.mark = step.mark;
    for (const auto& entry : node.entries) {
      if (entry.key != "verb" && entry.key != "from") {
        options.entries.push_back(entry);
      }
    }
    for (const auto& name : kSharedKeys) {
      const Node* value = recipe != nullptr ? recipe->find(name) : nullptr;
      if (value != nullptr && step.verb->schema.find(name) != nullptr && options.find(name) == nullptr) {
        options.at_or_add(name, value->mark) = *value;
      }
    }
    step.options = step.verb->schema.parse(options, label);
    if (step.verb->prepare) {
      try {
        step.verb->prepare(step.options);
      } catch (const Error& error) {
        throw Error(error.kind(), error.message(), error.where().empty() ? step.mark.text() : error.where(),
                    error.hint());
      }
    }
    bind_inputs(step, node.find("from"));
    if (step.verb->check_inputs) {
      std::vector<std::string> names;
      for (const RunInput& input : step.inputs) {
        names.push_back(input.role);
      }
      try {
        step.verb->check_inputs(step.options, names);
      } catch (const Error& error) {
        throw Error(error.kind(), "step '" + step.label + "': " + error.message(), step.mark.text(), error.hint());
      }
    }
    if (step.verb->before) {
      insert_before(step);
    }
    steps_.push_back(std::move(step));
  }

  // Then what the outside decides: sources are pinned, and with them the ids, in the order of the steps.
  std::vector<StepPlan> finish() {
    for (auto& step : steps_) {
      if (step.verb->pins) {
        try {
          step.pins = step.verb->pins(step.options, pins_);
        } catch (const Error& error) {
          throw Error(error.kind(), "step '" + step.label + "': " + error.message(), error.where(), error.hint());
        }
      }
      for (size_t i = 0; i < step.inputs.size(); ++i) {
        if (step.producers[i] >= 0) {
          const StepPlan& producer = steps_[static_cast<size_t>(step.producers[i])];
          step.inputs[i].id = producer.id;
          step.inputs[i].run = producer.verb->name + "-" + producer.id.substr(0, 8);
        }
      }
      step.id = compute_run_id(step.verb->name, step.verb->revision, step.verb->schema.result_part(step.options),
                               step.inputs, step.pins);
    }
    return std::move(steps_);
  }

 private:
  void insert_before(StepPlan& step) {
    BeforeStep wanted = step.verb->before(step.options);
    if (wanted.verb.empty()) {
      return;
    }
    StepPlan before;
    before.label = step.label + "." + wanted.verb;  // the dot keeps it apart from names of the recipe
    before.mark = step.mark;
    before.verb = find_verb(wanted.verb);
    before.options = std::move(wanted.options);
    before.inputs = {step.inputs.at(0)};
    before.producers = {step.producers.at(0)};
    before.inserted = true;
    step.before = static_cast<int>(steps_.size());
    step.inputs[0] = RunInput{step.inputs[0].role, "", "", "", "", ""};
    step.producers[0] = step.before;
    steps_.push_back(std::move(before));
  }

  void bind_inputs(StepPlan& step, const Node* from) {
    const Verb& verb = *step.verb;
    std::vector<std::string> role_names;
    const Role* only = nullptr;
    int num_required = 0;
    for (const auto& role : verb.roles) {
      role_names.push_back(role.name);
      if (role.required || verb.roles.size() == 1) {
        only = &role;
        ++num_required;
      }
    }
    if (from == nullptr || from->kind == Node::Kind::kNull) {
      if (num_required > 0 && only->required) {
        fail(step.mark, "'" + step.label + "' needs from: (" + signature_text(verb) + ")",
             "give " + step.label + ".from=<step, tag, run or path>");
      }
      return;
    }
    if (from->kind == Node::Kind::kScalar) {
      if (num_required != 1) {
        fail(from->mark, "'" + step.label + "' has several inputs: say which, as from: {" +
                             join_text(role_names, ": ..., ") + ": ...}");
      }
      bind(step, *only, *from);
      return;
    }
    if (from->kind != Node::Kind::kMap) {
      fail(from->mark, "from: must be a name or a map of roles");
    }
    for (const auto& entry : from->entries) {
      const Role* found = nullptr;
      for (const auto& role : verb.roles) {
        found = role.name == entry.key || (role.many && found == nullptr) ? &role : found;
      }
      if (found == nullptr) {
        fail(entry.key_mark, "'" + verb.name + "' takes no input '" + entry.key + "'", did_you_mean(entry.key, role_names));
      }
      if (entry.value.kind != Node::Kind::kScalar) {
        fail(entry.value.mark, "the input '" + entry.key + "' must be a step, tag, run or path");
      }
      bind(step, *found, entry.value);
      step.inputs.back().role = entry.key;
    }
    for (const auto& role : verb.roles) {
      bool given = role.many && !step.inputs.empty();
      for (const auto& input : step.inputs) {
        given |= input.role == role.name;
      }
      if (role.required && !given) {
        fail(from->mark, "'" + step.label + "' needs the input '" + role.name + "' (" + role.doc + ")");
      }
    }
  }

  static std::string signature_text(const Verb& verb) {
    std::vector<std::string> parts;
    for (const auto& role : verb.roles) {
      parts.push_back(role.name + ": " + name_of(role.kind) + (role.required ? "" : ", optional"));
    }
    return join_text(parts, "; ");
  }

  void check_kind(const StepPlan& step, const Node& node, const Role& role, ArtifactKind kind, const std::string& what) const {
    if (kind == role.kind || (role.kind == ArtifactKind::kTokenizer && kind == ArtifactKind::kModel)) {
      return;
    }
    fail(node.mark, "the input '" + role.name + "' wants " + name_of(role.kind) + ", but " + what + " gives " + name_of(kind),
         hint_for_role(*step.verb, role, kind));
  }

  void bind(StepPlan& step, const Role& role, const Node& node) {
    RunInput input;
    input.role = role.name;
    const Target target = split_reference(node.scalar);
    for (size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].label == target.head) {
        const Verb& producer = *steps_[i].verb;
        check_kind(step, node, role, producer.output, "'" + target.head + "'");
        check_part(node, producer, target);
        input.part = target.part;
        step.inputs.push_back(input);
        step.producers.push_back(static_cast<int>(i));
        return;
      }
    }
    if (const auto found = store_.find(target.head)) {
      if (found->status != "done") {
        fail(node.mark, "the run " + found->name + " is " + found->status + ", not done");
      }
      const auto kind = artifact_kind(found->info["output"].value("kind", ""));
      check_kind(step, node, role, kind.value_or(ArtifactKind::kNone), "the run " + found->name);
      if (const Verb* producer = find_verb(found->info.value("verb", ""))) {
        check_part(node, *producer, target);
      }
      input.id = found->info.value("id", "");
      input.run = found->name;
      input.part = target.part;
      step.inputs.push_back(input);
      step.producers.push_back(-1);
      return;
    }
    bind_path(step, role, node);
  }

  void bind_path(StepPlan& step, const Role& role, const Node& node) {
    const fs::path path = node.scalar;
    std::error_code code;
    if (!fs::exists(path, code)) {
      std::vector<std::string> names;
      for (const auto& other : steps_) {
        names.push_back(other.label);
      }
      const std::string near = nearest_name(split_reference(node.scalar).head, names);
      throw Error(near.empty() ? ErrorKind::kInput : ErrorKind::kUsage,
                  "step '" + step.label + "' wants '" + node.scalar + "', which is no step before it, tag, run or path",
                  node.mark.text(), near.empty() ? "" : "did you mean '" + near + "'?");
    }
    if (!can_serve_as(path, role.kind)) {
      fail(node.mark, "the input '" + role.name + "' wants " + name_of(role.kind) + ", but " + node.scalar +
                          " holds " + name_of(detect_kind(path)),
           hint_for_path(*step.verb, role, path));
    }
    RunInput input;
    input.role = role.name;
    input.path = node.scalar;
    input.id = "sha256:" + pins_.digests.path_digest(path);
    input.digest = input.id.substr(7);
    step.inputs.push_back(input);
    step.producers.push_back(-1);
  }

  static void check_part(const Node& node, const Verb& producer, const Target& target) {
    if (producer.parts.empty()) {
      if (!target.part.empty()) {
        fail(node.mark, "'" + target.head + "' has no parts");
      }
      return;
    }
    if (std::find(producer.parts.begin(), producer.parts.end(), target.part) == producer.parts.end()) {
      fail(node.mark, target.part.empty() ? "say which part of '" + target.head + "'"
                                          : "'" + target.head + "' has no part '" + target.part + "'",
           "the parts are " + target.head + "/" + join_text(producer.parts, ", " + target.head + "/"));
    }
  }

  const RunStore& store_;
  PinContext& pins_;
  std::vector<StepPlan> steps_;
};

std::vector<std::string> step_labels(const Node& root) {
  const Node* steps = root.find("steps");
  return steps == nullptr ? std::vector<std::string>{} : steps->keys();
}

}  // namespace

void apply_overrides(Node& root, const std::vector<Override>& overrides) {
  for (const auto& [key, value] : overrides) {
    const Mark mark{"command line: " + key + "=" + cut_to_width(value, 40), 0, 0};
    if (!is_pipeline(root)) {
      set_by_path(root, key, value, mark);
      continue;
    }
    const std::string head = key.substr(0, key.find('.'));
    const Node& steps = *root.find("steps");
    if (steps.find(head) != nullptr && head != key) {
      set_by_path(root, "steps." + key, value, mark);
      continue;
    }
    if (head == "name" || std::find(kSharedKeys.begin(), kSharedKeys.end(), head) != kSharedKeys.end()) {
      set_by_path(root, key, value, mark);
      continue;
    }
    std::vector<std::string> owners;
    std::vector<std::string> known = step_labels(root);
    for (const auto& entry : steps.entries) {
      const Verb& verb = verb_of(entry.value, entry.key, entry.key_mark);
      for (const auto& field : verb.schema.fields) {
        known.push_back(field.name);
        if (field.name == head) {
          owners.push_back(entry.key);
        }
      }
    }
    if (owners.empty()) {
      const std::string near = nearest_name(head, known);
      fail(mark, "no step has the key '" + head + "'",
           near.empty() ? "the steps are " + join_text(step_labels(root), ", ") + "; athanor explain VERB lists a step's keys"
                        : "did you mean '" + near + "'?");
    }
    if (owners.size() > 1) {
      fail(mark, "several steps have the key '" + head + "'",
           "say which: " + join_text(owners, "." + head + "=..., ") + "." + head + "=...");
    }
    set_by_path(root, "steps." + owners[0] + "." + key, value, mark);
  }
}

PipelinePlan resolve_recipe(const Node& root, const RunStore& store, PinContext& pins) {
  PipelinePlan plan;
  if (root.kind != Node::Kind::kMap) {
    fail(root.mark, std::string("a recipe must be a map of keys, not ") + root.kind_name(),
         "start with verb: ..., or with steps: ...");
  }
  plan.file = root.mark.file;
  Resolver resolver(store, pins);
  if (!is_pipeline(root)) {
    const Node* verb = root.find("verb");
    if (verb == nullptr) {
      fail(root.mark, "the recipe has neither verb: nor steps:", "the verbs are " + join_text(verb_names(), ", "));
    }
    plan.single = true;
    plan.name = verb->scalar;
    resolver.add(root, verb->scalar, verb->mark, nullptr);
    plan.steps = resolver.finish();
    plan.id = plan.steps.back().id;
    return plan;
  }
  for (const auto& entry : root.entries) {
    if (std::find(kRecipeKeys.begin(), kRecipeKeys.end(), entry.key) == kRecipeKeys.end()) {
      fail(entry.key_mark, "unknown key '" + entry.key + "' in a recipe with steps", did_you_mean(entry.key, kRecipeKeys));
    }
  }
  const Node* name = root.find("name");
  plan.name = name != nullptr ? name->scalar : fs::path(root.mark.file).stem().string();
  for (const auto& entry : root.find("steps")->entries) {
    if (entry.key.find_first_of("/.@ ") != std::string::npos) {
      fail(entry.key_mark, "the step name '" + entry.key + "' may not hold '/', '.', '@' or blanks");
    }
    resolver.add(entry.value, entry.key, entry.key_mark, &root);
  }
  plan.steps = resolver.finish();
  std::vector<RunInput> as_inputs;
  for (const auto& step : plan.steps) {
    as_inputs.push_back({step.label, step.id, step.verb->name + "-" + step.id.substr(0, 8), "", "", ""});
  }
  plan.id = compute_run_id("pipeline", 1, {{"name", plan.name}}, as_inputs, nullptr);
  return plan;
}

}  // namespace athanor
