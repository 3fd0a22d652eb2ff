// The GPU unit: a library of its own (libathanor_cuda.so, the gpu preset) that holds our kernels and links LibTorch's CUDA
// half. The program opens it when a run asks for a GPU, so that one program serves machines with and without. This is what
// it gives: plain functions, as cuda/kernels.h declares them, and what must be asked of the GPU's driver.
#pragma once

#include <cstdint>

#include "athanor/tensor/cuda/kernels.h"

namespace athanor {

constexpr int64_t kGpuUnitVersion = 3;  // of this table; another one is refused

constexpr int kGpuGroupIdBytes = 128;
// What group_state gives beside 0 and errors.
constexpr int kGpuRunning = -1;   // the group's stream still works
constexpr int kGpuStarting = -2;  // the last call is not on the stream yet: no other may be made

struct GpuProperties {
  char name[256];
  int major;  // compute capability
  int minor;
  int num_processors;
  uint64_t total_bytes;
  uint64_t free_bytes;
};

struct GpuMemory {
  uint64_t allocated_bytes;  // in tensors now
  uint64_t peak_bytes;       // at most so far
  uint64_t reserved_bytes;   // held from the driver
};

struct GpuUnit {
  int64_t version = kGpuUnitVersion;
  int device_type = 1;  // c10::DeviceType of its tensors: CUDA's

  int (*num_devices)() = nullptr;
  // False: there is no such device.
  bool (*properties)(int device, GpuProperties* out) = nullptr;
  bool (*memory)(int device, GpuMemory* out) = nullptr;
  // The stream that LibTorch's own operators run on now.
  void* (*stream)(int device) = nullptr;
  // Waits for all work of the device.
  int (*synchronise)(int device) = nullptr;
  const char* (*error_text)(int code) = nullptr;
  // CUDA graphs (graph.h). From graph_begin to graph_end, by the same thread, what is given to the device is captured, whatever
  // thread gives it. before: a graph of the device whose spare memory this one may take; null: none. Codes: 0, or one for
  // error_text. After an error of graph_begin there is no graph; after one of graph_end it is there to be freed. Either way the
  // stream is the one it was, and the device takes work.
  int (*graph_begin)(int device, void* before, void** graph) = nullptr;
  int (*graph_end)(void* graph) = nullptr;
  int (*graph_replay)(void* graph) = nullptr;  // on the device's stream
  void (*graph_free)(void* graph) = nullptr;
  int driver_version = 0;   // 13000: CUDA 13.0
  int runtime_version = 0;

  // Collectives among processes that have one GPU each (NCCL). All ranks make the same calls in the same order, none of which
  // waits: the group has a stream of its own, where a call comes after those before it and after all that `stream`, the
  // device's, had been given. Sums are in no given order of ranks. Codes: 0, or one for group_error_text.
  int (*group_id)(char* id) = nullptr;  // kGpuGroupIdBytes, made by one rank for all
  // Comes back before the others came. The group is there to be closed even after an error, unless it is null.
  int (*group_open)(int device, int rank, int world, const char* id, void** group) = nullptr;
  int (*group_all_reduce)(void* group, void* stream, float* data, int64_t count) = nullptr;
  // parts: world + 1 places in data, of floats. This rank is left with the sum of its part, whatever with the others'.
  int (*group_reduce_scatter)(void* group, void* stream, float* data, const int64_t* parts) = nullptr;
  // parts: likewise, of bytes. Each rank gives its part.
  int (*group_all_gather)(void* group, void* stream, void* data, const int64_t* parts) = nullptr;
  int (*group_broadcast)(void* group, void* stream, void* data, int64_t bytes, int from) = nullptr;
  // 0: all calls are done; kGpuRunning, kGpuStarting; else what failed. Never waits.
  int (*group_state)(void* group) = nullptr;
  // aborting: what still runs ends at once, whatever the other ranks do. Else after all calls are done.
  void (*group_close)(void* group, bool aborting) = nullptr;
  const char* (*group_error_text)(int code) = nullptr;
  int group_version = 0;  // 23007: NCCL 2.30.7

  decltype(&athanor_cuda_norm) norm = nullptr;
  decltype(&athanor_cuda_norm_partials) norm_partials = nullptr;
  decltype(&athanor_cuda_norm_backward) norm_backward = nullptr;
  decltype(&athanor_cuda_activation) activation = nullptr;
  decltype(&athanor_cuda_activation_backward) activation_backward = nullptr;
  decltype(&athanor_cuda_rope) rope = nullptr;
  decltype(&athanor_cuda_cross_entropy) cross_entropy = nullptr;
  decltype(&athanor_cuda_embedding_backward) embedding_backward = nullptr;
  decltype(&athanor_cuda_dropout) dropout = nullptr;
  decltype(&athanor_cuda_update) update = nullptr;
  decltype(&athanor_cuda_round_by_chance) round_by_chance = nullptr;
  decltype(&athanor_cuda_sum_of_squares) sum_of_squares = nullptr;
};

}  // namespace athanor

// The one name the unit exports; never null.
extern "C" const athanor::GpuUnit* athanor_gpu_unit();
