// How a vocabulary was spelt in an older one: what a model's embeddings need when its tokenizer is extended, pruned or
// replaced.
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/token/tokenizer.h"

namespace athanor {

// For each id of `fresh` the ids of `old` that stand for the same: one where the token was there before, else the pieces
// that old cuts the token's text into, or nothing (new special tokens, holes). Special tokens are met by their spelling.
//
//   map_vocabulary(gpt2, extended)[50257]  // " photosynthesis" -> {" phot", "os", "ynthesis"}
std::vector<std::vector<int32_t>> map_vocabulary(const Tokenizer& old, const Tokenizer& fresh);

}  // namespace athanor
