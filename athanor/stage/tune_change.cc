#include "athanor/stage/tune_change.h"

#include <vector>

#include "athanor/base/error.h"
#include "athanor/base/format_width.h"
#include "athanor/base/text.h"
#include "athanor/run/recipe.h"

namespace athanor {

namespace {

constexpr size_t kMaxTold = 6;

nlohmann::json options_of(const fs::path& run) {
  try {
    return parse_recipe(read_file(run / "recipe.yaml"), (run / "recipe.yaml").string()).to_json();
  } catch (const Error&) {
    return nullptr;  // a run that was killed in its first moment
  }
}

std::string short_text(const nlohmann::json& value) {
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  std::erase(text, '"');
  return cut_to_width(text, 80);
}

std::string told(std::vector<std::string> parts) {
  if (parts.size() > kMaxTold) {
    const size_t more = parts.size() - kMaxTold;
    parts.resize(kMaxTold);
    parts.push_back("and " + std::to_string(more) + " more");
  }
  return join_text(parts, "; ");
}

}  // namespace

std::string space_changes(const nlohmann::json& before, const nlohmann::json& now) {
  std::vector<std::string> parts;
  for (const auto& [name, range] : now.items()) {
    if (!before.contains(name)) {
      parts.push_back(name + " is new");
    } else if (before[name] != range) {
      parts.push_back(name + ": " + short_text(range) + ", before " + short_text(before[name]));
    }
  }
  for (const auto& [name, range] : before.items()) {
    if (!now.contains(name)) {
      parts.push_back(name + " is gone");
    }
  }
  return told(std::move(parts));
}

std::string changed_study(const RunStore& store, const fs::path& run) {
  const auto now = options_of(run);
  if (!now.is_object()) {
    return "";
  }
  const auto runs = store.list();
  for (auto other = runs.rbegin(); other != runs.rend(); ++other) {
    if (other->dir == run || other->info.value("verb", "") != "tune" || other->status == "done" ||
        !fs::exists(other->dir / "state" / "study.jsonl")) {
      continue;
    }
    const auto before = options_of(other->dir);
    if (!before.is_object() || before.value("recipe", nlohmann::json()) != now.value("recipe", nlohmann::json())) {
      continue;
    }
    std::vector<std::string> parts;
    for (const char* key : {"metric", "direction", "sampler", "pruner", "trials", "parallel", "digits", "seed"}) {
      const auto a = before.value(key, nlohmann::json());
      const auto b = now.value(key, nlohmann::json());
      if (a != b) {
        const bool kinds = a.is_object() && b.is_object() && a.value("kind", "") != b.value("kind", "");
        parts.push_back(std::string(key) + ": " + short_text(kinds ? b["kind"] : b) + ", before " + short_text(kinds ? a["kind"] : a));
      }
    }
    const std::string space = space_changes(before.value("space", nlohmann::json::object()), now.value("space", nlohmann::json::object()));
    if (!space.empty()) {
      parts.insert(parts.begin(), space);
    }
    const std::string why = parts.empty() ? "the recipe itself or its inputs changed" : join_text(parts, "; ");
    return "the study " + other->name + " of this recipe is not finished, and this is another one (" + why +
           "): it begins anew, trials that come out the same are found done; the command as it was goes on with the other";
  }
  return "";
}

}  // namespace athanor
