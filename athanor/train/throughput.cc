#include "athanor/train/throughput.h"

#include <ATen/ops/ones.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <limits>
#include <string>

#include "athanor/tensor/autograd.h"
#include "athanor/tensor/gemm.h"

namespace athanor {

namespace {

uint64_t status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  std::string name;
  while (status >> name) {
    if (name == field) {
      uint64_t kib = 0;
      status >> kib;
      return kib * 1024;
    }
    status.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

}  // namespace

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

uint64_t peak_resident_bytes() { return status_bytes("VmHWM:"); }
uint64_t resident_bytes() { return status_bytes("VmRSS:"); }

}  // namespace athanor
