// tokenizer.json, in and out; every other format becomes one first (formats.h).
#include <algorithm>
#include <array>

#include "athanor/base/error.h"
#include "athanor/token/file/canonical_json.h"
#include "athanor/token/file/formats.h"
#include "athanor/token/model/byte_map.h"
#include "athanor/token/pipeline/fields.h"
#include "athanor/token/tokenizer_impl.h"

namespace athanor {

namespace {

using token::Field;
using token::Json;
using token::json_string;

constexpr const char* kSections[] = {"truncation",    "padding",        "added_tokens", "normalizer",
                                     "pre_tokenizer", "post_processor", "decoder"};

// Separators of documents in known tokenizers; the first that is an added token is taken.
constexpr const char* kEndOfText[] = {"<|endoftext|>", "<|end_of_text|>", "<｜end▁of▁sentence｜>", "</s>", "<eos>"};

AddedToken read_added(const Field& field, const token::Vocabulary& vocabulary) {
  const Field id = field.at("id");
  const Field content = field.at("content");
  const int64_t limit = std::min<int64_t>(token::kMaxVocabulary, 4 * int64_t{vocabulary.size()} + 65536);
  token::refuse_other_fields(field, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
  AddedToken added{static_cast<int32_t>(id.integer(0, limit - 1)),
                   content.string(),
                   field.flag("special", false),
                   field.flag("single_word", false),
                   field.flag("lstrip", false),
                   field.flag("rstrip", false),
                   field.flag("normalized", true),
                   ""};
  const std::optional<int32_t> known = vocabulary.find(added.content);
  if (known && *known != added.id) {
    id.fail("is " + std::to_string(added.id) + ", but the vocabulary gives " + json_string(added.content) + " the id " +
            std::to_string(*known));
  }
  if (!known && vocabulary.has(added.id)) {
    id.fail("is the id of another token of the vocabulary");
  }
  return added;
}

}  // namespace

void Tokenizer::Impl::read_path(const token::Field& root) {
  if (const std::optional<Field> normalizer = root.find("normalizer")) {
    normalizers = token::read_normalizers(*normalizer);
  }
  const std::optional<Field> cuts = root.find("pre_tokenizer");
  if (cuts) {
    chain = token::read_pre_tokenizer_chain(*cuts);
  }
  bool keeps = true, may_drop_front = false;
  for (size_t i = 0; i < normalizers.size(); ++i) {
    const token::NormalizerStep& step = normalizers[i];
    keeps = keeps && step.keeps_bytes;
    may_drop_front = may_drop_front || (!step.keeps_bytes && step.type != "Prepend" && step.type != "Lowercase");
    if (step.type == "ByteLevel") {
      if (chain.byte_level || i + 1 != normalizers.size()) {
        root.at("normalizer").fail("has a ByteLevel that another step follows, which is not supported");
      }
      chain.byte_level = chain.mapped = true;
    }
  }
  byte_level = chain.byte_level;
  keeps_bytes = byte_level && keeps;
  needs_alignment = chain.needs_start && (chain.steps.size() > 1 || may_drop_front);
  const std::optional<token::PreTokenizer> fast =
      cuts ? token::find_scan(*cuts) : token::PreTokenizer{&token::scan_whole, byte_level, false};
  if (fast && !chain.mapped) {
    pre_tokenizer = *fast;
  }
}

std::unique_ptr<Tokenizer::Impl> Tokenizer::Impl::from_value(const Json& json, const std::string& where) {
  if (!json.is_object()) {
    throw Error(ErrorKind::kInput, "is not a JSON object", where);
  }
  return from_root(Field(json, "", where));
}

std::unique_ptr<Tokenizer::Impl> Tokenizer::Impl::from_root(const Field& root) {
  auto impl = std::make_unique<Impl>();
  impl->read_path(root);
  const Field model = root.at("model");
  impl->model = token::make_model(model, impl->byte_level, impl->vocabulary);
  impl->path = token::make_text_path(root, impl->normalizers, *impl->model, impl->vocabulary);
  if (impl->pre_tokenizer.scan != nullptr && impl->path.encoder == nullptr) {
    impl->encoder.emplace(impl->pre_tokenizer.scan, *impl->model);
  }
  if (const std::optional<Field> post = root.find("post_processor")) {
    impl->post_processor = token::read_post_processor(*post);
  }
  if (const std::optional<Field> truncation = root.find("truncation")) {
    impl->truncation = token::read_truncation(*truncation);
  }
  if (const std::optional<Field> padding = root.find("padding")) {
    impl->padding = token::read_padding(*padding);
  }
  const std::optional<Field> decoder = root.find("decoder");
  impl->decoder = decoder ? token::read_decoder(*decoder) : token::joined_by_spaces();
  if (const std::optional<Field> added = root.find("added_tokens")) {
    for (size_t i = 0; i < added->list().size(); ++i) {
      impl->add_token(read_added(added->item(i), impl->vocabulary));
    }
  }
  impl->raw_matcher.build();
  impl->normal_matcher.build();
  impl->fill_tables();
  for (const char* name : kSections) {
    impl->sections[name] = root.value().contains(name) ? root.value()[name] : Json();
  }
  Json& added_tokens = impl->sections["added_tokens"];
  if (!added_tokens.is_array()) {
    added_tokens = Json::array();
  }
  std::stable_sort(added_tokens.begin(), added_tokens.end(),
                   [](const Json& a, const Json& b) { return a["id"] < b["id"]; });
  impl->model_fields = Json::object();
  for (const auto& [name, value] : model.object().items()) {
    if (name != "vocab" && name != "merges" && name != "type") {
      impl->model_fields[name] = value;
    }
  }
  impl->model_type = model.find("type") ? model.at("type").string() : "BPE";
  return impl;
}

void Tokenizer::Impl::add_token(AddedToken token) {
  token.searched = token.content;
  if (token.normalized) {
    std::string scratch;
    token.searched = normalise(token.content, scratch);
  }
  const uint32_t index = static_cast<uint32_t>(added.size());
  if (!token.searched.empty()) {
    (token.normalized ? normal_matcher : raw_matcher).add(token.searched, index);
    bool& ordinary = token.normalized ? normal_ordinary : raw_ordinary;
    ordinary = ordinary || !token.special;
  }
  if (token.special) {
    special_contents.insert(token.content);
  }
  added.push_back(std::move(token));
}

void Tokenizer::Impl::fill_tables() {
  int32_t size = vocabulary.size();
  for (const AddedToken& token : added) {
    size = std::max(size, token.id + 1);
  }
  static const std::string kNothing;
  tokens.resize(size, &kNothing);
  bytes.resize(size);
  special.resize(size);
  present.resize(size);
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    tokens[id] = &vocabulary.token(id);
    present[id] = vocabulary.has(id);
  }
  for (const AddedToken& token : added) {
    tokens[token.id] = &token.searched;  // as HF: the decoder undoes what the normalizer did
    present[token.id] = true;
  }
  std::array<bool, 256> maybe_special{};  // by length: most tokens need no look-up
  for (const std::string& content : special_contents) {
    maybe_special[content.size() & 255] = true;
  }
  for (int32_t id = 0; id < size; ++id) {
    bytes[id] = byte_level || decoder.byte_level_only ? token::token_to_bytes(*tokens[id]) : *tokens[id];
    special[id] = maybe_special[tokens[id]->size() & 255] && special_contents.contains(*tokens[id]);
  }
  for (const char* name : kEndOfText) {
    for (const AddedToken& token : added) {
      if (end_of_text < 0 && token.content == name) {
        end_of_text = token.id;
      }
    }
  }
}

Tokenizer Tokenizer::from_json(std::string_view text, const std::string& where) {
  const bool in_lines = text.find('\n') <= text.find('"');
  token::RawParts parts;
  const std::optional<std::string> rest = token::take_raw_parts(text, parts);
  Json json;
  try {
    json = token::parse_json(rest ? *rest : text, where);
  } catch (const Error&) {
    token::parse_json(text, where);  // for the offset in the file
    throw;
  }
  std::unique_ptr<Impl> impl = rest ? Impl::from_root(Field(json, where, parts)) : Impl::from_value(json, where);
  impl->in_lines = in_lines;
  return Tokenizer(std::move(impl));
}

Tokenizer Tokenizer::from_gpt2(std::string_view vocab_json, std::string_view merges, const std::string& where) {
  return Tokenizer(Impl::from_value(token::read_gpt2(vocab_json, merges, where), where));
}

Tokenizer Tokenizer::bytes(const std::vector<std::string>& special_tokens) {
  Json json = token::frame_json(token::split_kind("bytes"));
  int32_t id = 0;
  for (; id < 256; ++id) {
    json["model"]["vocab"][token::bytes_to_token(std::string(1, static_cast<char>(id)))] = id;
  }
  for (const std::string& content : special_tokens) {
    json["added_tokens"].push_back(token::added_token_json(id++, content));
  }
  return Tokenizer(Impl::from_value(json, "the bytes tokenizer"));
}

Tokenizer Tokenizer::load(const fs::path& path) {
  std::error_code ignored;
  const fs::path file = fs::is_directory(path, ignored) ? path / "tokenizer.json" : path;
  if (file.extension() == ".json" && fs::is_regular_file(file, ignored)) {
    const std::string text = read_file(file, token::kMaxTokenizerBytes);
    if (token::detect_format(text) == "tokenizer.json") {
      return from_json(text, file.string());
    }
  }
  return Tokenizer(Impl::from_value(token::read_any(path), path.string()));
}

namespace {

struct ModelMember {
  const char* model;
  const char* name;
  const char* otherwise;  // nullptr: left out when the file has none
  bool behind;            // behind the vocabulary
};
constexpr ModelMember kModelMembers[] = {
    {"BPE", "dropout", "null", false},
    {"BPE", "unk_token", "null", false},
    {"BPE", "continuing_subword_prefix", "null", false},
    {"BPE", "end_of_word_suffix", "null", false},
    {"BPE", "fuse_unk", "false", false},
    {"BPE", "byte_fallback", "false", false},
    {"BPE", "ignore_merges", "false", false},
    {"WordPiece", "unk_token", "\"[UNK]\"", false},
    {"WordPiece", "continuing_subword_prefix", "\"##\"", false},
    {"WordPiece", "max_input_chars_per_word", "100", false},
    {"WordLevel", "unk_token", nullptr, true},
    {"Unigram", "unk_id", "null", false},
    {"Unigram", "byte_fallback", "false", true},
};

// The members of the model beside its vocabulary, those that HF does not know last.
std::string model_members(const std::string& model, const Json& fields, bool behind) {
  std::string out;
  for (const ModelMember& member : kModelMembers) {
    const bool there = fields.contains(member.name);
    if (model == member.model && member.behind == behind && (there || member.otherwise != nullptr)) {
      out += "," + json_string(member.name) + ":" + (there ? token::canonical_section("", fields[member.name]) : member.otherwise);
    }
  }
  for (const auto& field : fields.items()) {
    const bool known = std::any_of(std::begin(kModelMembers), std::end(kModelMembers), [&](const ModelMember& member) {
      return model == member.model && field.key() == member.name;
    });
    if (behind && !known) {
      out += "," + json_string(field.key()) + ":" + token::canonical_section("", field.value());
    }
  }
  return out;
}

}  // namespace

std::string Tokenizer::to_json() const {
  std::string out = "{\"version\":\"1.0\"";
  for (const char* name : kSections) {
    out += "," + json_string(name) + ":" + token::canonical_section(name, impl_->sections[name]);
  }
  out += ",\"model\":{\"type\":" + json_string(impl_->model_type);
  out += model_members(impl_->model_type, impl_->model_fields, false) + ",";
  impl_->model->write(impl_->vocabulary, out);
  out += model_members(impl_->model_type, impl_->model_fields, true) + "}}";
  return token::layout_json(out, impl_->in_lines);
}

}  // namespace athanor
