// Choosing the next token. A pure function of (logits, options, position): the same seed gives the same text, with or
// without a cache, alone or in a batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace athanor {

struct SampleOptions {
  double temperature = 0.8;   // 0 = greedy: the most likely token, the lowest id on a tie
  int64_t top_k = 50;         // only the k most likely tokens; 0 = all
  double top_p = 1.0;         // only the fewest tokens whose probabilities reach p (Holtzman et al. 2020); in (0, 1]
  uint64_t seed = 0;
  int64_t max_tokens = 200;
  std::vector<int32_t> stop;  // ends the answer, and is not part of it; the model's own eos ids always do
};

// Error(kUsage) that names the field out of range.
void validate(const SampleOptions& options);

// position: how many tokens stand before the one to be chosen. logits: V values, no NaN (Error(kInternal)).
int32_t sample(std::span<const float> logits, const SampleOptions& options, uint64_t position);

}  // namespace athanor
