// Bytes that are no text come in short pieces in which next to no bytes join: their ids are those of the bytes. What
// they would cost in the cache of pieces (never to be asked for again) and in wrongly guessed branches is several times
// as much. So: bits that say which neighbours may join, for many pieces at once, and a look at the merges only there.
#pragma once

#include <string_view>
#include <vector>

#include "athanor/token/model/model.h"

namespace athanor::token {

inline constexpr size_t kShortPieceBytes = 768;  // at most, at a time

// Appends the ids of the pieces of text, `count` of them, that end at ends[i] - origin; the model has byte joins. False,
// and nothing done, when bytes join as often as in text. scratch: for the ids of a few bytes.
bool encode_short_pieces(const TokenModel& model, std::string_view text, size_t origin, const size_t* ends, size_t count,
                         Workspace& work, std::vector<int32_t>& scratch, std::vector<int32_t>& ids);

}  // namespace athanor::token
