// Byte-pair encoding over characters (SentencePiece's BPE, Llama 2, Gemma; subword-nmt and GPT with "</w>"): unknown
// characters become the tokens of their bytes (byte_fallback), the unknown token, or nothing. Ids equal those of HF
// tokenizers.
#pragma once

#include "athanor/token/model/model.h"

namespace athanor::token {

// byte_level: pieces are bytes; they are spelt as GPT-2 spells them first.
std::unique_ptr<TokenModel> make_bpe_chars(const Field& model, bool byte_level, Vocabulary& vocabulary);

}  // namespace athanor::token
