// Rotary frequencies stretched to longer contexts, as transformers' modeling_rope_utils computes them in fp32.
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/model/config.h"

namespace athanor {

// One for each pair of features of a head: theta^(-2i/D), divided by factor where scaling says (RopeScaling).
std::vector<float> scaled_rope_frequencies(int64_t head_dim, double theta, const RopeScaling& scaling);

}  // namespace athanor
