#include "athanor/stage/execute.h"

#include <new>

#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/text.h"
#include "athanor/base/version.h"
#include "athanor/stage/crew.h"
#include "athanor/stage/torch_unit.h"
#include "athanor/stage/verbs.h"

namespace athanor {

namespace {

// Models of tables, tokenizers and settings are read whole, what is large is known by its sizes: 0.05 s at most.
void refuse_changed(const fs::path& folder, const std::string& hint) {
  constexpr uint64_t kHashed = uint64_t{64} << 20;
  if (const std::string difference = verify_manifest(folder, kHashed); !difference.empty()) {
    throw Error(ErrorKind::kInput, "has changed since it was made: " + difference, folder.string(), hint);
  }
}

StageInput locate(const RunInput& input, const Verb* producer, const RunStore& store, const std::string& label) {
  StageInput found;
  found.role = input.role;
  found.record = input;
  if (input.run.empty()) {
    found.path = input.path;
    if (fs::exists(found.path / "MANIFEST")) {  // a copy of what a run made
      refuse_changed(found.path, "take the folder as it was made; where you meant to change it, remove its MANIFEST");
    }
    found.kind = detect_kind(found.path);
    return found;
  }
  const auto run = producer != nullptr ? store.find_done(producer->name, input.id) : store.find(input.run);
  if (!run || run->status != "done") {
    throw Error(ErrorKind::kInput, "step '" + label + "' wants " + input.run + ", which is not finished", "",
                "run the recipe that makes it first");
  }
  const auto& output = run->info["output"];
  const std::string recorded = output.value("digest", "");
  const std::string now = manifest_digest(run->dir / "out");
  if (recorded != now) {
    throw Error(ErrorKind::kInput, "has changed since it was made: recorded " + recorded + ", found " + now,
                (run->dir / "out").string(), "remove the run and make it again");
  }
  refuse_changed(run->dir / "out", "remove the run and make it again");
  found.path = input.part.empty() ? run->dir / "out" : run->dir / "out" / input.part;
  if (!fs::exists(found.path)) {
    throw Error(ErrorKind::kInput, "the run " + run->name + " has no part '" + input.part + "'", found.path.string());
  }
  found.kind = detect_kind(found.path);
  found.record.run = run->name;
  found.record.digest = recorded;
  found.result = run->info["result"];
  return found;
}

// A library's what() may go on with a stack trace: the first line says it.
std::string first_line(const std::string& text) {
  const std::string line = text.substr(0, text.find('\n'));
  return line.empty() ? "an unnamed failure" : line;
}

}  // namespace

Error readable_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ErrorKind::kResource, "not enough memory", "",
                 "athanor plan shows what needs it; a smaller batch or model helps");
  } catch (const fs::filesystem_error& error) {
    return Error(ErrorKind::kResource, error.code().message(), error.path1().string());
  } catch (const std::exception& error) {
    const std::string what = error.what();
    if (what.find("DefaultCPUAllocator") != std::string::npos || what.find("out of memory") != std::string::npos) {
      return Error(ErrorKind::kResource, "not enough memory: " + first_line(what), "",
                   "athanor plan shows what needs it; a smaller batch or model helps");
    }
    return Error(ErrorKind::kInternal, first_line(what), "", "this is a fault of Athanor: please report it");
  } catch (...) {
    return Error(ErrorKind::kInternal, "an unnamed failure", "", "this is a fault of Athanor: please report it");
  }
}

std::vector<StageInput> locate_inputs(const StepPlan& step, const std::vector<StepPlan>& steps,
                                      const RunStore& store) {
  std::vector<StageInput> inputs;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const int producer = step.producers[i];
    inputs.push_back(locate(step.inputs[i], producer < 0 ? nullptr : steps[static_cast<size_t>(producer)].verb, store,
                            step.label));
  }
  return inputs;
}

namespace {

RunSpec spec_of(const StepPlan& step, const std::vector<StepPlan>& steps) {
  RunSpec spec;
  spec.verb = step.verb->name;
  spec.revision = step.verb->revision;
  spec.id = step.id;
  spec.recipe = to_yaml(step_recipe(step, steps, NameInputs::kByRun));
  spec.pins = step.pins;
  spec.label = step.label;
  return spec;
}

// Options that change no result, given otherwise than they were when the run was made: a step that is skipped reads none. But
// data_dir was read, to find by their bytes the files that make it the same run.
void find_no_effect(const std::vector<FieldInfo>& fields, const nlohmann::json& given, const nlohmann::json& then,
                    const std::string& prefix, std::vector<std::string>& found) {
  for (const FieldInfo& info : fields) {
    const auto now = given.find(info.name);
    const auto before = then.find(info.name);
    if (now == given.end() || before == then.end()) {
      continue;
    }
    if (!info.children.empty()) {
      find_no_effect(info.children, *now, *before, prefix + info.name + ".", found);
    } else if (info.speed && info.name != "data_dir" && *now != *before && *now != info.default_value) {
      found.push_back(prefix + info.name);
    }
  }
}

StepOutcome done_before(const StepPlan& step, const std::string& run, const fs::path& dir, nlohmann::json info) {
  StepOutcome outcome{run, dir, true, false, std::move(info), {}};
  std::error_code code;
  if (fs::exists(dir / "recipe.yaml", code)) {
    find_no_effect(step.verb->schema.fields, step.options, load_recipe(dir / "recipe.yaml").to_json(), "", outcome.no_effect);
  }
  return outcome;
}

StepOutcome wait_for(Workshop& shop, const RunSpec& spec, const std::string& why) {
  const std::string name = spec.verb + "-" + spec.id.substr(0, 8);
  return {name, shop.store.root() / name, false, true, {{"status", "paused"}, {"paused_because", why}}, {}};
}

// One process's share of a step. The step is never finished here: merging does that.
StepOutcome execute_shard(const StepPlan& step, const std::vector<StepPlan>& steps, Workshop& shop) {
  RunSpec spec = spec_of(step, steps);
  if (const auto done = shop.store.find_done(spec.verb, spec.id)) {
    return done_before(step, done->name, done->dir, done->info);
  }
  if (!step.verb->shards) {
    return wait_for(shop, spec, "this step is not cut into shards: athanor merge does it");
  }
  const auto inputs = locate_inputs(step, steps, shop.store);
  Run run = shop.store.open_shard(spec, shop.shard);
  shop.progress.begin(step.label);
  StageContext context{step.options, inputs,    run, shop.progress, shop.digests, step.pins,
                       shop.store.cache_dir() / "downloads", shop.shard, false};
  if (run.start() != Run::Start::kDone) {
    execute_function(*step.verb)(context);
  }
  StepOutcome outcome = wait_for(shop, spec, "shard " + std::to_string(shop.shard.index) + " of " +
                                                 std::to_string(shop.shard.count) +
                                                 " is done; when all are: athanor merge");
  outcome.run = run.name();
  outcome.dir = run.dir();
  return outcome;
}

}  // namespace

StepOutcome execute_step(const StepPlan& step, const std::vector<StepPlan>& steps, Workshop& shop, bool force) {
  if (!shop.shard.whole()) {
    return execute_shard(step, steps, shop);
  }
  RunSpec spec = spec_of(step, steps);
  std::vector<StageInput> inputs;
  if (shop.merge && step.verb->shards && !shop.store.find_done(spec.verb, spec.id) &&
      !fs::exists(shop.store.root() / (spec.verb + "-" + spec.id.substr(0, 8)) / "state")) {
    return wait_for(shop, spec, "its shards have not begun: run the recipe with shard=i/n");
  }
  if (force || !shop.store.find_done(spec.verb, spec.id)) {
    check_interrupt();
    inputs = locate_inputs(step, steps, shop.store);
    for (const auto& input : inputs) {
      spec.inputs.push_back(input.record);
    }
  }
  Run run = shop.store.open(spec, force);
  if (run.start() == Run::Start::kDone) {
    return done_before(step, run.name(), run.dir(), run.info());
  }
  StepOutcome outcome{run.name(), run.dir(), false, false, {}, {}};
  if (!step.verb->resumable) {
    run.events().truncate(0);
  }
  try {
    shop.progress.begin(step.label);
    StageContext context{step.options, inputs,    run, shop.progress, shop.digests, step.pins,
                         shop.store.cache_dir() / "downloads", {}, shop.merge,
                         shop.crew != nullptr && step.verb->torch && torch_entry(step.verb->name).ranks
                             ? &shop.crew->ranks()
                             : nullptr};
    if (context.ranks != nullptr) {
      shop.crew->join(step, context);
    }
    nlohmann::json result = execute_function(*step.verb)(context);
    if (const auto paused = result.find("paused"); paused != result.end()) {
      run.pause(*paused);
      outcome.paused = true;
    } else {
      run.finish(step.verb->output, std::move(result));
    }
  } catch (...) {
    const Error error = readable_error();
    run.fail(error);
    throw error;
  }
  outcome.info = run.info();
  return outcome;
}

void StageContext::warn(const std::string& what) {
  constexpr int64_t kShown = 5;
  if (++num_warnings <= kShown) {
    progress.line("  warning: " + what + (num_warnings < kShown ? "" : "  (more of them: events.jsonl in the run)"));
  }
  run.events().emit("warning", {{"what", what}});
}

const StageInput* StageContext::find(const std::string& role) const {
  for (const auto& input : inputs) {
    if (input.role == role) {
      return &input;
    }
  }
  return nullptr;
}

const StageInput& StageContext::input(const std::string& role) const {
  const StageInput* found = find(role);
  if (found == nullptr) {
    throw Error(ErrorKind::kInternal, "the input '" + role + "' was not bound");
  }
  return *found;
}

}  // namespace athanor
