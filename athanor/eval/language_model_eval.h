// Held-out loss of a language model on a token set: every token is scored exactly once.
//
//   const nlohmann::json report = evaluate_language_model(model, valid, {.sequence_length = 256});
//   report["loss"]["value"];            // nats a token
//   report["perplexity"]["value"];      // e^loss
//   report["bits_per_byte"]["value"];   // sum of NLL / (ln 2 * bytes): comparable between tokenizers
//
// The set is cut into windows of T targets that do not overlap; a token sees only what stands before it in its own
// window (and, with document_mask, in its own document), so a longer T gives a lower loss. Token 0 is predicted from
// end_of_text; where the set has none, it is not scored. end_of_text itself counts as a token to predict.
//
// The spread of the loss is the standard error of a ratio (sum of NLL over number of tokens) with whole documents
// as the independent units; a set of fewer than 8 documents uses windows instead, and "over" says which.
#pragma once

#include <cstdint>

#include <nlohmann/json.hpp>

#include "athanor/data/tokens/token_set.h"
#include "athanor/eval/eval_share.h"
#include "athanor/model/language_model.h"

namespace athanor {

struct LanguageModelEvalOptions {
  int64_t sequence_length = 256;
  int64_t batch_size = 16;     // windows a forward pass: speed and memory only
  int64_t max_windows = 0;     // 0 = all; else this many, evenly spaced over the set
  bool document_mask = true;   // as in training
};

struct LanguageModelScore {
  double nll = 0;              // sum, nats
  uint64_t num_tokens = 0;     // scored
  uint64_t num_windows = 0;
  double num_bytes = 0;        // of the text scored; an estimate when windows were left out
  bool whole_set = false;
  double standard_error = 0;   // of loss(); 0 when there are fewer than 2 units
  uint64_t num_units = 0;
  bool units_are_documents = false;

  double loss() const { return num_tokens == 0 ? 0 : nll / static_cast<double>(num_tokens); }
  double perplexity() const;
  double bits_per_byte() const;  // 0 when the set holds no bytes
};

// Leaves the model in evaluation mode. Throws Error(kInput) for a set with nothing to score, Error(kUsage) when
// the set's vocabulary is larger than the model's. share: of several processes; all get the score (the last bits of the
// standard error may depend on their number, for a document's windows are added up by process).
LanguageModelScore score_language_model(LanguageModel& model, const TokenSet& tokens,
                                        const LanguageModelEvalOptions& options, const EvalShare& share = {});

// The same as JSON: each number as {"value", "unit"}, with "standard_error" and "over" at the loss.
nlohmann::json evaluate_language_model(LanguageModel& model, const TokenSet& tokens,
                                       const LanguageModelEvalOptions& options);

}  // namespace athanor
