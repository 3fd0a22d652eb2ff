// The merges of tokenizer.json, of either spelling.
#include "athanor/token/file/raw_parts.h"
#include "athanor/token/model/bpe.h"
#include "athanor/token/model/merge_table.h"

namespace athanor::token {

namespace {

constexpr uint32_t kNone = MergeTable::kNone;

Merge read_merge(const Field& field, const Vocabulary& vocabulary) {
  const auto [left, right] = read_merge_tokens(field);
  const auto id_of = [&](const std::string& token) {
    const std::optional<int32_t> id = vocabulary.find(token);
    if (!id) {
      field.fail("needs the token " + json_string(token) + ", which is not in the vocabulary");
    }
    return *id;
  };
  return {id_of(left), id_of(right), id_of(left + right)};
}

// The merges of a list that was left as text. False when something is not plain, or wrong: read_merge says what.
bool read_raw_merges(std::string_view text, const Vocabulary& vocabulary, std::vector<Merge>& merges) {
  RawWalk walk(text);
  std::string_view left, right;
  std::string joined;
  int32_t next = -1;  // merges mostly stand in the order of their results
  while (walk.next_merge(left, right)) {
    const std::optional<int32_t> left_id = vocabulary.find(left), right_id = vocabulary.find(right);
    if (!left_id || !right_id) {
      return false;
    }
    joined.assign(left).append(right);
    const bool as_expected = vocabulary.has(next) && vocabulary.token(next) == joined;
    const std::optional<int32_t> result = as_expected ? next : vocabulary.find(joined);
    if (!result) {
      return false;
    }
    merges.push_back({*left_id, *right_id, *result});
    next = *result + 1;
  }
  return !walk.bad() && merges.size() < kNone;
}

}  // namespace

std::vector<Merge> read_merges(const Field& list, const Vocabulary& vocabulary) {
  std::vector<Merge> merges;
  if (list.raw() && read_raw_merges(*list.raw(), vocabulary, merges)) {
    return merges;
  }
  merges.clear();
  if (list.list().size() >= kNone) {
    list.fail("holds more than " + std::to_string(kNone - 1) + " merges");
  }
  merges.reserve(list.value().size());
  for (size_t i = 0; i < list.value().size(); ++i) {
    merges.push_back(read_merge(list.item(i), vocabulary));
  }
  return merges;
}

std::pair<std::string, std::string> read_merge_tokens(const Field& field) {
  if (field.value().is_string()) {
    const std::string& text = field.string();
    const size_t space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) {
      field.fail("must be two tokens with one space between, not " + json_string(text));
    }
    return {text.substr(0, space), text.substr(space + 1)};
  }
  if (field.list().size() != 2) {
    field.fail("must hold two tokens");
  }
  return {field.item(0).string(), field.item(1).string()};
}

}  // namespace athanor::token
