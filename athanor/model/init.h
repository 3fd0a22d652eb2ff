// Initial weights. Each number is a function of (seed, parameter name, index): the same for any thread count, and a
// parameter keeps its numbers when others are added.
#pragma once

#include <cstdint>

#include "athanor/model/config.h"
#include "athanor/model/nn/module.h"

namespace athanor {

// Norm weights 1 (0 where the norm adds 1), biases 0, token, type and position tables N(0, init_std). Matrices by config.init: "normal" N(0, init_std),
// those that write to the residual stream divided by sqrt(2 num_layers) (GPT-2); "xavier_uniform" U(+-sqrt(6 / (in +
// out))); "xavier_normal" N(0, 2 / (in + out)); "kaiming" N(0, 2 / in).
void initialise(Module& model, const ModelConfig& config, uint64_t seed);

// N(0, std) and U(+-bound) into a contiguous fp32 tensor: number i is a function of (key, i).
void fill_normal(at::Tensor& tensor, double std, uint64_t key);
void fill_uniform(at::Tensor& tensor, double bound, uint64_t key);

}  // namespace athanor
