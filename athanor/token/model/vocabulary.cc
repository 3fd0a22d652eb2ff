#include "athanor/token/model/vocabulary.h"

#include <algorithm>

namespace athanor::token {

void Vocabulary::read(const Field& vocab) {
  const Json& object = vocab.object();
  const int64_t limit = std::min<int64_t>(kMaxVocabulary, 4 * static_cast<int64_t>(object.size()) + 65536);
  for (const auto& [name, value] : object.items()) {
    const Field field(value, vocab.path() + "." + json_string(name), vocab.where());
    if (!add(name, static_cast<int32_t>(field.integer(0, limit - 1)))) {
      field.fail("has the id of another token");
    }
  }
}

bool Vocabulary::add(std::string_view token, int32_t id) {
  if (id < size() && present_[id]) {
    return tokens_[id] == token;
  }
  if (ids_.contains(token)) {
    return false;
  }
  if (id >= size()) {
    tokens_.resize(id + 1);
    present_.resize(id + 1);
  }
  tokens_[id] = token;
  present_[id] = true;
  ids_.emplace(tokens_[id], id);
  return true;
}

std::optional<int32_t> Vocabulary::find(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? std::nullopt : std::optional<int32_t>(found->second);
}

void Vocabulary::write(std::string& out) const {
  out += "\"vocab\": {";
  const char* separator = "\n";
  for (int32_t id = 0; id < size(); ++id) {
    if (present_[id]) {
      out += separator;
      out += "      " + json_string(tokens_[id]) + ": " + std::to_string(id);
      separator = ",\n";
    }
  }
  out += "\n    }";
}

}  // namespace athanor::token
