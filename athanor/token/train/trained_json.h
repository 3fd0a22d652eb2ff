// The frame of a trained tokenizer.json that the trainers share.
#pragma once

#include <string>
#include <vector>

#include "athanor/token/train/piece_source.h"

namespace athanor::token {

// "<0x0A>"
std::string byte_token(int byte);

// Error(kUsage) when a special token is no text, given twice, or shorter than least_characters.
void check_special_tokens(const std::vector<std::string>& special_tokens, size_t least_characters);

// The frame of source with special tokens as "added_tokens" with the ids 0, 1, ...
Json trained_frame(const PieceSource& source, const std::vector<std::string>& special_tokens);

// "Metaspace"'s decoder, with byte tokens put together before it.
Json metaspace_decoder(bool byte_fallback);

}  // namespace athanor::token
