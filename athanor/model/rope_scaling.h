// Rotary frequencies stretched to longer contexts, as transformers' modeling_rope_utils computes them in fp32.
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/model/config.h"

namespace athanor {

// One for each pair of features of a head: theta^(-2i/D), divided by factor where scaling says (RopeScaling).
std::vector<float> scaled_rope_frequencies(int64_t head_dim, double theta, const RopeScaling& scaling);
// What queries and keys grow by when they are turned: YaRN's 0.1 ln(factor) + 1, or what the scaling says; else 1.
double rope_amplitude(const RopeScaling& scaling);

}  // namespace athanor
