// Has LibTorch's operators take the kernels that give the same bits each time, for a while.
#pragma once

#include <ATen/Context.h>

namespace athanor::device {

// The flash kernels' gradient adds in any order unless LibTorch is told otherwise. What else that word switches on is not
// wanted here: filling fresh memory before it is written.
class SameBits {
 public:
  SameBits()
      : deterministic_(context().deterministicAlgorithms()),
        warn_only_(context().deterministicAlgorithmsWarnOnly()),
        fill_(context().deterministicFillUninitializedMemory()) {
    context().setDeterministicAlgorithms(true, false);
    context().setDeterministicFillUninitializedMemory(false);
  }
  ~SameBits() {
    context().setDeterministicAlgorithms(deterministic_, warn_only_);
    context().setDeterministicFillUninitializedMemory(fill_);
  }
  SameBits(const SameBits&) = delete;
  SameBits& operator=(const SameBits&) = delete;

 private:
  static at::Context& context() { return at::globalContext(); }

  bool deterministic_, warn_only_, fill_;
};

}  // namespace athanor::device
