#include "athanor/train/throughput.h"

#include <ATen/ops/ones.h>

#include <algorithm>
#include <chrono>

#include "athanor/tensor/autograd.h"
#include "athanor/tensor/device/device.h"
#include "athanor/tensor/gemm.h"

namespace athanor {

double measure_gemm_peak(Precision precision, double seconds, at::Device device) {
  using Clock = std::chrono::steady_clock;
  const int64_t size = device.is_cpu() ? 1024 : 8192;  // a GPU wants more to be busy
  const NoGrad no_grad;
  const at::Tensor a = at::ones({size, size}, at::TensorOptions(scalar_type(precision)).device(device));
  const at::Tensor b = at::ones({size, size}, a.options());
  const auto product = [&] {
    linear(a, b);
    if (!device.is_cpu()) {
      gpu_unit().synchronise(device.index());
    }
  };
  product();  // warms threads and caches
  const double flops = 2.0 * static_cast<double>(size * size * size);
  double best = 0;
  const auto start = Clock::now();
  do {
    const auto begin = Clock::now();
    product();
    best = std::max(best, flops / std::chrono::duration<double>(Clock::now() - begin).count());
  } while (std::chrono::duration<double>(Clock::now() - start).count() < seconds);
  return best;
}

}  // namespace athanor
