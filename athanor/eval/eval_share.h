// A validation that several processes share: each computes some of its batches, whole ones, so that every batch is the one
// that a single process would compute. Each number is filled in by one process and 0 elsewhere; their sum gives all of them
// the same bits as one process has.
//
//   std::vector<double> losses(num_batches, 0);
//   for (b ...) { if (share.mine(b)) { losses[b] = ...; } }
//   share.add_up(losses);
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace athanor {

struct EvalShare {
  int rank = 0;
  int world = 1;
  std::function<std::vector<double>(const std::vector<double>&)> sum;  // by element, over the processes; all of them call it

  bool mine(uint64_t batch) const { return batch % static_cast<uint64_t>(world) == static_cast<uint64_t>(rank); }
  void add_up(std::vector<double>& values) const {
    if (world > 1) {
      values = sum(values);
    }
  }
};

}  // namespace athanor
