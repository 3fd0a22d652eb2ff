// A GPU for tests on machines that have none. Its tensors belong to a device type that LibTorch has no kernels for (HPU); their
// memory cannot be touched by the host except inside a copy, an operator or one of our kernels, as a real GPU's cannot: host
// code that reads or writes such a tensor's memory dies of SIGSEGV. LibTorch's operators run on the host by copies; our own
// kernels run the bodies of cuda/rows.h, row by row.
//
// Include it in one file of a test program, and call use_any_gpu() or use_fake_gpu().
#pragma once

#include <ATen/EmptyTensor.h>
#include <ATen/detail/HPUHooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>
#include <sys/mman.h>
#include <torch/library.h>

#include <cstring>
#include <map>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace athanor::cuda {
// Before rows.h, so that its templates find them.
inline float to_float(c10::BFloat16 x) { return x; }
inline float to_float(c10::Half x) { return x; }
inline void from_float(float x, c10::BFloat16* out) { *out = x; }
inline void from_float(float x, c10::Half* out) { *out = x; }
}  // namespace athanor::cuda

#include "athanor/tensor/cuda/rows.h"
#include "athanor/tensor/device/device.h"

namespace athanor::fake_gpu {

inline const at::Device kDevice{at::kHPU, 0};

// All memory of the device: one range, closed to the host outside of an Open.
class Memory {
 public:
  static Memory& the() {
    static auto* const memory = new Memory();  // tensors may outlive main
    return *memory;
  }
  void* take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    const size_t size = (bytes + 255) / 256 * 256;
    auto& spare = spare_[size];
    if (!spare.empty()) {
      void* const place = spare.back();
      spare.pop_back();
      return place;
    }
    if (used_ + size > kBytes) {
      throw std::runtime_error("the fake GPU is out of memory");
    }
    used_ += size;
    return base_ + used_ - size;
  }
  void give(void* place, size_t bytes) {
    const std::lock_guard lock(mutex_);
    spare_[(bytes + 255) / 256 * 256].push_back(place);
  }
  void open() {
    const std::lock_guard lock(mutex_);
    if (opened_++ == 0) {
      mprotect(base_, kBytes, PROT_READ | PROT_WRITE);
    }
  }
  void close() {
    const std::lock_guard lock(mutex_);
    if (--opened_ == 0) {
      mprotect(base_, kBytes, PROT_NONE);
    }
  }

 private:
  static constexpr size_t kBytes = size_t{1} << 31;
  Memory() : base_(static_cast<char*>(mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {}

  std::mutex mutex_;
  char* base_;
  size_t used_ = 0;
  int opened_ = 0;
  std::map<size_t, std::vector<void*>> spare_;
};

struct Open {
  Open() { Memory::the().open(); }
  ~Open() { Memory::the().close(); }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
};

struct Block {
  void* place;
  size_t bytes;
};

struct Allocator final : at::Allocator {
  at::DataPtr allocate(size_t bytes) override {
    auto* const block = new Block{Memory::the().take(bytes), bytes};
    return {block->place, block, &release, kDevice};
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
constexpr c10::DispatchKeySet kKeys(c10::DispatchKey::HPU);

inline at::Tensor empty(c10::IntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                        std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, &allocator, kKeys, c10::dtype_or_default(dtype), format);
}

inline at::Tensor empty_strided(c10::IntArrayRef size, c10::IntArrayRef stride, std::optional<at::ScalarType> dtype,
                                std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(size, stride, &allocator, kKeys, c10::dtype_or_default(dtype));
}

// The same memory as the host sees it, while it is open.
inline at::Tensor as_host(const at::Tensor& tensor) {
  if (tensor.is_cpu()) {
    return tensor;
  }
  return at::from_blob(const_cast<void*>(tensor.const_data_ptr()), tensor.sizes(), tensor.strides(),
                       at::TensorOptions().dtype(tensor.scalar_type()));
}

inline at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  if (to.numel() > 0) {
    const Open open;
    as_host(to).copy_(as_host(from));
  }
  return to;
}

inline const at::Tensor& resize(const at::Tensor& tensor, c10::IntArrayRef size, std::optional<at::MemoryFormat>) {
  if (tensor.sizes() != size) {
    const at::Tensor fresh = empty(size, tensor.scalar_type(), {}, {}, {}, {});
    const_cast<at::Tensor&>(tensor).set_(fresh.storage(), 0, fresh.sizes(), fresh.strides());
  }
  return tensor;
}

inline at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  return copy_from(from, resize(to, from.sizes(), {}), false);
}

inline void by_host(const c10::OperatorHandle& op, torch::jit::Stack* stack) { at::native::cpu_fallback(op, stack); }

// One device, one stream, everything done when it is asked for: an event has always happened.
struct Guard final : c10::impl::NoOpDeviceGuardImpl<c10::DeviceType::HPU> {
  c10::Device getDevice() const override { return kDevice; }
  c10::Device exchangeDevice(c10::Device) const override { return kDevice; }
  c10::Stream getStream(c10::Device) const noexcept override { return stream(); }
  c10::Stream getNewStream(c10::Device, int) const override { return stream(); }
  c10::Stream exchangeStream(c10::Stream) const noexcept override { return stream(); }
  static c10::Stream stream() { return c10::Stream(c10::Stream::DEFAULT, kDevice); }
  void record(void**, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, c10::DeviceIndex) const noexcept override {}
  void synchronizeStream(const c10::Stream&) const override {}
  void recordDataPtrOnStream(const c10::DataPtr&, const c10::Stream&) const override {}
};

// ---- the unit ---------------------------------------------------------------------------------------------------------

struct OneLane {
  int index() const { return 0; }
  int count() const { return 1; }
  void meet() const {}
  float sum(float x) const { return x; }
  float max(float x) const { return x; }
};

template <class Fn>
int with_type(int dtype, Fn fn) {
  const Open open;
  if (dtype == ATHANOR_BF16) {
    fn(static_cast<c10::BFloat16*>(nullptr));
  } else if (dtype == ATHANOR_FP16) {
    fn(static_cast<c10::Half*>(nullptr));
  } else {
    fn(static_cast<float*>(nullptr));
  }
  return 0;
}

template <class T>
T* row(T* begin, int64_t at) {
  return begin == nullptr ? nullptr : begin + at;
}

inline int norm(void*, int64_t rows, int64_t features, float eps, int centred, float offset, const float* x,
                const float* residual, float* residual_out, const float* weight, const float* bias, int dtype, void* y,
                float* mean, float* rstd) {
  return with_type(dtype, [&](auto* type) {
    auto* const out = static_cast<decltype(type)>(y);
    for (int64_t n = 0; n < rows; ++n) {
      const int64_t at = n * features;
      cuda::norm_row(OneLane{}, cuda::NormShape{features, eps, centred != 0, offset}, x + at, row(residual, at),
                     row(residual_out, at), weight, bias, out + at, row(mean, n), rstd + n);
    }
  });
}

inline int64_t norm_partials(int64_t) { return 1; }

inline int norm_backward(void*, int64_t rows, int64_t features, int centred, float offset, int dtype, const void* dy,
                         const float* x, const float* weight, const float* mean, const float* rstd, const float* residual,
                         float* dx, float* dweight, float* dbias, float*) {
  return with_type(dtype, [&](auto* type) {
    const auto* const grad = static_cast<const std::remove_pointer_t<decltype(type)>*>(dy);
    for (int64_t n = 0; n < rows; ++n) {
      const int64_t at = n * features;
      cuda::norm_backward_row(OneLane{}, cuda::NormShape{features, 0.0f, centred != 0, offset}, grad + at, x + at,
                              mean == nullptr ? 0.0f : mean[n], rstd[n], weight, row(residual, at), dx + at);
    }
    for (int64_t c = 0; c < features; ++c) {
      cuda::norm_backward_weight(c, features, int64_t{0}, rows, grad, x, mean, rstd, dweight + c, row(dbias, c));
    }
  });
}

inline int activation(void*, int kind, int64_t rows, int64_t inner, int dtype, const void* u, const float* bias, void* y) {
  return with_type(dtype, [&](auto* type) {
    const auto gate = static_cast<cuda::Gate>(kind);
    const int64_t width = cuda::is_gated(gate) ? 2 * inner : inner;
    for (int64_t i = 0; i < rows * inner; ++i) {
      cuda::activation_element(gate, i % inner, inner, static_cast<decltype(type)>(const_cast<void*>(u)) + i / inner * width,
                               bias, static_cast<decltype(type)>(y) + i / inner * inner);
    }
  });
}

inline int activation_backward(void*, int kind, int64_t rows, int64_t inner, int dtype, const void* dy, const void* u,
                               const float* bias, void* du, void* y) {
  return with_type(dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const auto gate = static_cast<cuda::Gate>(kind);
    const int64_t width = cuda::is_gated(gate) ? 2 * inner : inner;
    for (int64_t i = 0; i < rows * inner; ++i) {
      const int64_t n = i / inner;
      cuda::activation_backward_element(gate, i % inner, inner, static_cast<const T*>(dy) + n * inner,
                                        static_cast<const T*>(u) + n * width, bias, static_cast<T*>(du) + n * width,
                                        row(static_cast<T*>(y), n * inner));
    }
  });
}

inline int rope(void*, int64_t rows, int64_t width, int64_t heads, int64_t head_dim, const float* cosine, const float* sine,
                const int64_t* position, int inverse, int dtype, void* x) {
  return with_type(dtype, [&](auto* type) {
    const int64_t half = head_dim / 2;
    for (int64_t i = 0; i < rows * heads * half; ++i) {
      const int64_t n = i / (heads * half);
      const int64_t at = position[n] * half;
      cuda::rope_element(i % half, half, cosine + at, sine + at, inverse != 0,
                         static_cast<decltype(type)>(x) + n * width + i / half % heads * head_dim);
    }
  });
}

inline int cross_entropy(void*, int64_t rows, int64_t vocab, const int64_t* target, float smoothing, float scale, int gradient,
                         int dtype, void* logits, float* loss) {
  return with_type(dtype, [&](auto* type) {
    for (int64_t n = 0; n < rows; ++n) {
      cuda::cross_entropy_row(OneLane{}, vocab, target[n], smoothing, scale, gradient != 0,
                              static_cast<decltype(type)>(logits) + n * vocab, loss + n);
    }
  });
}

inline int embedding_backward(void*, int64_t vocab, int64_t features, const int64_t* order, const int64_t* first, int dtype,
                              const void* dy, float* dtable) {
  return with_type(dtype, [&](auto* type) {
    for (int64_t v = 0; v < vocab; ++v) {
      for (int64_t c = 0; first[v] < first[v + 1] && c < features; ++c) {
        cuda::embedding_backward_element(c, features, order, first[v], first[v + 1],
                                         static_cast<decltype(type)>(const_cast<void*>(dy)), dtable + v * features);
      }
    }
  });
}

inline int dropout(void*, int64_t count, uint64_t key, uint32_t threshold, float scale, int dtype, const void* x,
                   const float* residual, float* sum_out, void* out) {
  return with_type(dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    for (int64_t i = 0; i < count; ++i) {
      cuda::dropout_element(i, key, threshold, scale, static_cast<const T*>(x), residual, sum_out, static_cast<T*>(out));
    }
  });
}

inline int adamw(void*, int num_tensors, float* const* weights, const float* const* grads, float* const* m, float* const* v,
                 const int64_t* sizes, int64_t, const float* c) {
  const Open open;
  for (int t = 0; t < num_tensors; ++t) {
    for (int64_t i = 0; i < sizes[t]; ++i) {
      cuda::adamw_element({c[0], c[1], c[2], c[3], c[4], c[5], c[6]}, i, weights[t], grads[t], m[t], v[t]);
    }
  }
  return 0;
}

inline int sum_of_squares(void*, int64_t count, const float* values, float*, float* out) {
  const Open open;
  double total = 0;
  for (int64_t i = 0; i < count; ++i) {
    total += static_cast<double>(values[i]) * values[i];
  }
  *out = static_cast<float>(total);
  return 0;
}

inline const GpuUnit& unit() {
  static const GpuUnit made = [] {
    GpuUnit u;
    u.device_type = static_cast<int>(kDevice.type());
    u.num_devices = [] { return 1; };
    u.properties = [](int, GpuProperties* out) {
      *out = {"a GPU of the tests", 9, 0, 1, uint64_t{1} << 31, uint64_t{1} << 31};
      return true;
    };
    u.memory = [](int, GpuMemory* out) {
      *out = {};
      return true;
    };
    u.stream = [](int) { return static_cast<void*>(nullptr); };
    u.synchronise = [](int) { return 0; };
    u.error_text = [](int) { return "no error"; };
    u.norm = norm;
    u.norm_partials = norm_partials;
    u.norm_backward = norm_backward;
    u.activation = activation;
    u.activation_backward = activation_backward;
    u.rope = rope;
    u.cross_entropy = cross_entropy;
    u.embedding_backward = embedding_backward;
    u.dropout = dropout;
    u.adamw = adamw;
    u.sum_of_squares = sum_of_squares;
    return u;
  }();
  return made;
}

}  // namespace athanor::fake_gpu

namespace athanor {
inline void use_fake_gpu() { set_gpu_unit(&fake_gpu::unit()); }

// The machine's own GPU where the gpu preset was built and there is one, else the one of the tests.
inline at::Device use_any_gpu() {
  set_gpu_unit(nullptr);
  const at::Device real = open_device("auto");
  if (!real.is_cpu()) {
    return real;
  }
  use_fake_gpu();
  return fake_gpu::kDevice;
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
  DeviceIndex deviceCount() const override { return 1; }
  DeviceIndex getCurrentDevice() const override { return 0; }
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
  m.impl("resize_", &athanor::fake_gpu::resize);
  m.impl("_copy_from", &athanor::fake_gpu::copy_from);
  m.impl("_copy_from_and_resize", &athanor::fake_gpu::copy_from_and_resize);
}
TORCH_LIBRARY_IMPL(_, HPU, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&athanor::fake_gpu::by_host>()); }
