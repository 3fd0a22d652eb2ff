// Where tensors live and compute: the host, or a GPU.
//
//   const at::Device device = open_device("auto");
//   move_to(device, tensors);
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <string_view>
#include <vector>

#include "athanor/tensor/device/unit.h"

namespace athanor {

// "cpu"; "cuda" (this process's GPU: the first, or with set_local_rank that of its number), "cuda:1"; "auto": as "cuda" where
// it can be used, else the host. The GPU unit and LibTorch's CUDA half are opened on the first call that wants them. Throws
// Error(kUsage) for another word, and for "cuda:1" where several processes would share it; Error(kResource) that says what is
// missing: the unit, its libraries, the driver, a device of that number, a GPU for each process. Before the process's first
// backward pass: LibTorch's autograd knows no device that came later. An opened GPU computes fp32 in fp32, cuDNN the same bits
// each time.
at::Device open_device(std::string_view name);

// Which of the processes of one launch on this machine this is, and of how many.
void set_local_rank(int rank, int world);

// The opened unit. Error(kInternal) where there is none.
const GpuUnit& gpu_unit();
// For tests: what takes its place.
void set_gpu_unit(const GpuUnit* unit);

// Moves each tensor to the device in place: every handle of it sees the new memory, and tensors that shared memory share
// it still. Gradients are dropped.
void move_to(at::Device device, const std::vector<at::Tensor>& tensors);

// The bytes of a contiguous tensor to the host's memory, and from there, wherever it lies.
void copy_bytes_out(const at::Tensor& tensor, void* to);
void copy_bytes_in(const void* from, const at::Tensor& tensor);

}  // namespace athanor
