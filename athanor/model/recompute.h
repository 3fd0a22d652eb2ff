// How much of a layer the backward pass computes again. No LibTorch.
#pragma once

#include <string_view>

namespace athanor {

enum class Recompute {
  kNone,   // a layer keeps two residual streams, two normed inputs, q k v, the attended values, the inner product
  kMlp,    // the feed-forward block keeps its input only
  kBlock,  // a layer keeps its input only: about a third more work
};

// "none", "mlp" or "block", as recipes spell it.
constexpr Recompute recompute_of(std::string_view name) {
  return name == "block" ? Recompute::kBlock : name == "mlp" ? Recompute::kMlp : Recompute::kNone;
}

}  // namespace athanor
