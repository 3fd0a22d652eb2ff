// tokenizer.json -> a GGUF file that holds nothing but the vocabulary (llama.cpp: vocab_only).
#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/data/gguf.h"
#include "athanor/token/file/formats.h"
#include "athanor/token/file/frame.h"
#include "athanor/token/file/sentencepiece_model.h"
#include "athanor/token/file/splits.h"

namespace athanor::token {

namespace {

constexpr const char* kSpace = "\xE2\x96\x81";  // U+2581

class VocabularyWriter {
 public:
  VocabularyWriter(const Json& tokenizer, const TokenizerConfig& config, const std::string& where)
      : json_(tokenizer), config_(config), where_(where) {}

  std::string bytes() {
    const Json& model = json_.at("model");
    const std::string type = model.value("type", "BPE");
    if (type == "WordPiece") {
      write_bert();
    } else if (type == "Unigram") {
      write_pieces("t5");
    } else if (type == "BPE" && is_byte_level(json_.value("pre_tokenizer", Json()))) {
      write_byte_level();
    } else if (type == "BPE") {
      write_pieces("llama");
    } else {
      fail("model.type", "is " + json_string(type));
    }
    return file_.bytes();
  }

 private:
  [[noreturn]] void fail(const std::string& field, const std::string& why) const {
    throw Error(ErrorKind::kUsage, "field '" + field + "' " + why + ", which a GGUF vocabulary cannot say", where_,
                "save it as tokenizer.json");
  }

  static bool is_byte_level(const Json& pre) {
    if (pre.is_object() && pre.value("type", "") == "Sequence") {
      const Json parts = pre.value("pretokenizers", Json::array());
      return std::any_of(parts.begin(), parts.end(), is_byte_level);
    }
    return pre.is_object() && pre.value("type", "") == "ByteLevel";
  }

  void begin(const char* architecture, const char* model, const char* pre) {
    file_.text("general.architecture", architecture);
    file_.text("general.type", "model");
    file_.text("tokenizer.ggml.model", model);
    file_.text("tokenizer.ggml.pre", pre);
  }

  // Tokens by id with their types: added tokens are control or user-defined.
  void read_vocabulary() {
    tokens_ = VocabularyView(json_).tokens();
    types_.assign(tokens_.size(), static_cast<int32_t>(PieceType::kNormal));
    const Json normalizer = json_.value("normalizer", Json());  // NFC, or none: the families have no other
    plain_ = !normalizer.is_object() || normalizer.value("normalizers", Json::array({0})).empty();
    for (size_t id = 0; id < tokens_.size(); ++id) {
      if (tokens_[id].empty()) {
        tokens_[id] = "[PAD" + std::to_string(id) + "]";
        types_[id] = static_cast<int32_t>(PieceType::kUnused);
      }
    }
    for (const Json& added : json_.at("added_tokens")) {
      const size_t id = added.at("id").get<size_t>();
      const std::string content = added.at("content").get<std::string>();
      for (const char* name : {"lstrip", "rstrip", "single_word", "normalized"}) {
        const bool harmless = std::string_view(name) == "normalized" && (plain_ || is_ascii(content));
        if (added.value(name, false) && !harmless) {
          fail(std::string("added_tokens.") + name, "is true for " + json_string(content));
        }
      }
      tokens_[id] = content;
      types_[id] = static_cast<int32_t>(added.value("special", false) ? PieceType::kControl : PieceType::kUserDefined);
    }
  }

  void write_byte_level() {
    const SplitFamily* const family = split_family_of(json_, true);
    if (family == nullptr) {
      const bool cuts = split_family_of(json_, false) != nullptr;
      fail(cuts ? "model.ignore_merges' or 'normalizer" : "pre_tokenizer",
           cuts ? "does not go with the cuts of the pre_tokenizer in any family of llama.cpp"
                : "cuts as no family of llama.cpp does");
    }
    begin(family->name == std::string_view("gpt2") ? "gpt2" : "llama", "gpt2",
          std::string(family->pre_names.front()).c_str());
    read_vocabulary();
    std::vector<std::string> merges;
    for (const Json& merge : json_.at("model").at("merges")) {
      merges.push_back(merge.is_array() ? merge.at(0).get<std::string>() + " " + merge.at(1).get<std::string>()
                                        : merge.get<std::string>());
    }
    file_.strings("tokenizer.ggml.tokens", tokens_);
    file_.int32s("tokenizer.ggml.token_type", types_);
    file_.strings("tokenizer.ggml.merges", merges);
    write_special({"<|begin_of_text|>", "<|startoftext|>", "<s>"}, {"<|endoftext|>", "<|end_of_text|>", "</s>"});
  }

  void write_bert() {
    const Json normalizer = json_.value("normalizer", Json());
    if (!normalizer.is_object() || normalizer.value("type", "") != "BertNormalizer" ||
        !normalizer.value("clean_text", true) || !normalizer.value("handle_chinese_chars", true)) {
      fail("normalizer", "is not a BertNormalizer with clean_text and handle_chinese_chars");
    }
    const bool lowercase = normalizer.value("lowercase", true);
    const Json strip = normalizer.value("strip_accents", Json());
    begin("bert", "bert", "jina-v2-en");
    read_vocabulary();
    for (size_t id = 0; id < tokens_.size(); ++id) {
      std::string& token = tokens_[id];
      const bool bracketed = token.starts_with('[') && token.ends_with(']') && token.size() > 1;
      if (types_[id] == static_cast<int32_t>(PieceType::kNormal) && !bracketed) {
        token = token.starts_with("##") ? token.substr(2) : kSpace + token;
      }
    }
    file_.strings("tokenizer.ggml.tokens", tokens_);
    file_.int32s("tokenizer.ggml.token_type", types_);
    file_.boolean("tokenizer.ggml.normalizer.lowercase", lowercase);
    file_.boolean("tokenizer.ggml.normalizer.strip_accents", strip.is_boolean() ? strip.get<bool>() : lowercase);
    file_.uint32("tokenizer.ggml.token_type_count", 2);
    write_special({"[CLS]"}, {"[SEP]"});
  }

  void write_pieces(const char* kind) {
    const bool unigram = std::string_view(kind) == "t5";
    const SentencePieceModel model = sentencepiece_from_json(json_, where_);
    if (!unigram && (!model.charsmap.empty() || model.remove_extra_whitespaces)) {
      fail("normalizer", "does more than write spaces as U+2581");
    }
    if (unigram == model.byte_fallback) {
      fail("model.byte_fallback", model.byte_fallback ? "is true for a Unigram" : "is false for a BPE");
    }
    if (unigram && !model.remove_extra_whitespaces) {
      fail("normalizer", "keeps white space at the ends of a text and runs of it");
    }
    if (model.add_dummy_prefix && model.id_of_type(PieceType::kUserDefined) >= 0) {
      fail("pre_tokenizer", "puts one dummy prefix before a text with user-defined pieces (llama.cpp: one after each)");
    }
    begin(unigram ? "t5" : "llama", kind, "default");
    std::vector<float> scores;
    for (const SentencePieceModel::Piece& piece : model.pieces) {
      tokens_.push_back(piece.text);
      scores.push_back(piece.score);
      types_.push_back(static_cast<int32_t>(piece.type));
    }
    file_.strings("tokenizer.ggml.tokens", tokens_);
    file_.floats("tokenizer.ggml.scores", scores);
    file_.int32s("tokenizer.ggml.token_type", types_);
    file_.boolean("tokenizer.ggml.add_space_prefix", model.add_dummy_prefix);
    file_.boolean("tokenizer.ggml.remove_extra_whitespaces", model.remove_extra_whitespaces);
    if (!model.charsmap.empty()) {
      file_.uint8s("tokenizer.ggml.precompiled_charsmap", model.charsmap);
    }
    write_special({"<s>", "<bos>"}, {"</s>", "<eos>"});
  }

  void write_id(const char* name, const std::string& token) {
    const auto found = std::find(tokens_.begin(), tokens_.end(), token);
    if (!token.empty() && found != tokens_.end()) {
      file_.uint32(std::string("tokenizer.ggml.") + name + "_token_id", static_cast<uint32_t>(found - tokens_.begin()));
    }
  }

  // The first of the names that is there, when the config has none.
  std::string one_of(const std::string& given, std::initializer_list<const char*> names) const {
    if (!given.empty()) {
      return given;
    }
    for (const char* name : names) {
      if (std::find(tokens_.begin(), tokens_.end(), name) != tokens_.end()) {
        return name;
      }
    }
    return "";
  }

  void write_special(std::initializer_list<const char*> bos, std::initializer_list<const char*> eos) {
    write_id("bos", one_of(config_.bos_token, bos));
    write_id("eos", one_of(config_.eos_token, eos));
    write_id("unknown", one_of(config_.unk_token, {"<unk>", "[UNK]"}));
    write_id("padding", one_of(config_.pad_token, {"<pad>", "[PAD]"}));
    write_id("seperator", one_of(config_.sep_token, {"[SEP]"}));  // so spelt by the format
    write_id("cls", one_of(config_.cls_token, {"[CLS]"}));
    write_id("mask", one_of(config_.mask_token, {"[MASK]", "<mask>"}));
    write_template();
    if (!config_.chat_template.empty()) {
      file_.text("tokenizer.chat_template", config_.chat_template);
    }
  }

  // add_bos and add_eos: from the post_processor, so that no reader falls back on its own.
  void write_template() {
    const Json post = json_.value("post_processor", Json());
    bool before = false, after = false, seen = false;
    if (post.is_object() && post.value("type", "") == "TemplateProcessing") {
      for (const Json& part : post.at("single")) {
        seen = seen || part.contains("Sequence");
        (seen ? after : before) = (seen ? after : before) || part.contains("SpecialToken");
      }
    }
    file_.boolean("tokenizer.ggml.add_bos_token", config_.add_bos_token.value_or(before));
    file_.boolean("tokenizer.ggml.add_eos_token", config_.add_eos_token.value_or(after));
  }

  static bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
  }

  const Json& json_;
  const TokenizerConfig& config_;
  const std::string& where_;
  GgufWriter file_;
  std::vector<std::string> tokens_;
  std::vector<int32_t> types_;
  bool plain_ = false;  // no normalizer
};

}  // namespace

std::string write_gguf_vocabulary(const Json& tokenizer, const TokenizerConfig& config, const std::string& where) {
  return VocabularyWriter(tokenizer, config, where).bytes();
}

}  // namespace athanor::token
