// What masked language modelling must know of a tokenizer. Part of the torch unit.
#pragma once

#include "athanor/token/tokenizer.h"
#include "athanor/train/loading/masked_rows.h"

namespace athanor {

// The special tokens by their usual names ([CLS] or <s>, ...; -1 where there is none), and which tokens go on with the word
// before them: "##ing" of WordPiece, and in vocabularies that keep the space with the word, what begins with a letter or
// digit of an alphabet. A Chinese character always begins a word.
MaskedVocabulary masked_vocabulary(const Tokenizer& tokenizer);

}  // namespace athanor
