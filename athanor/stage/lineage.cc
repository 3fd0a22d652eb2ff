#include "athanor/stage/lineage.h"

#include <set>

#include "athanor/base/format.h"

namespace athanor {

namespace {

constexpr int kMaxDepth = 64;

nlohmann::json walk(const RunStore& store, const RunSummary& run, std::set<std::string>& seen, int depth) {
  nlohmann::json node{{"run", run.name},
                      {"verb", run.info.value("verb", "")},
                      {"status", run.status},
                      {"commit", run.info.value("commit", "")},
                      {"id", run.info.value("id", "")}};
  if (run.info.contains("result") && run.info["result"].is_object()) {
    node["summary"] = run.info["result"].value("summary", "");
  }
  if (run.info.contains("output")) {
    node["digest"] = run.info["output"].value("digest", "");
  }
  if (!seen.insert(run.name).second || depth > kMaxDepth) {
    node["seen"] = true;
    return node;
  }
  node["pins"] = run.info.value("pins", nlohmann::json());
  node["inputs"] = nlohmann::json::array();
  for (const auto& input : run.info.value("inputs", nlohmann::json::array())) {
    nlohmann::json child;
    const std::string name = input.value("run", "");
    const auto source = name.empty() ? std::nullopt : store.find(name);
    if (source) {
      child = walk(store, *source, seen, depth + 1);
    } else {
      child = {{"run", name}, {"path", input.value("path", "")}, {"digest", input.value("digest", "")}};
      child["missing"] = !name.empty();
    }
    child["role"] = input.value("role", "");
    child["part"] = input.value("part", "");
    node["inputs"].push_back(child);
  }
  return node;
}

std::string node_text(const nlohmann::json& node) {
  std::string text;
  if (const std::string role = node.value("role", ""); !role.empty()) {
    text += role + ": ";
  }
  const std::string run = node.value("run", "");
  text += run.empty() ? node.value("path", "") + "  sha256 " + node.value("digest", "").substr(0, 12) : run;
  if (const std::string part = node.value("part", ""); !part.empty()) {
    text += "/" + part;
  }
  if (node.value("missing", false)) {
    return text + "  (removed)";
  }
  if (const std::string summary = node.value("summary", ""); !summary.empty()) {
    text += "  " + summary;
  }
  return node.value("seen", false) ? text + "  (see above)" : text;
}

void draw_pins(const nlohmann::json& node, const std::string& indent, std::string& out) {
  const auto pins = node.value("pins", nlohmann::json());
  if (!pins.is_array()) {
    return;
  }
  constexpr size_t kShown = 4;
  for (size_t i = 0; i < std::min(kShown, pins.size()); ++i) {
    const auto& pin = pins[i];
    out += indent + "  raw: " + pin.value("source", pin.value("name", "")) + "  " +
           pin.value("integrity", pin.value("sha256", "")).substr(0, 24) + "\n";
  }
  if (pins.size() > kShown) {
    out += indent + "  raw: and " + grouped_integer(static_cast<int64_t>(pins.size() - kShown)) + " more files\n";
  }
}

void draw(const nlohmann::json& node, const std::string& indent, std::string& out) {
  draw_pins(node, indent, out);
  const auto inputs = node.value("inputs", nlohmann::json::array());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const bool last = i + 1 == inputs.size();
    out += indent + (last ? "└─ " : "├─ ") + node_text(inputs[i]) + "\n";
    draw(inputs[i], indent + (last ? "   " : "│  "), out);
  }
}

}  // namespace

nlohmann::json lineage_tree(const RunStore& store, const RunSummary& run) {
  std::set<std::string> seen;
  return walk(store, run, seen, 0);
}

std::string lineage_text(const nlohmann::json& tree) {
  std::string out = node_text(tree) + "\n";
  draw(tree, "", out);
  if (!out.empty()) {
    out.pop_back();
  }
  return out;
}

}  // namespace athanor
