// A core of linear decision values: two classes have one output, more have one each, learnt against the rest and in
// parallel. What differs is how one output is learnt.
#pragma once

#include "athanor/classic/models/class_core.h"
#include "athanor/classic/models/linear_weights.h"

namespace athanor::classic {

// Fills w (columns) and the intercept from rows whose sign is +1 (the class) or -1. progress may be called from any
// thread and may throw. Gives what to tell a person who would think that it converged; empty where it did.
using LearnOutput = std::function<std::string(const Matrix& x, std::span<const double> signs, const ClassRows& rows,
                                              uint64_t seed, const std::function<void(double)>& progress, std::span<double> w,
                                              double& intercept)>;
MakeCore decision_cores(LearnOutput learn);

}  // namespace athanor::classic
