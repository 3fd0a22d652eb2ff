// WordLevel: a piece is a token of the vocabulary, or the unknown token.
#pragma once

#include "athanor/token/model/model.h"

namespace athanor::token {

std::unique_ptr<TokenModel> make_word_level(const Field& model, bool byte_level, Vocabulary& vocabulary);

}  // namespace athanor::token
