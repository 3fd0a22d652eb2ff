// Memory that the host cannot touch, and the bodies of cuda/rows.h run over it, row by row, behind the functions of
// cuda/kernels.h: the half of testing_fake_gpu.h that knows nothing of LibTorch's devices.
#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>
#include <sys/mman.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>
#include <type_traits>
#include <vector>

namespace athanor::cuda {
// Before rows.h, so that its templates find them.
inline float to_float(c10::BFloat16 x) { return x; }
inline float to_float(c10::Half x) { return x; }
inline void from_float(float x, c10::BFloat16* out) { *out = x; }
inline void from_float(float x, c10::Half* out) { *out = x; }
}  // namespace athanor::cuda

#include "athanor/tensor/cuda/rows.h"
#include "athanor/tensor/cuda/update.h"

namespace athanor::fake_gpu {

// All memory of the device: one range, closed to the host outside of an Open.
class Memory {
 public:
  static Memory& the() {
    static auto* const memory = new Memory();  // tensors may outlive main
    return *memory;
  }
  void* take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    const size_t size = rounded(bytes);
    void* const place = spare_or_new(taking_ == nullptr ? general_ : *taking_, size);
    if (taking_ != nullptr) {
      owners_[place] = taking_;
      taken_.push_back({place, size});
    }
    return place;
  }
  void give(void* place, size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto owner = owners_.find(place);
    (owner == owners_.end() ? general_ : *owner->second).spare[rounded(bytes)].push_back(place);
  }

  // What graphs took while they were captured: it comes back to them, and to all others when the last of them is gone.
  struct Pool {
    std::map<size_t, std::vector<void*>> spare;  // by size
  };
  struct Piece {
    void* place;
    size_t size;
  };
  // From now on memory is of this pool. end_taking gives what was taken since.
  void begin_taking(Pool* pool) {
    const std::lock_guard lock(mutex_);
    taking_ = pool;
    taken_.clear();
  }
  std::vector<Piece> end_taking() {
    const std::lock_guard lock(mutex_);
    taking_ = nullptr;
    return taken_;
  }
  void release(const Pool& pool) {
    const std::lock_guard lock(mutex_);
    for (const auto& [size, places] : pool.spare) {
      general_.spare[size].insert(general_.spare[size].end(), places.begin(), places.end());
    }
    std::erase_if(owners_, [&](const auto& entry) { return entry.second == &pool; });
  }

  // All that any tensor lies in, while the memory is open.
  std::vector<char> bytes() const { return {base_, base_ + used_}; }
  void set_bytes(const std::vector<char>& bytes) { std::copy(bytes.begin(), bytes.end(), base_); }
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
  static size_t rounded(size_t bytes) { return std::max<size_t>(256, (bytes + 255) / 256 * 256); }
  void* spare_or_new(Pool& own, size_t size) {
    for (Pool* const pool : {&own, &general_}) {
      auto& spare = pool->spare[size];
      if (!spare.empty()) {
        void* const place = spare.back();
        spare.pop_back();
        return place;
      }
    }
    if (used_ + size > kBytes) {
      throw std::runtime_error("the fake GPU is out of memory");
    }
    used_ += size;
    return base_ + used_ - size;
  }
  Memory() : base_(static_cast<char*>(mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {}

  std::mutex mutex_;
  char* base_;
  size_t used_ = 0;
  int opened_ = 0;
  Pool general_;
  Pool* taking_ = nullptr;
  std::vector<Piece> taken_;
  std::map<void*, Pool*> owners_;
};

struct Open {
  Open() { Memory::the().open(); }
  ~Open() { Memory::the().close(); }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
};

// ---- the kernels ------------------------------------------------------------------------------------------------------

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

inline int update(void*, int rule, int state_dtype, int num_parameters, const AthanorParameter* parameters, int64_t,
                  const AthanorUpdate* step) {
  const Open open;
  for (int p = 0; p < num_parameters; ++p) {
    for (int64_t i = 0; i < parameters[p].size; ++i) {
      state_dtype == ATHANOR_BF16 ? cuda::update_element<uint16_t>(rule, *step, parameters[p], i)
                                  : cuda::update_element<float>(rule, *step, parameters[p], i);
    }
  }
  return 0;
}

inline int round_by_chance(void*, int64_t count, uint64_t index, uint64_t rounding, const float* from, void* to) {
  const Open open;
  for (int64_t i = 0; i < count; ++i) {
    cuda::put_state(static_cast<uint16_t*>(to), i, from[i], cuda::random_bits(index, i, rounding));
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

}  // namespace athanor::fake_gpu
