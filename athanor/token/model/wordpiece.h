// WordPiece (Schuster and Nakajima 2012, as in BERT): the longest token that begins a word, then again and again the
// longest with the prefix "##" that begins what is left; a word that cannot be covered, or is too long, is one
// unknown token. In one pass over the bytes, by failure links (Song et al. 2021, LinMaxMatch). Ids equal those of HF
// tokenizers.
#pragma once

#include "athanor/token/model/model.h"

namespace athanor::token {

std::unique_ptr<TokenModel> make_word_piece(const Field& model, bool byte_level, Vocabulary& vocabulary);

}  // namespace athanor::token
