// What the tests on a GPU share: its memory, numbers, and the comparison of an array that it made with the host's.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "athanor/tensor/cuda/half.h"
#include "athanor/tensor/cuda/kernels.h"
#include "athanor/tensor/cuda/rows.h"

namespace testing_cuda {

struct OneLane {
  ATHANOR_DEVICE int index() const { return 0; }
  ATHANOR_DEVICE int count() const { return 1; }
  ATHANOR_DEVICE void meet() const {}
  ATHANOR_DEVICE float sum(float x) const { return x; }
  ATHANOR_DEVICE float max(float x) const { return x; }
};

// A storage type of activations: its code, and what one rounding to it may differ by, where a last bit of fp32 differs.
template <class T>
struct Storage;
template <>
struct Storage<float> {
  static constexpr int kCode = ATHANOR_FP32;
  static constexpr const char* kName = "fp32";
  static constexpr double kRounding = 0;
};
template <>
struct Storage<__nv_bfloat16> {
  static constexpr int kCode = ATHANOR_BF16;
  static constexpr const char* kName = "bf16";
  static constexpr double kRounding = 0x1p-7;
};
template <>
struct Storage<__half> {
  static constexpr int kCode = ATHANOR_FP16;
  static constexpr const char* kName = "fp16";
  static constexpr double kRounding = 0x1p-10;
};

inline void check(cudaError_t code, const char* what) {
  if (code != cudaSuccess) {
    std::printf("%s: %s\n", what, cudaGetErrorString(code));
    std::exit(1);
  }
}

// Of a kernel's launch.
inline void check(int code, const char* what) { check(static_cast<cudaError_t>(code), what); }

// An array on the GPU. One that is only to be written begins as NaN, whatever the type.
template <class T>
class Device {
 public:
  explicit Device(size_t count) : count_(count) {
    check(cudaMalloc(&data_, count * sizeof(T)), "cudaMalloc");
    check(cudaMemset(data_, 0xff, count * sizeof(T)), "cudaMemset");
  }
  explicit Device(const std::vector<T>& host) : Device(host.size()) {
    check(cudaMemcpy(data_, host.data(), count_ * sizeof(T), cudaMemcpyHostToDevice), "copy to the GPU");
  }
  ~Device() { cudaFree(data_); }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  T* get() const { return data_; }
  std::vector<T> host() const {
    std::vector<T> out(count_);
    check(cudaMemcpy(out.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost), "copy from the GPU");
    return out;
  }

 private:
  T* data_ = nullptr;
  size_t count_;
};

template <class T = float>
std::vector<T> numbers(size_t count, uint64_t seed) {
  using athanor::cuda::from_float;
  std::vector<T> out(count);
  for (size_t i = 0; i < count; ++i) {
    from_float(static_cast<float>(static_cast<double>(athanor::cuda::mix64(seed * 1000003 + i) >> 11) * 0x1p-53 * 4 - 2), &out[i]);
  }
  return out;
}

inline bool all_near = true;

// Each element within the bound and a rounding to T, so that a NaN is near nothing.
template <class T>
void compare(const char* what, const std::vector<T>& got, const std::vector<T>& wanted, double bound) {
  using athanor::cuda::to_float;
  double worst = 0;
  size_t wrong = got.size() == wanted.size() ? 0 : 1;
  for (size_t i = 0; i < wanted.size() && i < got.size(); ++i) {
    const double want = to_float(wanted[i]);
    const double apart = std::fabs(static_cast<double>(to_float(got[i])) - want);
    wrong += apart <= bound + Storage<T>::kRounding * std::fabs(want) ? 0 : 1;
    worst = apart > worst ? apart : worst;
  }
  all_near = all_near && wrong == 0;
  std::printf("%-5s %-24s %.3g (bound %.3g)", Storage<T>::kName, what, worst, bound);
  wrong == 0 ? std::printf("\n") : std::printf("  FAILED: %zu of %zu elements\n", wrong, wanted.size());
}

// optimisers.cu
void optimisers();

}  // namespace testing_cuda
