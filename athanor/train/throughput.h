// How fast this machine can go, and how fast training goes by comparison.
#pragma once

#include <cstdint>

#include <c10/core/Device.h>

#include "athanor/tensor/dtype.h"

namespace athanor {

// The best rate of a matrix product of 1024^3 (on a GPU: 8192^3) in this precision, FLOP/s, by the routine that linear layers
// use, on the threads in use.
// Takes about `seconds`.
double measure_gemm_peak(Precision precision, double seconds = 0.3, at::Device device = at::kCPU);

}  // namespace athanor
