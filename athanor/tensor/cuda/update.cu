// Launches of update.h on a GPU. Compiles with nvcc alone, as kernels.cu.
#include <cuda_runtime.h>

#include "athanor/tensor/cuda/update.h"

namespace athanor::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kMostBlocks = 1024;  // of one parameter: each takes several elements
constexpr int kMostParameters = 65535;

unsigned blocks_for(int64_t count) {
  const int64_t blocks = (count + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks);
}

template <class State>
__global__ void update_kernel(int rule, AthanorUpdate step, const AthanorParameter* parameters) {
  const AthanorParameter parameter = parameters[blockIdx.y];
  const int64_t stride = static_cast<int64_t>(gridDim.x) * kThreads;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < parameter.size; i += stride) {
    update_element<State>(rule, step, parameter, i);
  }
}

__global__ void round_kernel(int64_t count, uint64_t index, uint64_t rounding, const float* from, uint16_t* to) {
  const int64_t stride = static_cast<int64_t>(gridDim.x) * kThreads;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += stride) {
    put_state(to, i, from[i], random_bits(index, i, rounding));
  }
}

}  // namespace
}  // namespace athanor::cuda

using namespace athanor::cuda;

extern "C" {

int athanor_cuda_update(void* stream, int rule, int state_dtype, int num_parameters, const AthanorParameter* parameters,
                        int64_t largest, const AthanorUpdate* step) {
  if (num_parameters < 1 || num_parameters > kMostParameters || largest < 0) {
    return static_cast<int>(cudaErrorInvalidValue);
  }
  if (largest == 0) {
    return 0;
  }
  const dim3 grid(blocks_for(largest), static_cast<unsigned>(num_parameters));
  const auto queue = static_cast<cudaStream_t>(stream);
  if (state_dtype == ATHANOR_BF16) {
    update_kernel<uint16_t><<<grid, kThreads, 0, queue>>>(rule, *step, parameters);
  } else {
    update_kernel<float><<<grid, kThreads, 0, queue>>>(rule, *step, parameters);
  }
  return static_cast<int>(cudaGetLastError());
}

int athanor_cuda_round_by_chance(void* stream, int64_t count, uint64_t index, uint64_t rounding, const float* from, void* to) {
  if (count > 0) {
    round_kernel<<<blocks_for(count), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(count, index, rounding, from,
                                                                                        static_cast<uint16_t*>(to));
  }
  return static_cast<int>(cudaGetLastError());
}

}  // extern "C"
