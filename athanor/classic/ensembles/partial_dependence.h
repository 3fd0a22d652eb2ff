// What a model says on average when one or two features are set to given values (Friedman 2001):
// any model.
//
//   const PartialDependence curve = partial_dependence(model, x, {3}, {}, pool);
//   curve.grid[0][i], curve.mean.at(i, output)
#pragma once

#include <vector>

#include "athanor/classic/models/model.h"

namespace athanor {

struct PartialDependenceOptions {
  uint64_t points = 40;  // a feature; all distinct values where they are fewer
  double low = 0.05;     // quantiles between which the points lie
  double high = 0.95;
  uint64_t max_rows = 1000;  // a sample of more
  uint64_t seed = 0;
};

struct PartialDependence {
  std::vector<std::vector<double>> grid;  // a feature: its values, ascending
  Matrix mean;  // a row a point (the last feature changes fastest), a column an output
};

// columns: one or two. Error(kUsage) for another number, or one that is not there; Error(kInput)
// for a column without values.
PartialDependence partial_dependence(const ClassicModel& model, const Matrix& x,
                                     const std::vector<uint64_t>& columns,
                                     const PartialDependenceOptions& options, ThreadPool& pool);

}  // namespace athanor
