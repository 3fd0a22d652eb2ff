// GPT-2's pair of files: vocab.json and merges.txt, or encoder.json and vocab.bpe.
#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/file/formats.h"
#include "athanor/token/file/frame.h"
#include "athanor/token/file/splits.h"
#include "athanor/token/model/vocabulary.h"

namespace athanor::token {

Json read_gpt2(std::string_view vocab_json, std::string_view merges, const std::string& where) {
  Json json = empty_tokenizer();
  json["pre_tokenizer"] = byte_level_splits({});
  json["decoder"] = byte_level(false, true, true);
  json["post_processor"] = byte_level(true, true, false);
  Json& model = json["model"] = bpe_model(nullptr, false, false, false);
  Json vocab = parse_json(vocab_json, where);
  const Field field(vocab, "vocab", where);
  for (const auto& [token, id] : field.object().items()) {
    Field(id, "vocab." + token, where).integer(0, kMaxVocabulary - 1);
  }
  const auto end = vocab.find("<|endoftext|>");
  if (end != vocab.end()) {
    json["added_tokens"].push_back(added_token(end->get<int32_t>(), "<|endoftext|>", true));
  }
  model["vocab"] = std::move(vocab);
  Json::array_t list;
  while (!merges.empty()) {
    const size_t stop = std::min(merges.find('\n'), merges.size());
    std::string_view line = merges.substr(0, stop);
    merges.remove_prefix(std::min(stop + 1, merges.size()));
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (!line.empty() && !line.starts_with("#version")) {
      if (!is_valid_utf8(line)) {
        throw Error(ErrorKind::kInput, "the merges are not UTF-8", where);
      }
      list.emplace_back(std::string(line));
    }
  }
  model["merges"] = std::move(list);
  return json;
}

Gpt2Files write_gpt2(const Json& tokenizer, const std::string& where) {
  const auto fail = [&](const std::string& field, const std::string& why) {
    throw Error(ErrorKind::kUsage, "field '" + field + "' " + why, where,
                "vocab.json and merges.txt hold GPT-2's byte-level BPE and nothing else; save it as tokenizer.json");
  };
  const Json& model = tokenizer.at("model");
  const SplitFamily* const family = split_family_of(tokenizer, false);
  if (model.value("type", "BPE") != "BPE") {
    fail("model.type", "is " + json_string(model.value("type", "")));
  }
  if (family == nullptr || family->regexes.size() != 0) {
    fail("pre_tokenizer", "is not GPT-2's ByteLevel");
  }
  Gpt2Files files;
  const std::vector<std::string> tokens = VocabularyView(tokenizer).tokens();
  files.vocab_json = "{";
  const char* separator = "";
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (!tokens[id].empty()) {
      files.vocab_json += separator + json_string(tokens[id]) + ": " + std::to_string(id);
      separator = ", ";
    }
  }
  files.vocab_json += "}\n";
  files.merges_txt = "#version: 0.2\n";
  for (const Json& merge : model.at("merges")) {
    files.merges_txt += merge.is_array() ? merge.at(0).get<std::string>() + " " + merge.at(1).get<std::string>()
                                         : merge.get<std::string>();
    files.merges_txt += '\n';
  }
  return files;
}

}  // namespace athanor::token
