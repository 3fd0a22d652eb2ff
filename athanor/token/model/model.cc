#include "athanor/token/model/model.h"

#include <cstdio>

#include "athanor/token/model/bpe.h"
#include "athanor/token/model/bpe_chars.h"
#include "athanor/token/model/unigram.h"
#include "athanor/token/model/word_level.h"
#include "athanor/token/model/wordpiece.h"

namespace athanor::token {

namespace {

bool has_affix(const Field& model) {
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const std::optional<Field> text = model.find(name);
    if (text && !text->string().empty()) {
      return true;
    }
  }
  return false;
}

std::unique_ptr<TokenModel> make_any_bpe(const Field& model, bool byte_level, Vocabulary& vocabulary) {
  return byte_level && !has_affix(model) ? make_bpe(model, byte_level, vocabulary)
                                         : make_bpe_chars(model, byte_level, vocabulary);
}

constexpr ModelKind kModels[] = {
    {"BPE", "byte-pair encoding over bytes (GPT-2, Llama 3, Qwen) or characters (Llama 2, Gemma)", &make_any_bpe},
    {"WordPiece", "longest match, with ## inside a word (BERT)", &make_word_piece},
    {"Unigram", "the most probable way to write a piece (T5, XLM-R, SentencePiece)", &make_unigram},
    {"WordLevel", "one id a piece: with the char split, a character-level tokenizer", &make_word_level},
};

}  // namespace

void TokenModel::encode_sampled(std::string_view piece, const Sampling&, Rng&, Workspace& work,
                                std::vector<int32_t>& ids) const {
  encode(piece, work, ids);
}

bool TokenModel::visit_joined(const std::function<void(std::string_view)>&) const { return false; }

std::span<const ModelKind> model_kinds() { return kModels; }

std::vector<int32_t> byte_tokens(const Vocabulary& vocabulary) {
  std::vector<int32_t> ids(256);
  for (int byte = 0; byte < 256; ++byte) {
    char token[8];
    std::snprintf(token, sizeof(token), "<0x%02X>", byte);
    ids[byte] = vocabulary.find(token).value_or(-1);
  }
  return ids;
}

std::unique_ptr<TokenModel> make_model(const Field& model, bool byte_level, Vocabulary& vocabulary) {
  const std::optional<Field> type = model.find("type");
  const std::string name = type                                          ? type->string()
                           : model.find("merges")                        ? "BPE"
                           : model.find("continuing_subword_prefix")     ? "WordPiece"
                           : model.find("unk_token")                     ? "WordLevel"
                           : model.find("vocab") && model.at("vocab").value().is_array() ? "Unigram"
                                                                         : "";
  std::string known;
  for (const ModelKind& kind : kModels) {
    if (name == kind.type) {
      return kind.make(model, byte_level, vocabulary);
    }
    known += std::string(known.empty() ? "" : ", ") + kind.type;
  }
  if (!type) {
    model.at("type").string();  // says that it is missing, or null
  }
  model.at("type").fail("is " + json_string(name) + ", which is not supported", "supported: " + known);
}

}  // namespace athanor::token
