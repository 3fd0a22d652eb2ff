// Unigram (Kudo 2018): of all ways to write a piece with tokens, the one whose log-probabilities add up to the most
// (Viterbi). Characters that no token covers cost 10 less than the worst token, and runs of them become one unknown
// token, or, with byte_fallback, the tokens of their bytes. Scores are doubles and, of equal paths, the one found
// first wins (the last token that begins earliest), both as in HF tokenizers; SentencePiece adds in float.
#pragma once

#include "athanor/token/model/model.h"

namespace athanor::token {

std::unique_ptr<TokenModel> make_unigram(const Field& model, bool byte_level, Vocabulary& vocabulary);

}  // namespace athanor::token
