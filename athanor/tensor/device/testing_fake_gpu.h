// A GPU for tests on machines that have none. Its tensors belong to a device type that LibTorch has no kernels for (HPU); their
// memory cannot be touched by the host except inside a copy, an operator or one of our kernels, as a real GPU's cannot: host
// code that reads or writes such a tensor's memory dies of SIGSEGV. LibTorch's operators run on the host by copies; our own
// kernels run the bodies of cuda/rows.h, row by row.
//
// Include it in one file of a test program; all call use_any_gpu(), use_own_gpu() or use_fake_gpu() (testing_gpu.h).
#pragma once

#include <ATen/EmptyTensor.h>
#include <ATen/detail/HPUHooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/native_batch_norm.h>
#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <array>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "athanor/tensor/device/device.h"
#include "athanor/tensor/device/testing_fake_graph.h"
#include "athanor/tensor/device/testing_fake_group.h"
#include "athanor/tensor/device/testing_fake_kernels.h"
#include "athanor/tensor/device/testing_gpu.h"

namespace athanor::fake_gpu {

inline const at::Device kDevice{at::kHPU, 0};
constexpr int kMostDevices = 4;
inline int num_devices = 1;                  // that open_device finds
inline thread_local c10::DeviceIndex current = 0;  // each thread's, as CUDA has it

// Makes another device the current one for a while.
class Current {
 public:
  explicit Current(std::optional<at::Device> device) : before_(current) {
    current = device && device->has_index() ? device->index() : current;
  }
  ~Current() { current = before_; }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;

 private:
  c10::DeviceIndex before_;
};

struct Block {
  void* place;
  size_t bytes;
};

struct Allocator final : at::Allocator {
  at::DataPtr allocate(size_t bytes) override {
    auto* const block = new Block{Memory::the().take(bytes), bytes};
    return {block->place, block, &release, at::Device(at::kHPU, current)};
  }
  static void release(void* given) {
    auto* const block = static_cast<Block*>(given);
    Memory::the().give(block->place, block->bytes);
    delete block;
  }
  void copy_data(void* to, const void* from, size_t count) const override {
    const Open open;
    std::memcpy(to, from, count);
  }
};

inline Allocator allocator;

inline at::Tensor empty(c10::IntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                        std::optional<at::Device> device, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  const Current there(device);
  return at::detail::empty_generic(size, &allocator, kKeys, c10::dtype_or_default(dtype), format);
}

inline at::Tensor empty_strided(c10::IntArrayRef size, c10::IntArrayRef stride, std::optional<at::ScalarType> dtype,
                                std::optional<at::Layout>, std::optional<at::Device> device, std::optional<bool>) {
  const Current there(device);
  return at::detail::empty_strided_generic(size, stride, &allocator, kKeys, c10::dtype_or_default(dtype));
}

inline at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  if (to.numel() > 0) {
    note_copy(from, to);
    const Open open;
    as_host(to).copy_(as_host(from));
  }
  return to;
}

inline const at::Tensor& resize(const at::Tensor& tensor, c10::IntArrayRef size, std::optional<at::MemoryFormat>) {
  if (tensor.sizes() != size) {
    const at::Tensor fresh = empty(size, tensor.scalar_type(), {}, tensor.device(), {}, {});
    const_cast<at::Tensor&>(tensor).set_(fresh.storage(), 0, fresh.sizes(), fresh.strides());
  }
  return tensor;
}

inline at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  return copy_from(from, resize(to, from.sizes(), {}), false);
}

// A GPU's kernels read every argument as they read the first; the host's take fp32 weights with 16-bit activations, too.
inline void expect_type(const char* what, at::ScalarType type, std::initializer_list<std::optional<at::Tensor>> tensors) {
  for (const auto& tensor : tensors) {
    TORCH_CHECK(!tensor || !tensor->defined() || tensor->scalar_type() == type, what, ": expected scalar type ", type, " but found ",
                tensor->scalar_type());
  }
}

inline void by_host(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const Open open;  // once, not for each argument's copy: opening is what these tests spend their time on
  capturing() ? captured_operator(op, stack) : at::native::cpu_fallback(op, stack);
}

inline std::optional<at::Tensor> host_copy(const std::optional<at::Tensor>& tensor) {
  return tensor && tensor->defined() ? std::optional(tensor->to(at::kCPU)) : std::nullopt;
}

inline std::tuple<at::Tensor, at::Tensor, at::Tensor> layer_norm(const at::Tensor& x, c10::SymIntArrayRef sizes,
                                                                 const std::optional<at::Tensor>& weight,
                                                                 const std::optional<at::Tensor>& bias, double eps) {
  expect_type("a layer norm", x.scalar_type(), {weight, bias});
  const auto [y, mean, rstd] = at::native_layer_norm_symint(x.to(at::kCPU), sizes, host_copy(weight), host_copy(bias), eps);
  return {y.to(x.device()), mean.to(x.device()), rstd.to(x.device())};
}

// Convolutions are asked of a device by other names.
inline at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                              c10::SymIntArrayRef stride, c10::SymIntArrayRef padding, c10::SymIntArrayRef dilation,
                              bool transposed, c10::SymIntArrayRef output_padding, c10::SymInt groups) {
  expect_type("a convolution", x.scalar_type(), {weight, bias});
  return at::convolution_symint(x.to(at::kCPU), weight.to(at::kCPU), host_copy(bias), stride, padding, dilation, transposed,
                                output_padding, std::move(groups))
      .to(x.device());
}

inline std::tuple<at::Tensor, at::Tensor, at::Tensor> convolution_backward(
    const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight, c10::SymIntArrayRef stride,
    c10::SymIntArrayRef padding, c10::SymIntArrayRef dilation, bool transposed, c10::SymIntArrayRef output_padding,
    c10::SymInt groups, std::array<bool, 3> wanted) {
  const std::vector<c10::SymInt> bias_sizes{weight.sym_size(0)};
  const auto [dx, dw, db] = at::convolution_backward_symint(
      dy.to(at::kCPU), x.to(at::kCPU), weight.to(at::kCPU), wanted[2] ? at::OptionalSymIntArrayRef(bias_sizes) : std::nullopt,
      stride, padding, dilation, transposed, output_padding, std::move(groups), wanted);
  const auto there = [&](const at::Tensor& tensor) { return tensor.defined() ? tensor.to(x.device()) : tensor; };
  return {there(dx), there(dw), there(db)};
}

// Its schema does not say that it writes the running statistics, so that by_host would lose them.
inline std::tuple<at::Tensor, at::Tensor, at::Tensor> batch_norm(
    const at::Tensor& x, const std::optional<at::Tensor>& weight, const std::optional<at::Tensor>& bias,
    const std::optional<at::Tensor>& mean, const std::optional<at::Tensor>& variance, bool training, double momentum, double eps) {
  expect_type("batch_norm", at::kFloat, {weight, bias, mean, variance});  // with x of any type
  const auto host_mean = host_copy(mean);
  const auto host_variance = host_copy(variance);
  const auto [y, kept_mean, kept_deviation] =
      at::native_batch_norm(x.to(at::kCPU), host_copy(weight), host_copy(bias), host_mean, host_variance, training, momentum, eps);
  if (training && host_mean && host_variance) {
    mean->copy_(*host_mean);
    variance->copy_(*host_variance);
  }
  return {y.to(x.device()), kept_mean.to(x.device()), kept_deviation.to(x.device())};
}

// One stream a device, everything done when it is asked for: an event has always happened.
struct Guard final : c10::impl::NoOpDeviceGuardImpl<c10::DeviceType::HPU> {
  c10::DeviceIndex deviceCount() const noexcept override { return kMostDevices; }
  c10::Device getDevice() const override { return {at::kHPU, current}; }
  void setDevice(c10::Device device) const override { current = device.index(); }
  void uncheckedSetDevice(c10::Device device) const noexcept override { current = device.index(); }
  c10::Device exchangeDevice(c10::Device device) const override {
    return {at::kHPU, std::exchange(current, device.index())};
  }
  c10::Stream getStream(c10::Device device) const noexcept override { return stream(device); }
  c10::Stream getNewStream(c10::Device device, int) const override { return stream(device); }
  c10::Stream exchangeStream(c10::Stream given) const noexcept override { return stream(given.device()); }
  static c10::Stream stream(c10::Device device) { return c10::Stream(c10::Stream::DEFAULT, device); }
  void record(void**, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, c10::DeviceIndex) const noexcept override {}
  void synchronizeStream(const c10::Stream&) const override {}
  void recordDataPtrOnStream(const c10::DataPtr&, const c10::Stream&) const override {}
};

inline const GpuUnit& unit() {
  static const GpuUnit made = [] {
    GpuUnit u;
    u.device_type = static_cast<int>(kDevice.type());
    u.num_devices = [] { return num_devices; };
    u.properties = [](int, GpuProperties* out) {
      *out = {"a GPU of the tests", 9, 0, 1, uint64_t{1} << 31, uint64_t{1} << 31};
      return true;
    };
    u.memory = [](int, GpuMemory* out) {
      *out = {};
      return true;
    };
    u.stream = [](int device) {
      if (device != current) {
        throw std::runtime_error("work for GPU " + std::to_string(device) + " is begun while another is current");
      }
      return static_cast<void*>(nullptr);
    };
    u.synchronise = [](int) { return capturing() ? spoil("a wait for the device") : 0; };
    u.error_text = graph_error_text;
    add_group_calls(u);
    add_graph_calls(u);
    u.norm = Captured<&norm>::run;
    u.norm_partials = norm_partials;
    u.norm_backward = Captured<&norm_backward>::run;
    u.activation = Captured<&activation>::run;
    u.activation_backward = Captured<&activation_backward>::run;
    u.rope = Captured<&rope>::run;
    u.cross_entropy = Captured<&cross_entropy>::run;
    u.embedding_backward = Captured<&embedding_backward>::run;
    u.dropout = Captured<&dropout>::run;
    u.update = [](auto... arguments) { return capturing() ? spoil("an update") : update(arguments...); };
    u.round_by_chance = Captured<&round_by_chance>::run;
    u.sum_of_squares = Captured<&sum_of_squares>::run;
    return u;
  }();
  return made;
}

}  // namespace athanor::fake_gpu

namespace athanor {

void use_fake_gpu(int num_devices) {
  fake_gpu::num_devices = num_devices;
  set_gpu_unit(&fake_gpu::unit());
}

at::Device use_any_gpu() {
  set_gpu_unit(nullptr);
  const at::Device real = open_device("auto");
  if (!real.is_cpu()) {
    return real;
  }
  use_fake_gpu();
  return fake_gpu::kDevice;
}

at::Device use_own_gpu(const Launch& launch) {
  set_local_rank(launch.local_rank, launch.local_world);
  set_gpu_unit(nullptr);
  const at::Device real = open_device("auto");
  if (!real.is_cpu()) {
    return real;
  }
  use_fake_gpu(launch.local_world);
  return open_device("cuda");
}

}  // namespace athanor

namespace at {
// Autograd asks the device type's hooks before it runs there.
struct FakeGpuHooks final : HPUHooksInterface {
  explicit FakeGpuHooks(HPUHooksArgs) {}
  void init() const override {}
  bool hasHPU() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  DeviceIndex deviceCount() const override { return athanor::fake_gpu::kMostDevices; }
  DeviceIndex getCurrentDevice() const override { return athanor::fake_gpu::current; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
};
C10_REGISTER_CLASS(HPUHooksRegistry, HPUHooks, FakeGpuHooks)  // the name it is looked up by
}  // namespace at

C10_REGISTER_GUARD_IMPL(HPU, athanor::fake_gpu::Guard);

TORCH_LIBRARY_IMPL(aten, HPU, m) {
  m.impl("empty.memory_format", &athanor::fake_gpu::empty);
  m.impl("empty_strided", &athanor::fake_gpu::empty_strided);
  m.impl("as_strided", &at::native::as_strided_tensorimpl);
  m.impl("view", &at::native::view);
  m.impl("_reshape_alias", &at::native::_reshape_alias);
  m.impl("set_.source_Storage_storage_offset", &at::native::set_storage_cpu_);
  m.impl("convolution_overrideable", &athanor::fake_gpu::convolution);
  m.impl("convolution_backward_overrideable", &athanor::fake_gpu::convolution_backward);
  m.impl("native_batch_norm", &athanor::fake_gpu::batch_norm);
  m.impl("native_layer_norm", &athanor::fake_gpu::layer_norm);
  m.impl("resize_", &athanor::fake_gpu::resize);
  m.impl("_copy_from", &athanor::fake_gpu::copy_from);
  m.impl("_copy_from_and_resize", &athanor::fake_gpu::copy_from_and_resize);
}
TORCH_LIBRARY_IMPL(_, HPU, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&athanor::fake_gpu::by_host>()); }
