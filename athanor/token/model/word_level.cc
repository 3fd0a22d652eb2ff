#include "athanor/token/model/word_level.h"

namespace athanor::token {

namespace {

class WordLevel : public TokenModel {
 public:
  WordLevel(const Vocabulary& vocabulary, int32_t unknown) : vocabulary_(vocabulary), unknown_(unknown) {}

  void encode(std::string_view piece, Workspace&, std::vector<int32_t>& ids) const override {
    ids.push_back(vocabulary_.find(piece).value_or(unknown_));
  }

  void encode_spans(std::string_view piece, Workspace& work, std::vector<int32_t>& ids,
                    std::vector<Span>& spans) const override {
    encode(piece, work, ids);
    spans.push_back({0, static_cast<uint32_t>(piece.size())});
  }

 private:
  const Vocabulary& vocabulary_;  // the tokenizer's, which outlives its model
  int32_t unknown_;
};

}  // namespace

std::unique_ptr<TokenModel> make_word_level(const Field& model, bool byte_level, Vocabulary& vocabulary) {
  if (byte_level) {
    model.at("type").fail("is \"WordLevel\", which does not go with a ByteLevel pre_tokenizer");
  }
  vocabulary.read(model.at("vocab"));
  const Field unknown = model.at("unk_token");
  const std::optional<int32_t> id = vocabulary.find(unknown.string());
  if (!id) {
    unknown.fail("is not in the vocabulary");
  }
  return std::make_unique<WordLevel>(vocabulary, *id);
}

}  // namespace athanor::token
