#include "athanor/run/run.h"

#include "athanor/base/hash.h"
#include "athanor/base/machine.h"
#include "athanor/base/text.h"
#include "athanor/base/version.h"

namespace athanor {

namespace {

std::string dump(const nlohmann::json& value) {
  return value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string compute_run_id(const std::string& verb, int revision, const nlohmann::json& result_options,
                           const std::vector<RunInput>& inputs, const nlohmann::json& pins) {
  auto list = nlohmann::json::array();
  for (const auto& input : inputs) {
    list.push_back({{"role", input.role}, {"id", input.id}, {"part", input.part}});
  }
  // nlohmann's objects are sorted by key and its dump is one fixed form, so equal content gives equal bytes.
  const nlohmann::json identity{
      {"verb", verb}, {"revision", revision}, {"options", result_options}, {"inputs", list}, {"pins", pins}};
  return sha256_hex(identity.dump());
}

Run Run::of_rank(const fs::path& dir, int rank) {
  Run run;
  run.name_ = dir.filename().string();
  run.dir_ = dir;
  run.started_ = monotonic_time();
  run.events_ = std::make_unique<EventLog>(dir / ("events." + std::to_string(rank) + ".jsonl"));
  return run;
}

void Run::save() { write_file_atomic(dir_ / "run.json", dump(info_)); }

void Run::finish(ArtifactKind kind, nlohmann::json result) {
  make_dirs(out_tmp());
  const std::string digest = write_manifest(out_tmp());
  uint64_t bytes = 0;
  for (const auto& entry : read_manifest(out_tmp())) {
    bytes += entry.bytes;
  }
  fsync_tree(out_tmp());
  info_["output"] = {{"kind", name_of(kind)}, {"digest", digest}, {"bytes", bytes}};
  info_["result"] = std::move(result);
  info_["seconds"] = info_.value("seconds", 0.0) + (monotonic_time() - started_);
  info_["finished"] = utc_time(unix_time());
  info_["peak_memory_bytes"] = peak_memory_bytes();
  info_["status"] = "finishing";
  save();
  complete_finish();
}

void Run::complete_finish() {
  if (fs::exists(out_tmp())) {
    fs::rename(out_tmp(), out());
    fsync_path(dir_);
  }
  info_["status"] = "done";
  info_.erase("error");
  save();
  std::error_code ignored;
  fs::remove_all(state(), ignored);
}

void Run::pause(const std::string& why) {
  info_["status"] = "paused";
  info_["paused_because"] = why;
  info_["seconds"] = info_.value("seconds", 0.0) + (monotonic_time() - started_);
  save();
}

void Run::fail(const Error& error) {
  info_["status"] = error.kind() == ErrorKind::kInterrupted ? "paused" : "failed";
  info_["error"] = {{"kind", name_of(error.kind())},
                    {"what", error.message()},
                    {"where", error.where()},
                    {"hint", error.hint()}};
  info_["seconds"] = info_.value("seconds", 0.0) + (monotonic_time() - started_);
  save();
}

RunStore::RunStore(fs::path root) : root_(std::move(root)) {}

std::string RunStore::base_name(const RunSpec& spec) const {
  const std::string name = spec.verb + "-" + spec.id.substr(0, 8);
  const auto existing = load(name);
  // Two ids that share eight digits are told apart by twelve.
  return existing && existing->info.value("id", spec.id) != spec.id ? spec.verb + "-" + spec.id.substr(0, 12) : name;
}

std::optional<RunSummary> RunStore::load(const std::string& name) const {
  const fs::path dir = root_ / name;
  std::error_code code;
  if (!fs::exists(dir / "run.json", code)) {
    return std::nullopt;
  }
  RunSummary summary;
  summary.name = name;
  summary.dir = dir;
  summary.info = nlohmann::json::parse(read_file(dir / "run.json"), nullptr, false);
  if (!summary.info.is_object()) {
    throw Error(ErrorKind::kInput, "is not valid JSON", (dir / "run.json").string(), "remove the run directory");
  }
  summary.status = summary.info.value("status", "");
  if ((summary.status == "running" || summary.status == "finishing") &&
      Lease::holder(root_ / ".locks" / name).empty()) {
    summary.status = "interrupted";
  }
  return summary;
}

namespace {

nlohmann::json first_info(const RunSpec& spec, const std::string& name, int attempt) {
  return {{"schema", 1},
          {"id", spec.id},
          {"name", name},
          {"verb", spec.verb},
          {"revision", spec.revision},
          {"attempt", attempt},
          {"created", utc_time(unix_time())}};
}

}  // namespace

std::optional<Lease> RunStore::take_lease(const std::string& name, const std::string& suffix) const {
  const fs::path path = root_ / ".locks" / (name + suffix);
  auto lease = Lease::try_take(path);
  if (!lease) {
    throw Error(ErrorKind::kBusy, "is being worked on by " + Lease::holder(path), name,
                "wait for it, or follow it with: athanor log " + name + " follow=true");
  }
  return lease;
}

Run RunStore::open_shard(const RunSpec& spec, ShardOf shard) {
  Run run;
  run.name_ = base_name(spec);
  run.dir_ = root_ / run.name_;
  const std::string suffix = ".shard-" + std::to_string(shard.index) + "-of-" + std::to_string(shard.count);
  run.lease_ = take_lease(run.name_, suffix);
  run.started_ = monotonic_time();
  make_dirs(run.state());
  if (auto existing = load(run.name_)) {
    run.info_ = std::move(existing->info);
    if (run.status() == "done") {
      run.start_ = Run::Start::kDone;
      return run;
    }
    run.start_ = Run::Start::kResumed;
  } else {  // shards that start at once write the same but for the second
    run.info_ = first_info(spec, run.name_, 1);
    run.info_["label"] = spec.label;
    run.info_["status"] = "paused";
    run.info_["paused_because"] = "shards work on it; athanor merge puts them together";
    write_file_atomic(run.dir_ / "recipe.yaml", spec.recipe);
    run.save();
  }
  run.events_ = std::make_unique<EventLog>(run.dir_ / ("events" + suffix + ".jsonl"));
  return run;
}

Run RunStore::open(const RunSpec& spec, bool force) {
  const std::string base = base_name(spec);
  std::string name = base;
  int attempt = 1;
  auto existing = load(name);
  for (auto next = load(base + "." + std::to_string(attempt + 1)); next;
       next = load(base + "." + std::to_string(attempt + 1))) {
    ++attempt;
    name = next->name;
    existing = std::move(next);
  }
  if (!force) {
    if (auto done = find_done(spec.verb, spec.id)) {
      Run run;
      run.name_ = done->name;
      run.dir_ = done->dir;
      run.info_ = std::move(done->info);
      run.start_ = Run::Start::kDone;
      return run;
    }
  } else if (existing) {
    name = base + "." + std::to_string(++attempt);
    existing.reset();
  }
  Run run;
  run.name_ = name;
  run.dir_ = root_ / name;
  run.lease_ = take_lease(name, "");
  existing = load(name);  // it may have changed before the lock was ours
  make_dirs(run.dir_);
  run.started_ = monotonic_time();
  if (existing) {
    run.info_ = std::move(existing->info);
    run.start_ = fs::exists(run.state()) ? Run::Start::kResumed : Run::Start::kFresh;
    if (run.info_.value("status", "") == "finishing" && (fs::exists(run.out()) || fs::exists(run.out_tmp()))) {
      run.complete_finish();
    }
    if (run.status() == "done") {
      run.start_ = Run::Start::kDone;
      return run;
    }
  } else {
    run.info_ = first_info(spec, name, attempt);
    write_file_atomic(run.dir_ / "recipe.yaml", spec.recipe);
  }
  fs::remove_all(run.out_tmp());
  make_dirs(run.out_tmp());
  auto inputs = nlohmann::json::array();
  for (const auto& input : spec.inputs) {
    inputs.push_back({{"role", input.role},
                      {"id", input.id},
                      {"run", input.run},
                      {"part", input.part},
                      {"path", input.path},
                      {"digest", input.digest}});
  }
  const auto machine = machine_json();
  auto& starts = run.info_["starts"];
  if (starts.is_array() && !starts.empty() && starts.back().value("host", nlohmann::json()) != machine) {
    run.info_["resumed_elsewhere"] = true;  // another machine or instruction set: bits may differ from here on
  }
  starts.push_back({{"time", utc_time(unix_time())}, {"commit", kCommit}, {"version", kVersion}, {"host", machine}});
  run.info_["label"] = spec.label;
  run.info_["inputs"] = inputs;
  run.info_["pins"] = spec.pins;
  run.info_["commit"] = kCommit;
  run.info_["version"] = kVersion;
  run.info_["status"] = "running";
  run.info_.erase("error");
  run.info_.erase("paused_because");
  run.save();
  run.events_ = std::make_unique<EventLog>(run.dir_ / "events.jsonl");
  return run;
}

std::optional<RunSummary> RunStore::find_done(const std::string& verb, const std::string& id) const {
  for (const size_t digits : {size_t{12}, size_t{8}}) {
    const std::string base = verb + "-" + id.substr(0, digits);
    std::optional<RunSummary> newest;
    auto summary = load(base);
    for (int attempt = 2; summary; ++attempt) {
      if (summary->status == "done" && summary->info.value("id", "") == id) {
        newest = summary;
      }
      summary = load(base + "." + std::to_string(attempt));
    }
    if (newest) {
      return newest;
    }
  }
  return std::nullopt;
}

std::vector<RunSummary> RunStore::list() const {
  std::vector<RunSummary> runs;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(root_, code)) {
    const std::string name = entry.path().filename().string();
    if (name[0] == '.' || !entry.is_directory()) {
      continue;
    }
    if (auto summary = load(name)) {
      runs.push_back(std::move(*summary));
    }
  }
  std::sort(runs.begin(), runs.end(), [](const RunSummary& a, const RunSummary& b) {
    return std::pair(a.info.value("created", ""), a.name) < std::pair(b.info.value("created", ""), b.name);
  });
  return runs;
}

std::optional<RunSummary> RunStore::find(const std::string& reference) const {
  if (reference.empty() || reference[0] == '.' || reference.find('/') != std::string::npos) {
    return std::nullopt;
  }
  const std::string bare = reference[0] == '@' ? reference.substr(1) : reference;
  for (const auto& tag : read_tags(root_)) {
    if (tag.name == bare) {
      return load(tag.run);
    }
  }
  if (auto summary = load(bare)) {
    return summary;
  }
  std::optional<RunSummary> found;
  if (bare.size() >= 6 && bare.find_first_not_of("0123456789abcdef") == std::string::npos) {
    for (auto& summary : list()) {
      if (summary.info.value("id", "").compare(0, bare.size(), bare) == 0 &&
          (!found || summary.status == "done")) {
        found = std::move(summary);
      }
    }
  }
  return found;
}

std::vector<Tag> read_tags(const fs::path& root) {
  std::vector<Tag> tags;
  read_events(root / "registry.jsonl", [&](const nlohmann::json& line) {
    const Tag tag{line.value("name", ""), line.value("run", ""), line.value("stage", ""), line.value("time", "")};
    std::erase_if(tags, [&](const Tag& other) { return other.name == tag.name; });
    if (!tag.run.empty()) {
      tags.push_back(tag);
    }
  });
  return tags;
}

void write_tag(const fs::path& root, const Tag& tag) {
  make_dirs(root);
  FileWriter file(root / "registry.jsonl", FileWriter::Mode::kAppend);
  file.write(nlohmann::json{{"name", tag.name},
                            {"run", tag.run},
                            {"stage", tag.stage},
                            {"time", utc_time(unix_time())},
                            {"by", host_name()}}
                 .dump() +
             "\n");
  file.sync();
}

}  // namespace athanor
