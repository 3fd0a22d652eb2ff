// Verbs: functions (recipe, artifacts) -> run directory, and the typed signatures that `check` holds them to.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "athanor/base/progress.h"
#include "athanor/run/artifact.h"
#include "athanor/run/digest_cache.h"
#include "athanor/run/fields.h"
#include "athanor/run/journal.h"
#include "athanor/run/ranks.h"
#include "athanor/run/run.h"

namespace athanor {

// One input place of a signature.
struct Role {
  std::string name;  // "train", "model", ...
  ArtifactKind kind = ArtifactKind::kNone;
  bool required = true;
  std::string doc;
  bool many = false;  // any number of inputs, each under a name of the recipe's choice
};

// An input that stands ready on disk.
struct StageInput {
  std::string role;
  ArtifactKind kind = ArtifactKind::kNone;
  fs::path path;       // the folder to read: a run's out/ (and part), or the user's own path
  RunInput record;     // what run.json says of it
  nlohmann::json result;  // the producing run's result; null for a path
};

// All that a verb is given while it runs.
struct StageContext {
  const nlohmann::json& options;          // resolved
  const std::vector<StageInput>& inputs;
  Run& run;
  Progress& progress;
  DigestCache& digests;
  const nlohmann::json& pins;
  fs::path cache_dir;  // for downloads; shared by all runs of the store
  ShardOf shard;       // this process's share of the parts; a verb with `shards` honours it
  bool merge = false;  // put finished parts together; a part that is not there is an Error
  Ranks* ranks = nullptr;  // not null: one of several processes in this step, which only rank 0 finishes

  int64_t num_warnings = 0;

  const StageInput* find(const std::string& role) const;  // null when not given
  const StageInput& input(const std::string& role) const;
  // A line for whoever looks on, and an event. Of many, the first few are lines.
  void warn(const std::string& what);
};

struct PinContext {
  DigestCache& digests;
  fs::path cache_dir;
};

// A step that the resolver puts before another one: its verb reads the first role's input, and its output takes that
// input's place. So work that does not depend on all options is a run of its own, done once for all that share it.
struct BeforeStep {
  std::string verb;
  nlohmann::json options;
};

// What `plan` shows of one verb: {"rows": [{"name", "value", "text", "note"}], "fits": bool, "why", "advice"}; the options
// hold "plan_quick" beside the verb's own: true = measure nothing.
using PlanFunction = nlohmann::json (*)(const nlohmann::json& options, const std::vector<StageInput>& inputs);
// Does the work: writes run.out_tmp() and gives the key figures for run.json's "result".
using ExecuteFunction = nlohmann::json (*)(StageContext&);

struct Verb {
  std::string name;
  std::string summary;
  int revision = 1;  // raised whenever the same recipe gives other bytes
  std::vector<Role> roles;
  ArtifactKind output = ArtifactKind::kNone;
  std::vector<std::string> parts;  // sub-artifacts of the same kind, such as "train", "valid", "test"
  OptionSchema schema;
  bool torch = false;      // execute and plan live in the torch unit
  bool resumable = false;  // keeps state/ and cuts its own event log back
  bool shards = false;     // its parts may be shared by processes: shard=i/n, then merge
  bool session = false;    // the id holds the start time; never skipped
  // Writes out what one dial derives, and checks what needs no input's bytes (a model's shape against itself, step
  // names, ...); throws Error(kUsage).
  std::function<void(nlohmann::json& options)> prepare;
  // Checks the options against which inputs are given, by name; throws Error(kUsage).
  std::function<void(const nlohmann::json& options, const std::vector<std::string>& inputs)> check_inputs;
  // The step to put before this one, if any; an empty verb puts none. options: resolved.
  std::function<BeforeStep(const nlohmann::json& options)> before;
  // Pins outside sources for the run id.
  std::function<nlohmann::json(const nlohmann::json& options, PinContext&)> pins;
  ExecuteFunction execute = nullptr;
  PlanFunction plan = nullptr;
  std::string (*notes)() = nullptr;  // what `explain` says beyond the fields
  std::string example;               // a command that works
};

}  // namespace athanor
