#pragma once

#include "athanor/run/verb.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

// The tokenizer into the run's out/, as a Hugging Face folder has it: with the special tokens' names and the chat template
// of the `tokenizer` input, or of the `model` input where that one has them.
void store_tokenizer(const StageContext& context, const Tokenizer& tokenizer);

}  // namespace athanor
