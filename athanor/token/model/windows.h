// BPE of a long piece by windows, with no tables but the merges: each window is merged by itself, begins at a token's end
// inside the one before it, and takes over where both have the same token in the same place. A window like the one
// before it costs a comparison, so runs and repetitions of any length are nearly free.
//
// Why that is exact: as in backtrack.h, the ids of a text are the one sequence of tokens of which any two neighbours,
// encoded together, come out as the same two. Two neighbours in the result have stood side by side in some window.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "athanor/token/model/backtrack.h"
#include "athanor/token/model/model.h"

namespace athanor::token {

// Whether all merges that make the parts of a merge come before it: enough for the proof.
bool merges_in_order(std::span<const Merge> merges, int32_t num_ids);

struct WindowRules {
  size_t window_bytes;                    // some times the longest token
  std::span<const uint16_t> token_bytes;  // by id
  // Appends the ids of a window.
  std::function<void(std::string_view, std::vector<int32_t>&)> encode;
};

// Appends the ids of piece. False, and nothing appended, when two windows do not meet, or when more than `allowance`
// bytes were merged; takes what was merged off the allowance.
bool encode_by_windows(std::string_view piece, const WindowRules& rules, size_t& allowance, Workspace& work,
                       std::vector<int32_t>& ids);

}  // namespace athanor::token
