// Normalizers as a SentencePiece charsmap: what they do to each character, and to each sequence that they compose.
//
//   build_charsmap(read_normalizers(Field({{"type", "NFKC"}}, "normalizer", where)))   // "ﬁ" -> "fi", "e\u0301" -> "é"
//
// A charsmap replaces the longest beginning that it has and knows nothing of what stands before, so it is not the whole
// of Unicode's normal forms, no more than SentencePiece's own is. Left as they stand: marks in an order that is not
// canonical (but those of one composed character are covered in any order), a mark after a ligature, a mark that would
// compose over a dropped character.
#pragma once

#include <string>
#include <vector>

#include "athanor/token/pipeline/normalizer.h"

namespace athanor::token {

// The blob of precompiled_charsmap (pipeline/precompiled.h reads it). steps: of the types that is_character_step names.
std::string build_charsmap(const std::vector<NormalizerStep>& steps);

// Whether a normalizer changes characters and sequences of marks alone: NFC, NFD, NFKC, NFKD, Nmt, Lowercase, StripAccents.
bool is_character_step(const std::string& type);

}  // namespace athanor::token
