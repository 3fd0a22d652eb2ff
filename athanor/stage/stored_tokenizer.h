#pragma once

#include <string>

#include "athanor/run/verb.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

// The tokenizer into the run's out/, as a Hugging Face folder has it: with the special tokens' names and the chat template
// of the `tokenizer` input, or of the `model` input where that one has them.
void store_tokenizer(const StageContext& context, const Tokenizer& tokenizer);

// The same for an encoder, which sees each text framed by two tokens (ids): where the tokenizer's own file does not say so, it
// is written into it, so that transformers frames texts as they were in training. family: "bert" ([CLS] a [SEP] b [SEP]) or
// "roberta" (<s> a </s></s> b </s>). The model stands in out/ already: model_max_length is at most its positions, so that
// transformers cuts longer texts instead of failing in the model.
void store_encoder_tokenizer(const StageContext& context, const Tokenizer& tokenizer, const std::string& family, int32_t begin,
                             int32_t separator);

}  // namespace athanor
