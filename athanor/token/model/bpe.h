// Byte-pair encoding (Sennrich, Haddow, Birch 2016) over bytes: again and again the pair with the lowest rank, the
// leftmost of equals, becomes one symbol. Ids equal those of HF tokenizers.
#pragma once

#include "athanor/token/model/model.h"

namespace athanor::token {

std::unique_ptr<TokenModel> make_bpe(const Field& model, bool byte_level, Vocabulary& vocabulary);

}  // namespace athanor::token
