// Calls of the GPU unit's kernels.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>

#include <string>

#include "athanor/base/error.h"
#include "athanor/tensor/device/device.h"

namespace athanor::device {

inline int dtype_code(at::ScalarType type) {
  return type == at::kBFloat16 ? ATHANOR_BF16 : type == at::kHalf ? ATHANOR_FP16 : ATHANOR_FP32;
}

inline int number_of(const at::Tensor& tensor) { return tensor.device().has_index() ? tensor.device().index() : 0; }

inline const float* floats(const at::Tensor& tensor) { return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr; }
inline float* floats_out(const at::Tensor& tensor) { return tensor.defined() ? tensor.mutable_data_ptr<float>() : nullptr; }

// kernel(stream, arguments...) on the stream of the device that `on` lies on, which is made the current one: LibTorch's
// default stream is no device's own. Error(kResource) when it does not start.
template <class Kernel, class... Arguments>
void launch(const char* name, Kernel kernel, const at::Tensor& on, Arguments... arguments) {
  const GpuUnit& unit = gpu_unit();
  const c10::DeviceGuard guard(on.device());
  const int code = kernel(unit.stream(number_of(on)), arguments...);
  if (code != 0) {
    throw Error(ErrorKind::kResource, std::string("the GPU did not run ") + name + ": " + unit.error_text(code), "device",
                "see nvidia-smi; the run goes on from its last checkpoint");
  }
}

}  // namespace athanor::device
