// tag and gc: names for runs, and the removal of those that nothing needs.
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/text.h"
#include "athanor/stage/command.h"

namespace athanor {

namespace {

uint64_t tree_bytes(const fs::path& dir) {
  uint64_t bytes = 0;
  std::error_code code;
  for (const auto& entry : fs::recursive_directory_iterator(dir, code)) {
    if (entry.is_regular_file(code)) {
      bytes += entry.file_size(code);
    }
  }
  return bytes;
}

void keep_with_inputs(const std::map<std::string, RunSummary>& runs, const std::string& name,
                      std::set<std::string>& kept) {
  const auto found = runs.find(name);
  if (found == runs.end() || !kept.insert(name).second) {
    return;
  }
  for (const auto& input : found->second.info.value("inputs", nlohmann::json::array())) {
    keep_with_inputs(runs, input.value("run", ""), kept);
  }
}

// Why the run may go, or "" when it stays. A run stays while it is tagged, young, being worked on, or an input
// (at any depth) of one that stays.
std::string removable(const RunSummary& run, const std::set<std::string>& kept, double oldest_kept) {
  if (kept.contains(run.name) || run.status == "running") {
    return "";
  }
  if (run.status == "failed") {
    return "failed";
  }
  return run.info.value("created", "") < utc_time(oldest_kept) ? "old and used by nothing" : "";
}

}  // namespace

int command_tag(Session& session) {
  const std::string stage = session.arguments.take("stage", "");
  const auto& names = session.arguments.positional;
  if (names.empty()) {
    auto list = nlohmann::json::array();
    for (const auto& tag : read_tags(session.store.root())) {
      list.push_back({{"name", tag.name}, {"run", tag.run}, {"stage", tag.stage}, {"time", tag.time}});
      session.print("@" + tag.name + "  " + tag.run + "  " + tag.stage + "  " + tag.time);
    }
    session.print_json(list);
    return 0;
  }
  std::string name = names[0];
  if (name[0] == '@') {
    name.erase(0, 1);
  }
  if (name.empty() || name.find_first_of("/@ .=") != std::string::npos) {
    throw Error(ErrorKind::kUsage, "a tag's name may not be empty or hold '/', '@', '.', '=' or blanks", names[0]);
  }
  if (names.size() == 1) {
    write_tag(session.store.root(), {name, "", "", ""});
    session.print("removed @" + name);
    session.print_json({{"name", name}, {"run", nullptr}});
    return 0;
  }
  const RunSummary run = run_from_arguments(session, 1);
  write_tag(session.store.root(), {name, run.name, stage, ""});
  session.print("@" + name + " -> " + run.name + (stage.empty() ? "" : "  (" + stage + ")"));
  session.print_json({{"name", name}, {"run", run.name}, {"stage", stage}});
  return 0;
}

int command_gc(Session& session) {
  const bool apply = session.arguments.take("apply", "false") == "true";
  const std::string days_text = session.arguments.take("days", "30");
  char* end = nullptr;
  const double days = std::strtod(days_text.c_str(), &end);
  if (days_text.empty() || *end != '\0' || !(days >= 0)) {
    throw Error(ErrorKind::kUsage, "days= must be a number of days, not '" + days_text + "'");
  }
  const double oldest_kept = unix_time() - days * 86400 + 1;
  std::map<std::string, RunSummary> runs;
  for (const auto& run : session.store.list()) {
    runs[run.name] = run;
  }
  std::set<std::string> kept;
  for (const auto& tag : read_tags(session.store.root())) {
    keep_with_inputs(runs, tag.run, kept);
  }
  for (const auto& [name, run] : runs) {
    if (run.status != "failed" && run.info.value("created", "") >= utc_time(oldest_kept)) {
      keep_with_inputs(runs, name, kept);
    }
  }
  auto list = nlohmann::json::array();
  uint64_t total = 0;
  for (const auto& [name, run] : runs) {
    const std::string why = removable(run, kept, oldest_kept);
    if (why.empty()) {
      continue;
    }
    const uint64_t bytes = tree_bytes(run.dir);
    total += bytes;
    list.push_back({{"run", name}, {"why", why}, {"bytes", bytes}});
    session.print("  " + name + "  " + human_bytes(static_cast<double>(bytes)) + "  " + why);
    if (apply) {
      const auto lease = Lease::try_take(session.store.root() / ".locks" / name);
      if (lease) {
        fs::remove_all(run.dir);
      }
    }
  }
  session.print(std::to_string(list.size()) + " runs, " + human_bytes(static_cast<double>(total)) +
                (apply ? " removed" : list.empty() ? "" : "; athanor gc apply=true removes them"));
  session.print_json({{"applied", apply}, {"runs", list}, {"bytes", total}});
  return 0;
}

}  // namespace athanor
