#include "athanor/train/throughput.h"

#include <ATen/ops/ones.h>

#include <algorithm>
#include <chrono>

#include "athanor/tensor/autograd.h"
#include "athanor/tensor/gemm.h"

namespace athanor {

double measure_gemm_peak(Precision precision, double seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr int64_t kSize = 1024;
  const NoGrad no_grad;
  const at::Tensor a = at::ones({kSize, kSize}, scalar_type(precision));
  const at::Tensor b = at::ones({kSize, kSize}, scalar_type(precision));
  linear(a, b);  // warms threads and caches
  const double flops = 2.0 * kSize * kSize * kSize;
  double best = 0;
  const auto start = Clock::now();
  do {
    const auto begin = Clock::now();
    linear(a, b);
    best = std::max(best, flops / std::chrono::duration<double>(Clock::now() - begin).count());
  } while (std::chrono::duration<double>(Clock::now() - start).count() < seconds);
  return best;
}

}  // namespace athanor
