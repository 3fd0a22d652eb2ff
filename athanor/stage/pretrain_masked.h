// pretrain for encoders: masked language modelling, with next-sentence pairs or without. Part of the torch unit.
#pragma once

#include <nlohmann/json.hpp>

#include "athanor/data/tokens/token_set.h"
#include "athanor/run/verb.h"
#include "athanor/stage/pretrain.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

// As execute_pretrain gives it. valid may be null.
nlohmann::json pretrain_masked(StageContext& context, const PretrainOptions& options, const Tokenizer& tokenizer,
                               const TokenSet& train, const TokenSet* valid);

}  // namespace athanor
