#include "athanor/token/train/bpe_file.h"

#include "athanor/token/model/vocabulary.h"

namespace athanor::token {

namespace {

void put_token(BpeFile& file, const std::string& token, int64_t id, const Field& field) {
  if (id < 0 || id > kMaxVocabulary) {
    field.fail("has the id " + std::to_string(id) + ", which is out of range");
  }
  if (static_cast<size_t>(id) >= file.tokens.size()) {
    file.tokens.resize(static_cast<size_t>(id) + 1);
    file.present.resize(static_cast<size_t>(id) + 1);
  }
  file.tokens[id] = token;
  file.present[id] = true;
  file.ids[token] = static_cast<int32_t>(id);
}

}  // namespace

std::pair<std::string, std::string> merge_parts(const Field& item) {
  if (item.value().is_array() && item.value().size() == 2 && item.value()[0].is_string() &&
      item.value()[1].is_string()) {
    return {item.value()[0].get<std::string>(), item.value()[1].get<std::string>()};
  }
  const std::string& line = item.string();
  const size_t space = line.find(' ', line.starts_with(' ') ? 1 : 0);
  if (space == std::string::npos) {
    item.fail("is not a pair of tokens");
  }
  return {line.substr(0, space), line.substr(space + 1)};
}

BpeFile read_bpe(const std::string& text, const std::string& where) {
  BpeFile file;
  file.json = parse_json(text, where);
  const Field root(file.json, "", where);
  const Field model = root.at("model");
  if (const auto type = model.find("type"); (type && type->string() != "BPE") || !model.find("merges")) {
    model.fail("is not a BPE, Unigram or WordPiece model: no other can be pruned, and no WordPiece extended");
  }
  const Field vocab = model.at("vocab");
  for (const auto& [token, id] : vocab.object().items()) {
    put_token(file, token, id.is_number_integer() ? id.get<int64_t>() : -1, vocab);
  }
  if (const auto prefix = model.find("continuing_subword_prefix")) {
    file.prefix = prefix->string();
  }
  const Field merges = model.at("merges");
  for (size_t i = 0; i < merges.list().size(); ++i) {
    const auto [left, right] = merge_parts(merges.item(i));
    const std::string joined =
        left +
        (!file.prefix.empty() && right.starts_with(file.prefix) ? right.substr(file.prefix.size()) : right);
    const auto l = file.ids.find(left), r = file.ids.find(right), made = file.ids.find(joined);
    if (l == file.ids.end() || r == file.ids.end() || made == file.ids.end()) {
      merges.item(i).fail("names a token that is not in the vocabulary");
    }
    file.merges.emplace_back(l->second, r->second);
    file.results.push_back(made->second);
  }
  if (const auto added = root.find("added_tokens")) {
    for (size_t i = 0; i < added->list().size(); ++i) {
      const Field item = added->item(i);
      put_token(file, item.at("content").string(), item.at("id").integer(0, kMaxVocabulary),
                item.at("id"));
    }
  }
  return file;
}

Json empty_map(size_t old_size) {
  return {{"old_vocab_size", old_size},
          {"new_vocab_size", old_size},
          {"old_to_new", Json::array()},
          {"new_tokens", Json::object()}};
}

}  // namespace athanor::token
