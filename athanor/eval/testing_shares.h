// For tests: a shared validation of several processes, one after another in this one.
#pragma once

#include <functional>
#include <vector>

#include "athanor/eval/eval_share.h"

namespace athanor {

// What rank 0 of `world` gets from evaluate(share), once each rank has filled in its numbers.
template <class Result>
Result evaluate_as_ranks(int world, const std::function<Result(const EvalShare&)>& evaluate) {
  std::vector<double> total;
  for (int rank = 0; rank < world; ++rank) {
    evaluate({rank, world, [&](const std::vector<double>& values) {
                total.resize(values.size(), 0);
                for (size_t i = 0; i < values.size(); ++i) {
                  total[i] += values[i];
                }
                return values;
              }});
  }
  return evaluate({0, world, [&](const std::vector<double>&) { return total; }});
}

}  // namespace athanor
