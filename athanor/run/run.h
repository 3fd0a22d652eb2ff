// A run: a directory with a life. See docs/formats/run.md for every field of run.json.
//
//   runs/pretrain-1f3a9c20/{recipe.yaml, run.json, events.jsonl, rejected/, out/, state/}
//
// kill -9 at any instant leaves nothing, a run that can be resumed, or a finished one: out/ appears by one rename,
// run.json is replaced atomically, and a finish that was cut short is completed at the next start.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/run/artifact.h"
#include "athanor/run/event.h"
#include "athanor/run/journal.h"
#include "athanor/run/lease.h"

namespace athanor {

// One input as run.json records it.
struct RunInput {
  std::string role;
  std::string id;      // the producing run's id, or "sha256:..." of a path's content
  std::string run;     // the producing run's name; empty for a path
  std::string part;    // sub-folder of its out/, such as "train"; may be empty
  std::string path;    // as given, for a path
  std::string digest;  // of the artifact's bytes; filled when the run starts
};

struct RunSpec {
  std::string verb;
  int revision = 1;
  std::string id;            // 64 hex digits
  std::string recipe;        // YAML, resolved: every default written out, inputs pinned; runs again to the same id
  nlohmann::json pins;       // what outside sources were resolved to
  std::vector<RunInput> inputs;
  std::string label;         // the step's name in its pipeline; may be empty
};

// sha256 over the verb, its revision, the fields that change the result, the inputs' ids and parts, and the pins.
std::string compute_run_id(const std::string& verb, int revision, const nlohmann::json& result_options,
                           const std::vector<RunInput>& inputs, const nlohmann::json& pins);

class Run {
 public:
  enum class Start { kFresh, kResumed, kDone };

  const std::string& name() const { return name_; }
  Start start() const { return start_; }
  const fs::path& dir() const { return dir_; }
  fs::path out() const { return dir_ / "out"; }          // exists once done
  fs::path out_tmp() const { return dir_ / "out.tmp"; }  // where the verb writes
  fs::path state() const { return dir_ / "state"; }
  fs::path rejected() const { return dir_ / "rejected"; }
  EventLog& events() { return *events_; }
  nlohmann::json& info() { return info_; }  // run.json; save() writes it
  const nlohmann::json& info() const { return info_; }
  std::string status() const { return info_.value("status", ""); }

  // For a rank other than 0 at a step of rank 0's: the same folder, events in events.<rank>.jsonl, and run.json and out/
  // left to rank 0.
  static Run of_rank(const fs::path& dir, int rank);

  void save();
  // Writes MANIFEST, fsyncs, renames out.tmp to out, drops state/ and marks the run done.
  void finish(ArtifactKind kind, nlohmann::json result);
  void pause(const std::string& why);  // status paused, state kept
  void fail(const Error& error);       // status failed, state and rejected kept

 private:
  friend class RunStore;
  void complete_finish();

  std::string name_;
  fs::path dir_;
  Start start_ = Start::kFresh;
  nlohmann::json info_;
  std::unique_ptr<EventLog> events_;
  std::optional<Lease> lease_;
  double started_ = 0;
};

// What `ls` and the references need of a run directory.
struct RunSummary {
  std::string name;
  fs::path dir;
  nlohmann::json info;
  std::string status;  // as in run.json, but "interrupted" for a running one whose process is gone
};

class RunStore {
 public:
  explicit RunStore(fs::path root);

  const fs::path& root() const { return root_; }
  fs::path cache_dir() const { return root_ / ".cache"; }

  // Opens the run that the spec names: done (nothing is locked), to be resumed, or fresh. force starts a new
  // attempt. Error(kBusy) says who works on it when another process does.
  Run open(const RunSpec& spec, bool force);

  // For one of several processes that share a run's parts: makes the directory where it is missing and keeps its own
  // event log; run.json and out/ are left to the process that merges. Error(kBusy) when this shard is worked on.
  Run open_shard(const RunSpec& spec, ShardOf shard);

  // The newest finished attempt with this id.
  std::optional<RunSummary> find_done(const std::string& verb, const std::string& id) const;

  std::vector<RunSummary> list() const;  // oldest first
  // By name, by tag ("@x" or "x"), or by a prefix of the id of at least 6 digits.
  std::optional<RunSummary> find(const std::string& reference) const;

 private:
  friend class Run;
  std::optional<RunSummary> load(const std::string& name) const;
  std::string base_name(const RunSpec& spec) const;
  std::optional<Lease> take_lease(const std::string& name, const std::string& suffix) const;

  fs::path root_;
};

// Tags: names for runs, kept in registry.jsonl (append-only: {"t", "name", "run", "stage", "by"}; the last line of a
// name counts, an empty run removes it).
struct Tag {
  std::string name;
  std::string run;
  std::string stage;
  std::string time;
};
std::vector<Tag> read_tags(const fs::path& root);
void write_tag(const fs::path& root, const Tag& tag);

}  // namespace athanor
