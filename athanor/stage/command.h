// The command line: `athanor <command> [RECIPE | RUN] [key=value ...] [--force] [--json]`.
#pragma once

#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/progress.h"
#include "athanor/run/run.h"
#include "athanor/stage/execute.h"
#include "athanor/stage/resolve.h"

namespace athanor {

struct Arguments {
  std::string command;
  std::vector<std::string> positional;
  std::vector<Override> overrides;  // without the command line's own keys (runs=, wait=, follow=, ...)
  bool force = false;
  bool json = false;
  bool help = false;

  // Takes a key=value out of the overrides; the fallback when it is not there.
  std::string take(const std::string& key, const std::string& fallback);
};

// Everything a command works with.
struct Session {
  Arguments& arguments;
  RunStore& store;
  DigestCache& digests;
  Progress& progress;

  void print(const std::string& text) const;          // human text to stdout, nothing under --json
  void print_json(const nlohmann::json& value) const;  // to stdout, only under --json
};

struct Command {
  const char* name;
  const char* usage;
  const char* summary;
  int (*run)(Session&);
  OptionSchema (*schema)() = nullptr;  // of commands that take a verb's kind of options
};

// The table of commands, in command.cc: --help, explain and dispatch walk it.
std::span<const Command> commands();
const Command* find_command(std::string_view name);

// Commands that read run directories (commands_runs.cc, commands_registry.cc) and recipes (commands_recipe.cc).
int command_run(Session&);
int command_merge(Session&);
int command_check(Session&);
int command_plan(Session&);
int command_explain(Session&);
int command_ls(Session&);
int command_show(Session&);
int command_log(Session&);
int command_diff(Session&);
int command_lineage(Session&);
int command_tag(Session&);
int command_gc(Session&);
int command_why(Session&);
int command_doctor(Session&);
int command_chat(Session&);
OptionSchema chat_schema();
int command_tokens(Session&);

// The text with blanks behind it up to the width, at least one: a column of a table.
std::string padded(std::string text, size_t width);

// The recipe named by the arguments with the overrides applied: a file, or the verb itself.
Node recipe_from_arguments(Session& session);

PipelinePlan resolve_arguments(Session& session);

// "done", "to be resumed" or "to do".
std::string step_state(const StepPlan& step, const RunStore& store);

// What a step's verb plans (see PlanFunction); null when it plans nothing. quick: nothing is measured.
nlohmann::json plan_of(const StepPlan& step, const PipelinePlan& plan, const RunStore& store, bool quick);

// Error(kResource) for a plan that says it does not fit.
void refuse_what_does_not_fit(const std::string& label, const nlohmann::json& plan);

// A run by the first positional argument; Error(kUsage) that lists near names when it is not there.
RunSummary run_from_arguments(Session& session, size_t index = 0);

int run_command_line(int argc, char** argv);

}  // namespace athanor
