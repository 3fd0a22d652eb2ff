// How well a language model expects each of some documents, one by one: for `predict`'s columns.
//
//   const auto scores = score_documents(model, ids, tokenizer.end_of_text(), {.sequence_length = 256});
//   std::exp(scores[0].nll / scores[0].num_tokens);  // perplexity
//
// A document is cut into windows of T targets that do not overlap; a token sees what stands before it in its own window.
// The first token is predicted from end_of_text; without one it is not scored. What follows the text is not scored, so
// the score of a text does not depend on its neighbours (but for rounding in the last bits: a row's products may be
// grouped otherwise in a batch of another size).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "athanor/model/language_model.h"

namespace athanor {

struct DocumentScoreOptions {
  int64_t sequence_length = 256;  // T; at most the model's max_positions
  int64_t batch_size = 16;        // windows a forward pass
};

struct DocumentScore {
  double nll = 0;  // sum over num_tokens, nats
  uint64_t num_tokens = 0;
};

// One score a document. Ids must be the model's; end_of_text may be -1. Leaves the model in evaluation mode. Throws
// Error(kUsage) for a window that the model cannot hold, Error(kInput) for an id outside its vocabulary.
std::vector<DocumentScore> score_documents(LanguageModel& model, std::span<const std::vector<int32_t>> documents,
                                           int32_t end_of_text, const DocumentScoreOptions& options);

}  // namespace athanor
