// The GPU unit's table (device/unit.h): compiled in the gpu preset alone, against LibTorch's CUDA half.
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdio>

#include "athanor/tensor/cuda/graph_gpu.h"
#include "athanor/tensor/cuda/group_gpu.h"
#include "athanor/tensor/device/unit.h"

namespace athanor {
namespace {

int num_devices() { return c10::cuda::device_count(); }  // 0 where the driver or a device is missing

bool properties(int device, GpuProperties* out) {
  cudaDeviceProp found{};
  if (cudaGetDeviceProperties(&found, device) != cudaSuccess) {
    return false;
  }
  *out = {};
  std::snprintf(out->name, sizeof out->name, "%s", found.name);
  out->major = found.major;
  out->minor = found.minor;
  out->num_processors = found.multiProcessorCount;
  size_t free_bytes = 0;
  size_t total_bytes = 0;
  int before = 0;
  bool good = cudaGetDevice(&before) == cudaSuccess && cudaSetDevice(device) == cudaSuccess;
  good = good && cudaMemGetInfo(&free_bytes, &total_bytes) == cudaSuccess;
  good = c10::cuda::MaybeSetDevice(static_cast<c10::DeviceIndex>(before)) == cudaSuccess && good;  // touches none that was not
  out->free_bytes = free_bytes;
  out->total_bytes = total_bytes;
  return good;
}

bool memory(int device, GpuMemory* out) {
  if (device >= num_devices()) {
    return false;
  }
  using c10::CachingAllocator::StatType;
  const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(static_cast<c10::DeviceIndex>(device));
  const auto all = static_cast<size_t>(StatType::AGGREGATE);
  const auto bytes = [](int64_t count) { return static_cast<uint64_t>(std::max<int64_t>(0, count)); };
  *out = {bytes(stats.allocated_bytes[all].current), bytes(stats.allocated_bytes[all].peak), bytes(stats.reserved_bytes[all].current)};
  return true;
}

void* stream(int device) { return c10::cuda::getCurrentCUDAStream(static_cast<c10::DeviceIndex>(device)).stream(); }

int synchronise(int device) {
  int before = 0;
  cudaGetDevice(&before);
  cudaSetDevice(device);
  const int code = cudaDeviceSynchronize();
  c10::cuda::MaybeSetDevice(static_cast<c10::DeviceIndex>(before));
  return code;
}

const char* error_text(int code) {
  return code == kGraphError ? graph_error_text() : cudaGetErrorString(static_cast<cudaError_t>(code));
}

GpuUnit make() {
  GpuUnit unit;
  unit.device_type = static_cast<int>(c10::DeviceType::CUDA);
  unit.num_devices = num_devices;
  unit.properties = properties;
  unit.memory = memory;
  unit.stream = stream;
  unit.synchronise = synchronise;
  unit.error_text = error_text;
  cudaDriverGetVersion(&unit.driver_version);
  cudaRuntimeGetVersion(&unit.runtime_version);
  add_graph_calls(unit);
  add_group_calls(unit);
  unit.norm = athanor_cuda_norm;
  unit.norm_partials = athanor_cuda_norm_partials;
  unit.norm_backward = athanor_cuda_norm_backward;
  unit.activation = athanor_cuda_activation;
  unit.activation_backward = athanor_cuda_activation_backward;
  unit.rope = athanor_cuda_rope;
  unit.cross_entropy = athanor_cuda_cross_entropy;
  unit.embedding_backward = athanor_cuda_embedding_backward;
  unit.dropout = athanor_cuda_dropout;
  unit.update = athanor_cuda_update;
  unit.round_by_chance = athanor_cuda_round_by_chance;
  unit.sum_of_squares = athanor_cuda_sum_of_squares;
  return unit;
}

}  // namespace
}  // namespace athanor

extern "C" __attribute__((visibility("default"))) const athanor::GpuUnit* athanor_gpu_unit() {
  static const athanor::GpuUnit unit = athanor::make();
  return &unit;
}
