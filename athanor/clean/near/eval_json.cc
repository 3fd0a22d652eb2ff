// Evaluation items from documents, and matches as lines of JSON.
#include <nlohmann/json.hpp>

#include "athanor/clean/near/eval_items.h"

namespace athanor {

namespace {

void add_texts(const nlohmann::json& value, std::vector<std::string>& out) {
  if (value.is_string()) {
    out.push_back(value.get<std::string>());
  } else if (value.is_number()) {
    out.push_back(value.dump());
  } else if (value.is_array() || value.is_object()) {
    for (const nlohmann::json& one : value) {
      add_texts(one, out);
    }
  }
}

void add_fields(const nlohmann::json& meta, const std::vector<std::string>& names, std::vector<std::string>& out) {
  for (const std::string& name : names) {
    if (meta.is_object() && meta.contains(name)) {
      add_texts(meta[name], out);
    }
  }
}

}  // namespace

EvalItem make_eval_item(std::string id, std::string text, const std::string& meta,
                        const std::vector<std::string>& question_fields,
                        const std::vector<std::string>& answer_fields) {
  EvalItem item{std::move(id), {}, {}};
  const nlohmann::json fields = nlohmann::json::parse(meta, nullptr, false);
  std::vector<std::string> question;
  add_fields(fields, question_fields, question);
  for (const std::string& part : question) {
    item.text += (item.text.empty() ? "" : "\n") + part;
  }
  if (question.empty()) {
    item.text = std::move(text);
  }
  add_fields(fields, answer_fields, item.answers);
  return item;
}

std::string match_to_line(const ItemMatch& match, uint64_t row) {
  std::string covered;
  for (const bool bit : match.covered) {
    covered += bit ? '1' : '0';
  }
  const nlohmann::json json{{"row", row},          {"item", match.item},   {"begin", match.begin},
                            {"end", match.end},    {"run", match.run},     {"whole", match.whole},
                            {"answer", match.answer}, {"covered", covered}};
  return json.dump() + "\n";
}

ItemMatch match_of_json(const nlohmann::json& json) {
  ItemMatch match;
  match.item = json.at("item");
  match.begin = json.at("begin");
  match.end = json.at("end");
  match.run = json.at("run");
  match.whole = json.at("whole");
  match.answer = json.at("answer");
  for (const char c : json.at("covered").get_ref<const std::string&>()) {
    match.covered.push_back(c == '1');
  }
  return match;
}

}  // namespace athanor
