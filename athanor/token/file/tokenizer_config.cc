#include "athanor/token/file/tokenizer_config.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/token/file/frame.h"
#include "athanor/token/model/vocabulary.h"

namespace athanor::token {

namespace {

constexpr uint64_t kMaxConfigBytes = uint64_t{64} << 20;
constexpr double kUnlimited = 1e15;  // HF writes 1000000000000000019884624838656

struct NamedToken {
  const char* key;
  std::string TokenizerConfig::*member;
};
constexpr NamedToken kNamed[] = {
    {"bos_token", &TokenizerConfig::bos_token},   {"eos_token", &TokenizerConfig::eos_token},
    {"unk_token", &TokenizerConfig::unk_token},   {"sep_token", &TokenizerConfig::sep_token},
    {"pad_token", &TokenizerConfig::pad_token},   {"cls_token", &TokenizerConfig::cls_token},
    {"mask_token", &TokenizerConfig::mask_token}};

struct NamedFlag {
  const char* key;
  std::optional<bool> TokenizerConfig::*member;
};
constexpr NamedFlag kFlags[] = {{"add_bos_token", &TokenizerConfig::add_bos_token},
                                {"add_eos_token", &TokenizerConfig::add_eos_token},
                                {"add_prefix_space", &TokenizerConfig::add_prefix_space},
                                {"legacy", &TokenizerConfig::legacy},
                                {"do_lower_case", &TokenizerConfig::do_lower_case},
                                {"strip_accents", &TokenizerConfig::strip_accents},
                                {"tokenize_chinese_chars", &TokenizerConfig::tokenize_chinese_chars}};

// A token is its text, or {"content": text, ...}.
std::string token_text(const Field& field) {
  return field.value().is_object() ? field.at("content").string() : field.string();
}

TokenizerConfig::Added read_added(const Field& field, std::optional<int32_t> id) {
  TokenizerConfig::Added added;
  added.id = id;
  added.content = field.at("content").string();
  added.special = field.flag("special", false);
  added.lstrip = field.flag("lstrip", false);
  added.rstrip = field.flag("rstrip", false);
  added.single_word = field.flag("single_word", false);
  added.normalized = field.flag("normalized", !added.special);
  return added;
}

int32_t id_of_key(const Field& field, const std::string& key) {
  size_t used = 0;
  int64_t id = -1;
  try {
    id = std::stoll(key, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used != key.size() || id < 0 || id >= kMaxVocabulary) {
    field.fail("has the key " + json_string(key) + ", which is not an id");
  }
  return static_cast<int32_t>(id);
}

void read_templates(const Field& field, TokenizerConfig& config) {
  if (field.value().is_string()) {
    config.chat_templates["default"] = field.string();
  } else {
    for (size_t i = 0; i < field.list().size(); ++i) {
      config.chat_templates[field.item(i).at("name").string()] = field.item(i).at("template").string();
    }
  }
  const auto found = config.chat_templates.find("default");
  config.chat_template = found == config.chat_templates.end() ? "" : found->second;
}

void read_extra(const Field& field, std::vector<std::string>& out) {
  if (field.value().is_object()) {  // {"image_token": "<image>"}
    for (const auto& [name, value] : field.value().items()) {
      out.push_back(token_text(Field(value, field.path() + "." + name, field.where())));
    }
    return;
  }
  for (size_t i = 0; i < field.list().size(); ++i) {
    out.push_back(token_text(field.item(i)));
  }
}

void read_named(const Field& root, TokenizerConfig& config) {
  for (const NamedToken& named : kNamed) {
    if (const std::optional<Field> field = root.find(named.key); field && !field->value().is_boolean()) {
      config.*named.member = token_text(*field);
    }
  }
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    if (const std::optional<Field> field = root.find(key)) {
      read_extra(*field, config.extra_special_tokens);
    }
  }
}

void read_config(const Field& root, TokenizerConfig& config) {
  for (const NamedFlag& flag : kFlags) {
    if (const std::optional<Field> field = root.find(flag.key)) {
      config.*flag.member = field->boolean();
    }
  }
  if (const std::optional<Field> field = root.find("tokenizer_class")) {
    config.tokenizer_class = field->string();
  }
  if (const std::optional<Field> field = root.find("chat_template")) {
    read_templates(*field, config);
  }
  const std::optional<Field> length = root.find("model_max_length");
  if (length && length->value().is_number() && length->value().get<double>() < kUnlimited) {
    config.model_max_length = static_cast<int64_t>(length->value().get<double>());
  }
  if (const std::optional<Field> decoder = root.find("added_tokens_decoder")) {
    for (const auto& [key, value] : decoder->object().items()) {
      const Field field(value, decoder->path() + "." + key, decoder->where());
      config.added.push_back(read_added(field, id_of_key(*decoder, key)));
    }
  }
}

}  // namespace

void TokenizerConfig::read(const std::string& kind, std::string_view text, const std::string& where) {
  found = true;
  if (kind == "chat_template.jinja") {
    chat_template = chat_templates["default"] = std::string(text);
    return;
  }
  const Json json = parse_json(text, where);
  const Field root(json, "", where);
  if (!json.is_object()) {
    throw Error(ErrorKind::kInput, "is not a JSON object", where);
  }
  if (kind == "added_tokens.json") {  // {"content": id}
    for (const auto& [content, id] : json.items()) {
      const Field field(id, content, where);
      added.push_back({static_cast<int32_t>(field.integer(0, kMaxVocabulary - 1)), content, false, false, false, false,
                       true});
    }
  } else {
    read_named(root, *this);
    if (kind == "tokenizer_config.json") {
      read_config(root, *this);
    }
  }
  // added_tokens_decoder says more than added_tokens.json: it stands first, and a stable sort keeps it so.
  std::stable_sort(added.begin(), added.end(), [](const Added& a, const Added& b) { return a.id < b.id; });
  added.erase(std::unique(added.begin(), added.end(),
                          [](const Added& a, const Added& b) { return a.id == b.id && a.content == b.content; }),
              added.end());
}

TokenizerConfig TokenizerConfig::load(const fs::path& folder) {
  TokenizerConfig config;
  std::error_code ignored;
  for (const char* name :
       {"special_tokens_map.json", "tokenizer_config.json", "added_tokens.json", "chat_template.jinja"}) {
    const fs::path path = folder / name;
    if (fs::is_regular_file(path, ignored)) {
      config.read(name, read_file(path, kMaxConfigBytes), path.string());
    }
  }
  return config;
}

namespace {

// The tokens that become special, in transformers' order.
std::vector<std::string> special_contents(const TokenizerConfig& config) {
  std::vector<std::string> out;
  for (const NamedToken& named : kNamed) {
    if (!(config.*named.member).empty()) {
      out.push_back(config.*named.member);
    }
  }
  std::vector<std::string> extra = config.extra_special_tokens;
  // T5 numbers its blanks from the last to the first.
  const bool blanks = std::all_of(extra.begin(), extra.end(),
                                  [](const std::string& token) { return token.starts_with("<extra_id_"); });
  if (blanks && !extra.empty() && extra.front() == "<extra_id_0>") {
    std::reverse(extra.begin(), extra.end());
  }
  out.insert(out.end(), extra.begin(), extra.end());
  return out;
}

// What the classes of transformers do when their config does not say.
struct ClassDefault {
  std::string_view name;
  bool bos, eos;
};
constexpr ClassDefault kClassDefaults[] = {{"LlamaTokenizer", true, false},
                                           {"CodeLlamaTokenizer", true, false},
                                           {"GemmaTokenizer", true, false},
                                           {"T5Tokenizer", false, true}};

ClassDefault class_default(std::string_view name) {
  if (name.ends_with("Fast")) {
    name.remove_suffix(4);
  }
  for (const ClassDefault& each : kClassDefaults) {
    if (each.name == name) {
      return each;
    }
  }
  return {name, false, false};
}

void apply_template(const TokenizerConfig& config, Json& tokenizer, const VocabularyView& view,
                    const std::string& where) {
  const ClassDefault otherwise = class_default(config.tokenizer_class);
  const bool bos = config.add_bos_token.value_or(otherwise.bos && !config.bos_token.empty());
  const bool eos = config.add_eos_token.value_or(otherwise.eos && !config.eos_token.empty());
  if (!bos && !eos) {
    return;
  }
  const auto id_of = [&](const char* name, const std::string& token) {
    const std::optional<int32_t> id = view.find(token);
    if (!id) {
      throw Error(ErrorKind::kInput, std::string("field '") + name + "' is " + json_string(token) +
                                         ", which is not in the vocabulary", where);
    }
    return *id;
  };
  std::vector<std::pair<std::string, int32_t>> before, after;
  if (bos) {
    before.emplace_back(config.bos_token, id_of("bos_token", config.bos_token));
  }
  if (eos) {
    after.emplace_back(config.eos_token, id_of("eos_token", config.eos_token));
  }
  tokenizer["post_processor"] = template_json(before, after);
}

}  // namespace

void apply_config(const TokenizerConfig& config, Json& tokenizer, const std::string& where) {
  AddedTokens added(tokenizer);
  for (const TokenizerConfig::Added& token : config.added) {
    added.add(token, where);
  }
  for (const std::string& content : special_contents(config)) {
    TokenizerConfig::Added token;
    token.content = content;
    added.add(token, where);
  }
  added.store(tokenizer);
  apply_template(config, tokenizer, VocabularyView(tokenizer), where);
}

}  // namespace athanor::token
