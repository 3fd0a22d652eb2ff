#include "athanor/stage/data_card.h"

#include <algorithm>
#include <set>

#include "athanor/base/format.h"
#include "athanor/base/text.h"
#include "athanor/base/version.h"

namespace athanor {

namespace {

using Json = nlohmann::json;

constexpr size_t kListed = 20;

// A YAML scalar in double quotes: JSON's form is YAML's.
std::string quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

// One cell of a Markdown table, or a piece of a line.
std::string inline_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '>' || c == '`' || c == '*' || c == '_' || c == '[' || c == ']' || c == '\\') {
      out += '\\';
    }
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

std::string count_text(const Json& object, const char* key) { return grouped_integer(object.value(key, int64_t{0})); }

bool is_language_code(const std::string& code) {
  const std::string base = code.substr(0, code.find_first_of("-_"));
  return (base.size() == 2 || base.size() == 3) &&
         std::all_of(base.begin(), base.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

// Codes that a hundredth of the documents name.
std::vector<std::string> languages_of(const DataCard& card, const Json& statistics) {
  if (!card.language.empty() || statistics.value("group_by", "") == "script") {
    return card.language;
  }
  std::vector<std::string> codes;
  for (const Json& group : statistics["groups"]) {
    const std::string name = group.value("name", "");
    if (!is_language_code(name) || group.value("documents", 0.0) * 100 < statistics.value("documents", 0.0)) {
      continue;
    }
    const std::string code = name.substr(0, name.find_first_of("-_"));
    if (std::find(codes.begin(), codes.end(), code) == codes.end()) {
      codes.push_back(code);
    }
  }
  return codes;
}

std::string front_matter(const DataCard& card, const Json& statistics) {
  std::string out = "---\n";
  const auto languages = languages_of(card, statistics);
  if (!languages.empty()) {
    out += "language:\n";
    for (const std::string& code : languages) {
      out += "- " + quoted(code) + "\n";
    }
  }
  if (!card.license.empty()) {
    out += "license: " + quoted(card.license) + "\n";
  }
  out += "pretty_name: " + quoted(card.name) + "\n";
  out += "size_categories:\n- " + size_category(statistics.value("documents", uint64_t{0})) + "\n";
  out += "task_categories:\n- text-generation\n";
  return out + "tags:\n- athanor\n---\n";
}

std::string summary_line(const char* name, const Json& summary) {
  if (!summary.contains("quantiles")) {
    return "";
  }
  const auto text = [&](const Json& value) { return human_number(value.get<double>()); };
  const Json& quantiles = summary["quantiles"];
  return "| " + std::string(name) + " | " + text(summary["min"]) + " | " + text(quantiles["0.05"]) + " | " +
         text(quantiles["0.5"]) + " | " + text(quantiles["0.95"]) + " | " + text(summary["max"]) + " | " +
         text(summary["mean"]) + " |\n";
}

std::string size_part(const Json& all) {
  std::string out = "## What is in it\n\n| | |\n|---|---|\n";
  out += "| documents | " + count_text(all, "documents") + " |\n";
  out += "| text | " + human_bytes(all.value("text_bytes", 0.0)) + " (" + count_text(all, "text_bytes") + " bytes) |\n";
  out += "| characters | " + count_text(all, "characters") + " |\n| words | " + count_text(all, "words") + " |\n";
  out += "\n| length in | min | 5 % | median | 95 % | max | mean |\n|---|---|---|---|---|---|---|\n";
  for (const char* unit : {"characters", "words", "bytes"}) {
    out += summary_line(unit, all["lengths"][unit]);
  }
  out += "\n| " + inline_text(all.value("group_by", "")) + " | documents | text |\n|---|---|---|\n";
  for (size_t i = 0; i < std::min(kListed, all["groups"].size()); ++i) {
    const Json& group = all["groups"][i];
    out += "| " + inline_text(group.value("name", "")) + " | " + count_text(group, "documents") + " | " +
           human_bytes(group.value("text_bytes", 0.0)) + " |\n";
  }
  if (all["groups"].size() > kListed) {
    out += "\nand " + std::to_string(all["groups"].size() - kListed) + " more.\n";
  }
  return out;
}

std::string source_part(const Json& all) {
  std::string out = "\n## Where it comes from\n\n| source | documents |\n|---|---|\n";
  const Json& list = all["sources"]["by_documents"];
  for (size_t i = 0; i < std::min(kListed, list.size()); ++i) {
    out += "| " + inline_text(list[i].value("name", "")) + " | " + count_text(list[i], "documents") + " |\n";
  }
  if (list.size() > kListed || !all["sources"].value("different_is_exact", true)) {
    out += "\n" + std::string(all["sources"].value("different_is_exact", true) ? "" : "more than ") +
           count_text(all["sources"], "different") + " sources in all.\n";
  }
  return out;
}

std::string step_part(const Json& all) {
  const Json steps = all.value("steps", Json::array());
  std::string out = "\n## How it was made\n\n";
  if (steps.empty()) {
    return out + "The documents were given as a folder; the runs that made it are not known here.\n";
  }
  size_t number = 0;
  for (const Json& step : steps) {
    out += std::to_string(++number) + ". `" + step.value("run", "") + "` (" + step.value("verb", "") + "): " +
           inline_text(step.value("summary", "")) + "\n";
    for (const Json& rule : step.value("funnel", Json::array())) {
      if (rule.value("dropped", int64_t{0}) > 0) {
        out += "   - " + inline_text(rule.value("rule", "")) + ": " + count_text(rule, "dropped") + " dropped\n";
      }
    }
  }
  return out + "\nEach run's recipe and inputs: `athanor lineage " + steps.back().value("run", "") + "`.\n";
}

std::string limit_part(const Json& all) {
  const Json& equal = all["duplicates"]["equal_texts"];
  std::string out = "\n## What to know before use\n\n";
  const auto extra = equal.value("members_of_repeated", int64_t{0}) - equal.value("repeated", int64_t{0});
  out += extra == 0 ? "- No two documents have the same text.\n"
                    : "- " + grouped_integer(extra) + " documents have the text of another one.\n";
  std::set<std::string> verbs;
  for (const Json& step : all.value("steps", Json::array())) {
    verbs.insert(step.value("verb", ""));
  }
  if (!verbs.contains("dedup")) {
    out += "- Near duplicates were not looked for in the steps above.\n";
  }
  if (!verbs.contains("decontaminate")) {
    out += "- The documents were not held against evaluation sets in the steps above.\n";
  }
  out += "- Words are counted by athanor's rule: runs of letters and numbers, each character of scripts without spaces.\n";
  out += "- Quantiles are within " + human_percent(all["lengths"]["bytes"].value("relative_error", 0.0)) +
         " of the value; counts of n-grams are lower bounds with the error that statistics.json gives.\n";
  return out + "- Nothing here says who may use the texts: see the sources' own terms.\n";
}

}  // namespace

std::string size_category(uint64_t documents) {
  constexpr const char* kNames[] = {"n<1K",       "1K<n<10K",   "10K<n<100K", "100K<n<1M", "1M<n<10M",
                                    "10M<n<100M", "100M<n<1B",  "1B<n<10B",   "10B<n<100B", "100B<n<1T"};
  uint64_t bound = 1000;
  for (const char* name : kNames) {
    if (documents < bound) {
      return name;
    }
    bound *= 10;
  }
  return "n>1T";
}

std::string data_card(const DataCard& card, const Json& statistics) {
  std::string out = front_matter(card, statistics) + "\n# " + inline_text(card.name) + "\n\n";
  out += card.description.empty() ? "" : card.description + "\n\n";
  out += size_part(statistics) + source_part(statistics) + step_part(statistics) + limit_part(statistics);
  return out + "\nWritten by athanor " + std::string(kVersion) + "; the numbers are in statistics.json, the charts in report.html.\n";
}

}  // namespace athanor
