#include "athanor/token/file/hf_folder.h"

#include <nlohmann/json.hpp>
#include <set>

namespace athanor::token {

namespace {

struct NamedToken {
  const char* key;
  std::string TokenizerConfig::*member;
  std::vector<const char*> usual;
};

const std::vector<NamedToken>& named_tokens() {
  static const std::vector<NamedToken> named = {
      {"bos_token", &TokenizerConfig::bos_token, {"<s>"}},
      {"eos_token", &TokenizerConfig::eos_token, {"<|endoftext|>", "</s>"}},
      {"unk_token", &TokenizerConfig::unk_token, {"[UNK]", "<unk>"}},
      {"pad_token", &TokenizerConfig::pad_token, {"[PAD]", "<pad>"}},
      {"sep_token", &TokenizerConfig::sep_token, {"[SEP]"}},
      {"cls_token", &TokenizerConfig::cls_token, {"[CLS]"}},
      {"mask_token", &TokenizerConfig::mask_token, {"[MASK]", "<mask>"}}};
  return named;
}

}  // namespace

void write_hf_folder(const std::string& tokenizer_json, const TokenizerConfig& config, const fs::path& folder) {
  std::set<std::string> has;
  const auto tokenizer = nlohmann::json::parse(tokenizer_json);
  for (const auto& added : tokenizer.at("added_tokens")) {
    has.insert(added.at("content").get<std::string>());
  }
  nlohmann::ordered_json json{{"tokenizer_class", "PreTrainedTokenizerFast"}, {"clean_up_tokenization_spaces", false}};
  for (const NamedToken& named : named_tokens()) {
    const std::string& given = config.*named.member;
    if (has.contains(given)) {
      json[named.key] = given;
      continue;
    }
    for (const char* usual : named.usual) {
      if (given.empty() && has.contains(usual) && !json.contains(named.key)) {
        json[named.key] = usual;
      }
    }
  }
  if (config.model_max_length) {
    json["model_max_length"] = *config.model_max_length;
  }
  if (config.chat_templates.size() > 1) {
    for (const auto& [name, text] : config.chat_templates) {
      json["chat_template"].push_back({{"name", name}, {"template", text}});
    }
  } else if (!config.chat_template.empty()) {
    write_file_atomic(folder / "chat_template.jinja", config.chat_template);
  }
  write_file_atomic(folder / "tokenizer_config.json", json.dump(2) + "\n");
  write_file_atomic(folder / "tokenizer.json", tokenizer_json);
}

}  // namespace athanor::token
