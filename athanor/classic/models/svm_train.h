// Fits the machines: those by margin and one-class ones by smo.h, nu machines by libsvm. The one file pair that sees libsvm.
#pragma once

#include "athanor/classic/models/svm.h"

namespace athanor::classic {

struct SvmFit {
  std::vector<uint64_t> supports;      // rows of x, those of the first class first
  std::vector<double> coefficients;    // (classes - 1) x supports as libsvm lays them out; numbers and anomaly: 1 x supports
  std::vector<double> offsets;         // rho a pair of classes: 0-1, 0-2, .., 1-2, ..
  std::vector<int64_t> class_supports;  // how many belong to each class; empty for numbers and anomaly
};

// classes: 0 .. num_classes - 1 (empty for the rest), ascending: rows sorted by class. values: numbers. class_weights: one a
// class. gamma is resolved already. Throws what context.progress throws.
SvmFit svm_fit(const SvmOptions& options, double gamma, const Matrix& x, std::span<const int32_t> classes,
               std::span<const double> values, std::span<const double> class_weights, Task task, FitContext& context);

}  // namespace athanor::classic
