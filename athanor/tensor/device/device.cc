#include "athanor/tensor/device/device.h"

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/base/gpu.h"
#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

constexpr const char* kUnitFile = "libathanor_cuda.so";

const GpuUnit* opened = nullptr;
int local_rank = 0;
int local_world = 1;

// The unit lies beside the library that this function is in; the rooms that tests load lie one folder deeper.
fs::path unit_path() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&unit_path), &info) == 0 || info.dli_fname == nullptr) {
    return kUnitFile;
  }
  const fs::path folder = fs::absolute(info.dli_fname).parent_path();
  const fs::path above = folder.parent_path() / kUnitFile;
  return !fs::exists(folder / kUnitFile) && fs::exists(above) ? above : folder / kUnitFile;
}

Error missing(const std::string& what, const std::string& where) {
  return {ErrorKind::kResource, what, where, "build with scripts/setup --gpu and the gpu preset, or train on the host: device=cpu"};
}

const GpuUnit* open_unit() {
  const fs::path path = unit_path();
  if (!fs::exists(path)) {
    throw missing("this build has no GPU unit", path.string());
  }
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) {
    const char* const why = dlerror();
    throw missing(std::string("the GPU unit cannot be opened: ") + (why == nullptr ? "no reason given" : why), path.string());
  }
  using Give = decltype(&athanor_gpu_unit);
  const auto give = reinterpret_cast<Give>(dlsym(library, "athanor_gpu_unit"));
  const GpuUnit* const unit = give == nullptr ? nullptr : give();
  if (unit == nullptr || unit->version != kGpuUnitVersion) {
    throw missing("the GPU unit is of another build", path.string());
  }
  return unit;
}

// cuDNN's convolutions and recurrent layers: products of fp32 are fp32 (LibTorch's own choice is TF32, of 11 bits), and the same
// call gives the same bits (its own choice adds in any order, and may take the algorithm that was fastest this time).
void ask_for_exact_kernels() {
  at::Context& context = at::globalContext();
  context.setAllowTF32CuDNN(false);
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
}

std::string gpus(int count) { return std::to_string(count) + (count == 1 ? " GPU" : " GPUs"); }

at::Device open_gpu(int number) {
  if (opened == nullptr) {
    opened = open_unit();
  }
  const int count = opened->num_devices();
  if (count > 0 && count < local_world) {
    throw Error(ErrorKind::kResource, "this machine has " + gpus(count) + " for " + std::to_string(local_world) + " processes", "device",
                "start one process a GPU (torchrun --nproc-per-node=" + std::to_string(count) +
                    "); each must see all GPUs of its machine (CUDA_VISIBLE_DEVICES)");
  }
  if (number >= count) {
    throw Error(ErrorKind::kResource,
                count == 0 ? "there is no GPU that can be used" : "there is no GPU " + std::to_string(number) + ": there are " + std::to_string(count),
                "device", count == 0 ? "check the driver with nvidia-smi, or train on the host: device=cpu" : "use cuda:0");
  }
  ask_for_exact_kernels();
  return {static_cast<c10::DeviceType>(opened->device_type), static_cast<c10::DeviceIndex>(number)};
}

// The GPU that the recipe names by its number, or this process's own.
int own_number(std::string_view name, int number) {
  if (name.find(':') == std::string_view::npos) {
    return local_rank;
  }
  if (local_world > 1) {
    throw Error(ErrorKind::kUsage, std::to_string(local_world) + " processes of this machine would share the one GPU '" + std::string(name) + "'",
                "device", "device=cuda gives each process the GPU of its LOCAL_RANK");
  }
  return number;
}

}  // namespace

at::Device open_device(std::string_view name) {
  if (const auto number = gpu_number(name)) {
    return open_gpu(own_number(name, *number));
  }
  if (name != "auto") {
    return {at::kCPU};
  }
  try {
    return open_gpu(local_rank);
  } catch (const Error&) {
    return {at::kCPU};  // asked for what there is
  }
}

void set_local_rank(int rank, int world) {
  local_rank = rank;
  local_world = world;
}

const GpuUnit& gpu_unit() {
  if (opened == nullptr) {
    throw Error(ErrorKind::kInternal, "a tensor lies on a GPU and no GPU was opened");
  }
  return *opened;
}

void set_gpu_unit(const GpuUnit* unit) { opened = unit; }

void move_to(at::Device device, const std::vector<at::Tensor>& tensors) {
  const NoGrad no_grad;
  std::map<const void*, at::Tensor> moved;  // whole memories, by where they began
  for (at::Tensor tensor : tensors) {
    if (tensor.device() == device) {
      continue;
    }
    const at::Storage& storage = tensor.storage();
    at::Tensor& home = moved[storage.unsafeGetStorageImpl()];
    if (!home.defined()) {
      const auto count = static_cast<int64_t>(storage.nbytes() / tensor.element_size());
      const at::Tensor flat = at::empty({0}, tensor.options().requires_grad(false)).set_(storage, 0, {count}, {1});
      home = flat.to(device);
    }
    const at::Tensor there = at::empty({0}, home.options()).set_(home.storage(), tensor.storage_offset(), tensor.sizes(), tensor.strides());
    if (tensor.is_leaf()) {
      tensor.mutable_grad().reset();
    }
    tensor.set_data(there);
  }
}

void copy_bytes_out(const at::Tensor& tensor, void* to) {
  const NoGrad no_grad;
  at::from_blob(to, tensor.sizes(), at::TensorOptions(tensor.scalar_type())).copy_(tensor);
}

void copy_bytes_in(const void* from, const at::Tensor& tensor) {
  if (tensor.is_cpu()) {
    std::memcpy(tensor.mutable_data_ptr(), from, tensor.nbytes());
    return;
  }
  const NoGrad no_grad;
  const at::Tensor host = at::from_blob(const_cast<void*>(from), tensor.sizes(), at::TensorOptions(tensor.scalar_type()));
  tensor.detach().copy_(host);
}

}  // namespace athanor
