// BertPreTokenizer as a Scan: words and single punctuation characters. White space, which HF drops, stays at the front
// of the piece that follows it, so that pieces cover the text; SpacedModel takes it off.
#pragma once

#include "athanor/token/model/model.h"
#include "athanor/token/split/split.h"

namespace athanor::token {

size_t bert_scan(std::string_view text, size_t begin, size_t* ends, size_t max);

// A model that does not see the white space at the front of its pieces; a piece of nothing else has no ids.
class SpacedModel : public TokenModel {
 public:
  explicit SpacedModel(const TokenModel& model) : model_(model) {}  // model outlives it
  void encode(std::string_view piece, Workspace& work, std::vector<int32_t>& ids) const override;
  void encode_spans(std::string_view piece, Workspace& work, std::vector<int32_t>& ids,
                    std::vector<Span>& spans) const override;

 private:
  const TokenModel& model_;
};

}  // namespace athanor::token
