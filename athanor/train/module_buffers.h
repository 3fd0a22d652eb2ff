// What forward passes change by themselves: batch norm's running mean and variance, the module's buffers.
//
//   buffers.keep();                        // before a step
//   buffers.share(parallel, had_rows);     // after its forward passes: the same on all ranks
//   buffers.put_back();                    // where the step's update is left out
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "athanor/train/parallel.h"

namespace athanor {

class ModuleBuffers {
 public:
  // The module's named_buffers(), where they lie during training.
  explicit ModuleBuffers(std::vector<std::pair<std::string, at::Tensor>> buffers) : buffers_(std::move(buffers)) {}

  void keep();
  void put_back();
  // Every rank gets the mean over those ranks that had rows in this step, summed in the order of the ranks. All call it.
  void share(Parallel& parallel, bool had_rows);

 private:
  std::vector<std::pair<std::string, at::Tensor>> buffers_;
  std::vector<at::Tensor> before_;
};

}  // namespace athanor
