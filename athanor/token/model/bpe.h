// Byte-pair encoding (Sennrich, Haddow, Birch 2016) over bytes: again and again the pair with the lowest rank, the
// leftmost of equals, becomes one symbol. Ids equal those of HF tokenizers.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "athanor/token/model/backtrack.h"
#include "athanor/token/model/model.h"

namespace athanor::token {

// The two tokens of an entry of "merges": ["a", "b"], or "a b" in older files. Error(kInput) for anything else.
std::pair<std::string, std::string> read_merge_tokens(const Field& field);

// All of "merges", by rank. Error(kInput) for what is none, or needs a token that is not in the vocabulary.
std::vector<Merge> read_merges(const Field& list, const Vocabulary& vocabulary);

std::unique_ptr<TokenModel> make_bpe(const Field& model, bool byte_level, Vocabulary& vocabulary);

}  // namespace athanor::token
