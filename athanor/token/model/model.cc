#include "athanor/token/model/model.h"

#include "athanor/token/model/bpe.h"
#include "athanor/token/model/word_level.h"

namespace athanor::token {

namespace {

constexpr ModelKind kModels[] = {
    {"BPE", "byte-level byte-pair encoding (GPT-2, Llama 3, Qwen)", &make_bpe},
    {"WordLevel", "one id a piece: with the char split, a character-level tokenizer", &make_word_level},
};

}  // namespace

std::span<const ModelKind> model_kinds() { return kModels; }

std::unique_ptr<TokenModel> make_model(const Field& model, bool byte_level, Vocabulary& vocabulary) {
  const std::optional<Field> type = model.find("type");
  const std::string name = type ? type->string() : model.find("merges") ? "BPE" : "";
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
