#include "athanor/stage/child_runs.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <set>
#include <thread>

#include "athanor/base/error.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/nearest.h"
#include "athanor/base/text.h"

namespace athanor {

namespace {

constexpr int kBusyExit = static_cast<int>(ErrorKind::kBusy);
constexpr int kInterruptedExit = static_cast<int>(ErrorKind::kInterrupted);
constexpr double kBusyPause = 0.2;
constexpr int kMaxKills = 2;
constexpr double kPatience = 600;  // seconds for a child to save its state after Ctrl-C; a second Ctrl-C does not wait
constexpr uint64_t kMaxOutput = 64u << 20;

// The steps that a step's from: names.
std::vector<std::string> references(const Node& step) {
  std::vector<std::string> names;
  const Node* from = step.find("from");
  if (from == nullptr) {
    return names;
  }
  const auto add = [&](const Node& node) { names.push_back(node.scalar.substr(0, node.scalar.find('/'))); };
  if (from->kind == Node::Kind::kScalar) {
    add(*from);
  }
  for (const auto& entry : from->entries) {
    add(entry.value);
  }
  return names;
}

// A step comes after those it refers to; else by name.
void order_steps(Node& steps) {
  std::vector<Node::Entry> ordered;
  std::set<std::string> placed;
  std::set<std::string> open;
  const std::function<void(const Node::Entry&)> place = [&](const Node::Entry& entry) {
    if (placed.contains(entry.key) || !open.insert(entry.key).second) {
      return;
    }
    for (const std::string& name : references(entry.value)) {
      for (const auto& other : steps.entries) {
        if (other.key == name) {
          place(other);
        }
      }
    }
    placed.insert(entry.key);
    ordered.push_back(entry);
  };
  for (const auto& entry : steps.entries) {
    place(entry);
  }
  steps.entries = std::move(ordered);
}

std::string error_text(const fs::path& out, const fs::path& err, int code) {
  const auto json = nlohmann::json::parse(fs::exists(out) ? read_file(out, kMaxOutput) : "", nullptr, false);
  if (json.is_object() && json.contains("error") && json["error"].is_object()) {
    const auto& error = json["error"];
    const std::string where = error.value("where", "");
    const std::string hint = error.value("hint", "");
    return (where.empty() ? "" : where + ": ") + error.value("what", "") + (hint.empty() ? "" : " (" + hint + ")");
  }
  std::string text = fs::exists(err) ? read_file(err, kMaxOutput) : "";
  while (!text.empty() && text.back() == '\n') {
    text.pop_back();
  }
  const size_t line = text.rfind('\n');
  text = line == std::string::npos ? text : text.substr(line + 1);
  const std::string how = code > 128 ? "ended by signal " + std::to_string(code - 128) : "exit " + std::to_string(code);
  return how + (text.empty() ? "" : ": " + text);
}

// One line: a scalar, or a list or map in flow style.
std::string flow_text(const Node& node) {
  if (node.kind == Node::Kind::kSequence) {
    std::string text;
    for (const auto& item : node.items) {
      text += (text.empty() ? "" : ", ") + flow_text(item);
    }
    return "[" + text + "]";
  }
  if (node.kind == Node::Kind::kMap) {
    std::string text;
    for (const auto& entry : node.entries) {
      text += (text.empty() ? "" : ", ") + nlohmann::json(entry.key).dump() + ": " + flow_text(entry.value);
    }
    return "{" + text + "}";
  }
  const auto value = node.to_json();
  return value.is_string() ? value.dump() : value.is_null() ? "null" : node.scalar;
}

void block_text(const Node& map, const std::string& indent, std::string& text) {
  for (const auto& entry : map.entries) {
    text += indent + nlohmann::json(entry.key).dump() + ":";
    if (entry.value.kind == Node::Kind::kMap && !entry.value.entries.empty()) {
      text += "\n";
      block_text(entry.value, indent + "  ", text);
    } else {
      text += " " + flow_text(entry.value) + "\n";
    }
  }
}

Node root_of(const nlohmann::json& given) {
  if (given.is_string()) {
    return load_recipe(given.get<std::string>());
  }
  if (!given.is_object() || given.empty()) {
    throw Error(ErrorKind::kUsage, "recipe must be the path of a recipe, or a recipe: {verb: ...} or {steps: {...}}");
  }
  Mark mark;
  mark.file = "recipe";
  Node root = Node::from_json(given, mark);
  for (auto& entry : root.entries) {
    if (entry.key == "steps" && entry.value.kind == Node::Kind::kMap) {
      order_steps(entry.value);
    }
  }
  return root;
}

}  // namespace

std::string recipe_text(const Node& recipe) {
  std::string text;
  block_text(recipe, "", text);
  return text;
}

void set_step_field(Node& recipe, const StepPlan& step, const std::string& field, int64_t value) {
  if (step.inserted) {
    return;  // made by another step: it has that step's field
  }
  const Node* steps = recipe.find("verb") == nullptr ? recipe.find("steps") : nullptr;
  Node* map = &recipe;
  if (steps != nullptr) {
    Node& all = recipe.at_or_add("steps", recipe.mark);
    map = &all.at_or_add(step.label, recipe.mark);
    map->kind = Node::Kind::kMap;
  }
  map->at_or_add(field, recipe.mark) = Node::from_json(value, recipe.mark);
}

ChildRecipe ChildRecipe::load(const nlohmann::json& given, const std::string& data_dir) {
  ChildRecipe recipe;
  recipe.root_ = root_of(given);
  if (!data_dir.empty()) {
    recipe.root_.at_or_add("data_dir", recipe.root_.mark) = Node::from_json(data_dir, recipe.root_.mark);
  }
  return recipe;
}

Node ChildRecipe::with(const std::vector<Override>& overrides) const {
  Node root = root_;
  std::vector<Override> keys = overrides;
  if (const Node* verb = root.find("verb")) {
    for (Override& override : keys) {
      if (override.key.starts_with(verb->scalar + ".")) {
        override.key.erase(0, verb->scalar.size() + 1);
      }
    }
  }
  apply_overrides(root, keys);
  return root;
}

int step_with_field(const PipelinePlan& plan, const std::string& field) {
  for (size_t i = plan.steps.size(); i-- > 0;) {
    if (plan.steps[i].verb->schema.find(field) != nullptr) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

bool all_done(const PipelinePlan& plan, const RunStore& store) {
  return std::all_of(plan.steps.begin(), plan.steps.end(),
                     [&](const StepPlan& step) { return store.find_done(step.verb->name, step.id).has_value(); });
}

fs::path run_folder(const StepPlan& step, const RunStore& store) {
  if (const auto done = store.find_done(step.verb->name, step.id)) {
    return done->dir;
  }
  for (const size_t digits : {size_t{8}, size_t{12}}) {
    const fs::path dir = store.root() / (step.verb->name + "-" + step.id.substr(0, digits));
    if (!fs::exists(dir / "run.json")) {
      continue;
    }
    const auto info = nlohmann::json::parse(read_file(dir / "run.json", kMaxOutput), nullptr, false);
    if (info.is_object() && info.value("id", "") == step.id) {
      return dir;
    }
  }
  return {};
}

void ChildRuns::launch(Child& child) {
  const fs::path recipe = place_.folder / (child.name + ".yaml");
  child.process = std::make_unique<ChildProcess>(
      std::vector<std::string>{"/proc/self/exe", "run", recipe.string(), "runs=" + place_.store.root().string(), "--json"},
      ChildOptions{place_.folder / (child.name + ".out"), place_.folder / (child.name + ".err")});
}

void ChildRuns::start(int64_t key, const std::string& name, Node recipe, PipelinePlan plan) {
  Child child;
  child.name = name;
  child.plan = std::move(plan);
  child.begin = monotonic_time();
  if (all_done(child.plan, place_.store)) {
    child.ended = ChildOutcome{};
    children_.emplace(key, std::move(child));
    return;
  }
  make_dirs(place_.folder);
  for (const StepPlan& step : child.plan.steps) {
    if (place_.threads > 0 && step.verb->schema.find("threads") != nullptr) {
      set_step_field(recipe, step, "threads", place_.threads);
    }
  }
  if (!child.plan.single) {
    recipe.at_or_add("name", recipe.mark) = Node::from_json(child.plan.name, recipe.mark);
  }
  write_file_atomic(place_.folder / (name + ".yaml"), recipe_text(recipe));
  launch(child);
  children_.emplace(key, std::move(child));
}

void ChildRuns::interrupt(int64_t key) {
  Child& child = children_.at(key);
  child.interrupted = true;
  if (child.process) {
    child.process->interrupt();
  }
}

std::optional<ChildOutcome> ChildRuns::outcome(Child& child) {
  if (child.ended) {
    return child.ended;
  }
  if (!child.process) {  // waits for its turn
    if (child.interrupted) {
      return ChildOutcome{ChildOutcome::End::kStopped, "", 0};
    }
    if (monotonic_time() >= child.again_at) {
      launch(child);
    }
    return std::nullopt;
  }
  if (child.process->running()) {
    return std::nullopt;
  }
  const int code = child.process->exit_code();
  const double seconds = monotonic_time() - child.begin;
  if (code == 0) {
    const bool done = all_done(child.plan, place_.store);
    return ChildOutcome{done ? ChildOutcome::End::kDone : ChildOutcome::End::kPaused, "", seconds};
  }
  if (child.interrupted) {
    return ChildOutcome{ChildOutcome::End::kStopped, "", seconds};
  }
  const bool killed = code > 128 && code != kInterruptedExit;
  if (killed && all_done(child.plan, place_.store)) {  // in its last moment
    return ChildOutcome{ChildOutcome::End::kDone, "", seconds};
  }
  if (code == kBusyExit || (killed && child.kills < kMaxKills)) {
    child.kills += killed ? 1 : 0;
    child.process.reset();
    child.again_at = monotonic_time() + kBusyPause;
    return std::nullopt;
  }
  return ChildOutcome{ChildOutcome::End::kFailed,
                      error_text(place_.folder / (child.name + ".out"), place_.folder / (child.name + ".err"), code), seconds};
}

std::vector<std::pair<int64_t, ChildOutcome>> ChildRuns::poll() {
  std::vector<std::pair<int64_t, ChildOutcome>> ended;
  for (auto& [key, child] : children_) {
    if (auto found = outcome(child)) {
      ended.emplace_back(key, *found);
    }
  }
  for (const auto& [key, found] : ended) {
    children_.erase(key);
  }
  return ended;
}

void ChildRuns::stop_on_interrupt() {
  if (!interrupted()) {
    return;
  }
  for (auto& [key, child] : children_) {
    if (!child.interrupted) {
      interrupt(key);
    }
  }
  // Each gets one signal: a second one ends it at once, without the state that it is saving.
  const auto any_runs = [&] {
    return std::any_of(children_.begin(), children_.end(),
                       [](auto& item) { return item.second.process && item.second.process->running(); });
  };
  for (const double begin = monotonic_time(); any_runs() && monotonic_time() - begin < kPatience;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  children_.clear();
  check_interrupt();
}

}  // namespace athanor
