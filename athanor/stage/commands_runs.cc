// ls, show, log, diff and lineage: the commands that read run directories.
#include <unistd.h>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/format_width.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/nearest.h"
#include "athanor/base/text.h"
#include "athanor/base/unicode.h"
#include "athanor/run/recipe.h"
#include "athanor/stage/command.h"
#include "athanor/stage/lineage.h"
#include "athanor/stage/runs_folder.h"
#include "athanor/stage/text_difference.h"

namespace athanor {

namespace {

std::string tags_of(const RunStore& store, const std::string& run) {
  std::string text;
  for (const auto& tag : read_tags(store.root())) {
    if (tag.run == run) {
      text += " @" + tag.name + (tag.stage.empty() ? "" : " (" + tag.stage + ")");
    }
  }
  return text;
}

// A figure for a person: short numbers, text as it is.
std::string value_text(const nlohmann::json& value) {
  if (value.is_number_float()) {
    return human_number(value.get<double>(), 5);
  }
  if (value.is_number_integer()) {
    return grouped_integer(value.get<int64_t>());
  }
  if (value.is_string()) {
    return value.get<std::string>();
  }
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string event_text(const nlohmann::json& event) {
  std::string text = utc_time(event.value("t", 0.0)) + "  " + padded(event.value("type", ""), 12);
  for (const auto& [key, value] : event.items()) {
    if (key != "t" && key != "type") {
      text += key + "=" + value_text(value) + "  ";
    }
  }
  return text;
}

// Leaves of a JSON tree by dotted path.
void flatten(const nlohmann::json& value, const std::string& prefix, std::map<std::string, std::string>& out) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, item] : value.items()) {
      flatten(item, prefix.empty() ? key : prefix + "." + key, out);
    }
    return;
  }
  out[prefix] = value_text(value);
}

nlohmann::json print_differences(const Session& session, const std::string& title, const nlohmann::json& a,
                                 const nlohmann::json& b) {
  std::map<std::string, std::string> left;
  std::map<std::string, std::string> right;
  flatten(a, "", left);
  flatten(b, "", right);
  auto rows = nlohmann::json::array();
  std::map<std::string, std::string> keys = left;
  keys.insert(right.begin(), right.end());
  for (const auto& [key, ignored] : keys) {
    const std::string x = left.contains(key) ? left[key] : "-";
    const std::string y = right.contains(key) ? right[key] : "-";
    if (x == y) {
      continue;
    }
    if (rows.empty()) {
      session.print(title);
    }
    rows.push_back({{"key", key}, {"a", x}, {"b", y}});
    const auto [shown_x, shown_y] = around_difference(x, y, 60);
    session.print("  " + padded(key, 32) + padded(shown_x, 24) + "| " + shown_y);
  }
  return rows;
}

// What each rule let through, with the beginnings of a few documents that it dropped.
void print_funnel(const Session& session, const nlohmann::json& funnel) {
  session.print("\n  " + padded("rule", 52) + padded("in", 12) + padded("dropped", 10) + "out");
  for (const auto& rule : funnel) {
    session.print("  " + padded(rule.value("rule", ""), 52) + padded(value_text(rule["in"]), 12) +
                  padded(value_text(rule["dropped"]), 10) + value_text(rule["out"]));
    for (const auto& example : rule["examples"]) {
      std::string text(utf8_prefix(example.value("text", ""), 90));
      std::replace(text.begin(), text.end(), '\n', ' ');
      session.print("      " + padded(example.value("id", "").substr(0, 12), 14) +
                    padded(example.contains("score") ? value_text(example["score"]) : "", 10) + text);
    }
  }
  session.print("  athanor why ID" + runs_argument(session.store.root()) + " tells a document's whole story");
}

// What an estimator of tables leans on.
void print_importances(const Session& session, const nlohmann::json& importances) {
  session.print("\n  " + padded(importances.value("what", ""), 52) + "importance");
  size_t shown = 0;
  for (const auto& one : importances.value("largest", nlohmann::json::array())) {
    if (shown++ < 10) {
      session.print("  " + padded(one.value("feature", ""), 52) + value_text(one["importance"]));
    }
  }
}

// The models that kind: auto tried, and why it took the one it took.
void print_ladder(const Session& session, const nlohmann::json& ladder) {
  session.print("\n  " + padded("models tried", 16) + padded(ladder.value("metric", ""), 12) + "seconds");
  for (const auto& rung : ladder.value("rungs", nlohmann::json::array())) {
    const auto score = rung.find("score");
    session.print("  " + padded(rung.value("kind", ""), 16) +
                  padded(score == rung.end() || !score->is_number() ? "" : human_number(score->get<double>(), 5), 12) +
                  padded(fixed_number(rung.value("seconds", 0.0), 1), 9) + rung.value("note", ""));
  }
  session.print("  " + ladder.value("why", ""));
}

}  // namespace

RunSummary run_from_arguments(Session& session, size_t index) {
  const auto& names = session.arguments.positional;
  if (names.size() <= index) {
    throw Error(ErrorKind::kUsage, "'" + session.arguments.command + "' needs a run", "", "athanor ls shows them");
  }
  std::string name = names[index];
  if (name.ends_with("/")) {
    name.pop_back();
  }
  if (fs::path(name).parent_path() == session.store.root()) {
    name = fs::path(name).filename().string();  // runs/clean-1a2b3c4d, as completed by a shell
  }
  if (auto run = session.store.find(name)) {
    return *run;
  }
  std::vector<std::string> known;
  for (const auto& run : session.store.list()) {
    known.push_back(run.name);
  }
  const std::string near = nearest_name(name, known);
  throw Error(ErrorKind::kUsage, "there is no run or tag '" + name + "' in " + session.store.root().string(), "",
              near.empty() ? "athanor ls shows the runs; runs=FOLDER looks elsewhere" : "did you mean '" + near + "'?");
}

int command_ls(Session& session) {
  const std::string verb = session.arguments.take("verb", "");
  const std::string status = session.arguments.take("status", "");
  auto list = nlohmann::json::array();
  for (const auto& run : session.store.list()) {
    if ((!verb.empty() && run.info.value("verb", "") != verb) || (!status.empty() && run.status != status)) {
      continue;
    }
    const auto result = run.info.value("result", nlohmann::json::object());
    const std::string summary = result.is_object() ? result.value("summary", "") : "";
    list.push_back({{"run", run.name},
                    {"verb", run.info.value("verb", "")},
                    {"status", run.status},
                    {"label", run.info.value("label", "")},
                    {"created", run.info.value("created", "")},
                    {"seconds", run.info.value("seconds", 0.0)},
                    {"summary", summary}});
    session.print(padded(run.name, 24) + padded(run.status, 12) + run.info.value("created", "") + "  " + summary +
                  tags_of(session.store, run.name));
  }
  if (list.empty()) {
    session.print("no runs in " + session.store.root().string() + " yet: athanor run recipes/quickstart.yaml");
  }
  session.print_json(list);
  return 0;
}

int command_show(Session& session) {
  const RunSummary run = run_from_arguments(session);
  const auto& info = run.info;
  session.print(run.name + "  " + run.status + tags_of(session.store, run.name));
  const auto row = [&](const char* name, const std::string& value) {
    if (!value.empty()) {
      session.print("  " + padded(name, 14) + value);
    }
  };
  row("id", info.value("id", ""));
  row("created", info.value("created", "") + ", took " + human_duration(info.value("seconds", 0.0)) + ", commit " +
                     info.value("commit", ""));
  if (info.contains("error")) {
    const std::string where = info["error"].value("where", "");
    row("error", where + (where.empty() ? "" : ": ") + info["error"].value("what", ""));
    row("hint", info["error"].value("hint", ""));
  }
  for (const auto& input : info.value("inputs", nlohmann::json::array())) {
    const std::string part = input.value("part", "");
    row("from", input.value("role", "") + ": " +
                    (input.value("run", "").empty() ? input.value("path", "") : input.value("run", "")) +
                    (part.empty() ? "" : "/" + part));
  }
  if (info.contains("output")) {
    row("output", info["output"].value("kind", "") + ", " + human_bytes(info["output"].value("bytes", 0.0)) + " in " +
                      (run.dir / "out").string());
  }
  if (info.contains("result") && info["result"].is_object()) {
    session.print("");
    std::map<std::string, std::string> figures;
    for (const auto& [key, value] : info["result"].items()) {
      const bool shown_apart = key == "funnel" || key == "importances" || key == "checks" || key == "ladder";
      if (!shown_apart && (!value.is_structured() || value.size() <= 12)) {
        flatten(value, key, figures);
      }
    }
    for (const auto& [key, value] : figures) {
      session.print("  " + padded(key, 30) + cut_to_width(value, 90));
    }
    if (const auto ladder = info["result"].find("ladder"); ladder != info["result"].end() && ladder->is_object()) {
      print_ladder(session, *ladder);
    }
    if (const auto known = info["result"].find("importances"); known != info["result"].end() && known->is_object()) {
      print_importances(session, *known);
    }
    if (const auto funnel = info["result"].find("funnel"); funnel != info["result"].end() && !funnel->empty()) {
      print_funnel(session, *funnel);
    }
  }
  const fs::path rejected = run.dir / "rejected/rejected.jsonl";
  if (fs::exists(rejected)) {
    std::map<std::string, int64_t> reasons;
    read_events(rejected, [&](const nlohmann::json& line) { ++reasons[line.value("reason", "")]; });
    for (const auto& [reason, count] : reasons) {
      row("rejected", grouped_integer(count) + " x " + reason);
    }
  }
  session.print("\n  recipe " + (run.dir / "recipe.yaml").string());
  for (const char* page : {"out/report.html", "report.html"}) {
    if (fs::exists(run.dir / page)) {
      session.print("  report " + (run.dir / page).string());
    }
  }
  auto value = info;
  value["status"] = run.status;
  session.print_json(value);
  return 0;
}

int command_log(Session& session) {
  const bool follow = session.arguments.take("follow", "false") == "true";
  RunSummary run = run_from_arguments(session);
  uint64_t shown = 0;
  while (true) {
    uint64_t index = 0;
    read_events(run.dir / "events.jsonl", [&](const nlohmann::json& event) {
      if (index++ >= shown) {
        session.print(event_text(event));
        if (session.arguments.json) {  // one object a line, as in the file
          std::printf("%s\n", event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
        }
      }
    });
    shown = index;
    if (!follow || interrupted() || run.status != "running") {
      return 0;
    }
    ::usleep(500'000);
    run = *session.store.find(run.name);
  }
}

int command_diff(Session& session) {
  const RunSummary a = run_from_arguments(session, 0);
  const RunSummary b = run_from_arguments(session, 1);
  const auto recipe = [](const RunSummary& run) { return load_recipe(run.dir / "recipe.yaml").to_json(); };
  nlohmann::json value{{"a", a.name}, {"b", b.name}};
  session.print(padded("", 34) + padded(a.name, 24) + "| " + b.name);
  value["recipe"] = print_differences(session, "recipe", recipe(a), recipe(b));
  value["result"] = print_differences(session, "result", a.info.value("result", nlohmann::json::object()),
                                      b.info.value("result", nlohmann::json::object()));
  const auto place = [](const RunSummary& run) {
    return nlohmann::json{{"commit", run.info.value("commit", "")},
                          {"seconds", run.info.value("seconds", 0.0)},
                          {"status", run.status},
                          {"host", run.info["starts"].back()["host"]}};
  };
  value["circumstances"] = print_differences(session, "circumstances", place(a), place(b));
  if (value["recipe"].empty() && value["result"].empty()) {
    session.print("same recipe, same result");
  }
  session.print_json(value);
  return 0;
}

int command_lineage(Session& session) {
  const RunSummary run = run_from_arguments(session);
  const nlohmann::json tree = lineage_tree(session.store, run);
  session.print(lineage_text(tree));
  session.print_json(tree);
  return 0;
}

}  // namespace athanor
