// Launches of rows.h on a GPU. Compiles with nvcc alone:  nvcc -std=c++17 -I. -c athanor/tensor/cuda/kernels.cu
#include <cuda_runtime.h>

#include <type_traits>

#include "athanor/tensor/cuda/half.h"
#include "athanor/tensor/cuda/kernels.h"
#include "athanor/tensor/cuda/rows.h"

namespace athanor::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarp = 32;
constexpr int64_t kPartialRows = 128;  // rows that one partial sum of a norm's weight gradient takes
constexpr int kSquareBlocks = 1024;
constexpr int64_t kMaxBlocks = 2147483647;

// The threads of one block. Reductions go over a tree of fixed shape: the same bits on every run.
struct BlockLanes {
  __device__ int index() const { return static_cast<int>(threadIdx.x); }
  __device__ int count() const { return static_cast<int>(blockDim.x); }
  __device__ void meet() const { __syncthreads(); }
  __device__ float sum(float x) const {
    return reduce(x, [](float a, float b) { return a + b; }, 0.0f);
  }
  __device__ float max(float x) const {
    return reduce(x, [](float a, float b) { return fmaxf(a, b); }, -INFINITY);
  }

 private:
  template <class Op>
  __device__ float reduce(float x, Op op, float none) const {
    __shared__ float warps[kThreads / kWarp];
    for (int offset = kWarp / 2; offset > 0; offset /= 2) {
      x = op(x, __shfl_xor_sync(0xffffffffu, x, offset));
    }
    __syncthreads();  // the array may still be read by the reduction before
    if (threadIdx.x % kWarp == 0) {
      warps[threadIdx.x / kWarp] = x;
    }
    __syncthreads();
    float total = none;
    for (int i = 0; i < static_cast<int>(blockDim.x) / kWarp; ++i) {
      total = op(total, warps[i]);
    }
    return total;
  }
};

int last_error() { return static_cast<int>(cudaGetLastError()); }

cudaStream_t stream_of(void* stream) { return static_cast<cudaStream_t>(stream); }

int64_t blocks_for(int64_t count) { return (count + kThreads - 1) / kThreads; }

// Calls fn with a null pointer of the storage type, unless there is nothing to do or the grid would be too large.
template <class Fn>
int with_type(int dtype, int64_t blocks, Fn fn) {
  if (blocks == 0) {
    return 0;
  }
  if (blocks < 0 || blocks > kMaxBlocks) {
    return static_cast<int>(cudaErrorInvalidValue);
  }
  switch (dtype) {
    case ATHANOR_FP32:
      return fn(static_cast<float*>(nullptr));
    case ATHANOR_BF16:
      return fn(static_cast<__nv_bfloat16*>(nullptr));
    case ATHANOR_FP16:
      return fn(static_cast<__half*>(nullptr));
    default:
      return static_cast<int>(cudaErrorInvalidValue);
  }
}

template <class T>
__global__ void norm_kernel(NormShape shape, const float* x, const float* residual, float* residual_out,
                            const float* weight, const float* bias, T* y, float* mean_N, float* rstd_N) {
  const int64_t n = blockIdx.x;
  const int64_t at = n * shape.features;
  norm_row(BlockLanes{}, shape, x + at, residual == nullptr ? nullptr : residual + at,
           residual_out == nullptr ? nullptr : residual_out + at, weight, bias, y + at,
           mean_N == nullptr ? nullptr : mean_N + n, rstd_N + n);
}

template <class T>
__global__ void norm_backward_kernel(NormShape shape, const T* dy, const float* x, const float* weight,
                                     const float* mean_N, const float* rstd_N, const float* residual, float* dx) {
  const int64_t n = blockIdx.x;
  const int64_t at = n * shape.features;
  norm_backward_row(BlockLanes{}, shape, dy + at, x + at, mean_N == nullptr ? 0.0f : mean_N[n], rstd_N[n], weight,
                    residual == nullptr ? nullptr : residual + at, dx + at);
}

template <class T>
__global__ void norm_weight_kernel(int64_t rows, int64_t features, const T* dy, const float* x, const float* mean_N,
                                   const float* rstd_N, float* partial) {
  const int64_t feature = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (feature >= features) {
    return;
  }
  const int64_t part = blockIdx.y;
  const int64_t end = (part + 1) * kPartialRows < rows ? (part + 1) * kPartialRows : rows;
  float* const out = partial + part * 2 * features;
  norm_backward_weight(feature, features, part * kPartialRows, end, dy, x, mean_N, rstd_N, out + feature,
                       out + features + feature);
}

__global__ void add_partials_kernel(int64_t parts, int64_t features, const float* partial, float* dweight, float* dbias) {
  const int64_t feature = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (feature >= features) {
    return;
  }
  float weight = 0;
  float bias = 0;
  for (int64_t part = 0; part < parts; ++part) {
    weight += partial[part * 2 * features + feature];
    bias += partial[(part * 2 + 1) * features + feature];
  }
  dweight[feature] = weight;
  if (dbias != nullptr) {
    dbias[feature] = bias;
  }
}

template <class T>
__global__ void activation_kernel(Gate kind, int64_t rows, int64_t inner, const T* u, const float* bias, T* y) {
  const int64_t element = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (element >= rows * inner) {
    return;
  }
  const int64_t n = element / inner;
  const int64_t width = is_gated(kind) ? 2 * inner : inner;
  activation_element(kind, element % inner, inner, u + n * width, bias, y + n * inner);
}

template <class T>
__global__ void activation_backward_kernel(Gate kind, int64_t rows, int64_t inner, const T* dy, const T* u,
                                           const float* bias, T* du, T* y) {
  const int64_t element = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (element >= rows * inner) {
    return;
  }
  const int64_t n = element / inner;
  const int64_t width = is_gated(kind) ? 2 * inner : inner;
  activation_backward_element(kind, element % inner, inner, dy + n * inner, u + n * width, bias, du + n * width,
                              y == nullptr ? nullptr : y + n * inner);
}

template <class T>
__global__ void rope_kernel(int64_t rows, int64_t width, int64_t heads, int64_t half, const float* cosine,
                            const float* sine, const int64_t* position_N, bool inverse, T* x) {
  const int64_t element = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (element >= rows * heads * half) {
    return;
  }
  const int64_t n = element / (heads * half);
  const int64_t head = element / half % heads;
  const int64_t at = position_N[n] * half;
  rope_element(element % half, half, cosine + at, sine + at, inverse, x + n * width + head * 2 * half);
}

template <class T>
__global__ void cross_entropy_kernel(int64_t vocab, const int64_t* target_N, float smoothing, float scale, bool gradient,
                                     T* logits, float* loss_N) {
  const int64_t n = blockIdx.x;
  cross_entropy_row(BlockLanes{}, vocab, target_N[n], smoothing, scale, gradient, logits + n * vocab, loss_N + n);
}

template <class T>
__global__ void embedding_backward_kernel(int64_t features, const int64_t* order, const int64_t* row_V1, const T* dy,
                                          float* dtable) {
  const int64_t row = blockIdx.x;
  if (row_V1[row] == row_V1[row + 1]) {
    return;
  }
  for (int64_t c = threadIdx.x; c < features; c += blockDim.x) {
    embedding_backward_element(c, features, order, row_V1[row], row_V1[row + 1], dy, dtable + row * features);
  }
}

template <class T>
__global__ void dropout_kernel(int64_t count, uint64_t key, uint32_t threshold, float scale, const T* x,
                               const float* residual, float* sum_out, T* out) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < count) {
    dropout_element(i, key, threshold, scale, x, residual, sum_out, out);
  }
}

__global__ void squares_kernel(int64_t count, const float* values, float* partial) {
  float sum = 0;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * kThreads;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += stride) {
    sum += values[i] * values[i];
  }
  sum = BlockLanes{}.sum(sum);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = sum;
  }
}

__global__ void add_up_kernel(int count, const float* partial, float* out) {
  float sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < count; i += kThreads) {
    sum += partial[i];
  }
  sum = BlockLanes{}.sum(sum);
  if (threadIdx.x == 0) {
    *out = sum;
  }
}

}  // namespace
}  // namespace athanor::cuda

using namespace athanor::cuda;

extern "C" {

int athanor_cuda_norm(void* stream, int64_t rows, int64_t features, float eps, int centred, float weight_offset,
                      const float* x, const float* residual, float* residual_out, const float* weight, const float* bias,
                      int y_dtype, void* y, float* mean_N, float* rstd_N) {
  const NormShape shape{features, eps, centred != 0, weight_offset};
  return with_type(y_dtype, rows, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    norm_kernel<T><<<static_cast<unsigned>(rows), kThreads, 0, stream_of(stream)>>>(
        shape, x, residual, residual_out, weight, bias, static_cast<T*>(y), mean_N, rstd_N);
    return last_error();
  });
}

int64_t athanor_cuda_norm_partials(int64_t rows) { return (rows + kPartialRows - 1) / kPartialRows; }

int athanor_cuda_norm_backward(void* stream, int64_t rows, int64_t features, int centred, float weight_offset,
                               int dy_dtype, const void* dy, const float* x, const float* weight, const float* mean_N,
                               const float* rstd_N, const float* residual, float* dx, float* dweight, float* dbias,
                               float* partial) {
  const int64_t parts = athanor_cuda_norm_partials(rows);
  if (parts > 65535) {  // the limit of a grid's second dimension
    return static_cast<int>(cudaErrorInvalidValue);
  }
  const NormShape shape{features, 0.0f, centred != 0, weight_offset};
  return with_type(dy_dtype, rows, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const T* const grad = static_cast<const T*>(dy);
    norm_backward_kernel<T><<<static_cast<unsigned>(rows), kThreads, 0, stream_of(stream)>>>(shape, grad, x, weight, mean_N,
                                                                                          rstd_N, residual, dx);
    const dim3 grid(static_cast<unsigned>(blocks_for(features)), static_cast<unsigned>(parts));
    norm_weight_kernel<T><<<grid, kThreads, 0, stream_of(stream)>>>(rows, features, grad, x, mean_N, rstd_N, partial);
    add_partials_kernel<<<grid.x, kThreads, 0, stream_of(stream)>>>(parts, features, partial, dweight, dbias);
    return last_error();
  });
}

int athanor_cuda_activation(void* stream, int kind, int64_t rows, int64_t inner, int dtype, const void* u,
                            const float* bias, void* y) {
  const int64_t blocks = blocks_for(rows * inner);
  return with_type(dtype, blocks, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    activation_kernel<T><<<static_cast<unsigned>(blocks), kThreads, 0, stream_of(stream)>>>(
        static_cast<Gate>(kind), rows, inner, static_cast<const T*>(u), bias, static_cast<T*>(y));
    return last_error();
  });
}

int athanor_cuda_activation_backward(void* stream, int kind, int64_t rows, int64_t inner, int dtype, const void* dy,
                                     const void* u, const float* bias, void* du, void* y) {
  const int64_t blocks = blocks_for(rows * inner);
  return with_type(dtype, blocks, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    activation_backward_kernel<T><<<static_cast<unsigned>(blocks), kThreads, 0, stream_of(stream)>>>(
        static_cast<Gate>(kind), rows, inner, static_cast<const T*>(dy), static_cast<const T*>(u), bias,
        static_cast<T*>(du), static_cast<T*>(y));
    return last_error();
  });
}

int athanor_cuda_rope(void* stream, int64_t rows, int64_t width, int64_t heads, int64_t head_dim, const float* cosine,
                      const float* sine, const int64_t* position_N, int inverse, int dtype, void* x) {
  const int64_t blocks = blocks_for(rows * heads * (head_dim / 2));
  return with_type(dtype, blocks, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    rope_kernel<T><<<static_cast<unsigned>(blocks), kThreads, 0, stream_of(stream)>>>(
        rows, width, heads, head_dim / 2, cosine, sine, position_N, inverse != 0, static_cast<T*>(x));
    return last_error();
  });
}

int athanor_cuda_cross_entropy(void* stream, int64_t rows, int64_t vocab, const int64_t* target_N, float smoothing,
                               float scale, int gradient, int dtype, void* logits, float* loss_N) {
  return with_type(dtype, rows, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    cross_entropy_kernel<T><<<static_cast<unsigned>(rows), kThreads, 0, stream_of(stream)>>>(
        vocab, target_N, smoothing, scale, gradient != 0, static_cast<T*>(logits), loss_N);
    return last_error();
  });
}

int athanor_cuda_embedding_backward(void* stream, int64_t vocab, int64_t features, const int64_t* order,
                                    const int64_t* row_V1, int dtype, const void* dy, float* dtable) {
  return with_type(dtype, vocab, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    embedding_backward_kernel<T><<<static_cast<unsigned>(vocab), kThreads, 0, stream_of(stream)>>>(
        features, order, row_V1, static_cast<const T*>(dy), dtable);
    return last_error();
  });
}

int athanor_cuda_dropout(void* stream, int64_t count, uint64_t key, uint32_t threshold, float scale, int dtype,
                         const void* x, const float* residual, float* sum_out, void* out) {
  const int64_t blocks = blocks_for(count);
  return with_type(dtype, blocks, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    dropout_kernel<T><<<static_cast<unsigned>(blocks), kThreads, 0, stream_of(stream)>>>(
        count, key, threshold, scale, static_cast<const T*>(x), residual, sum_out, static_cast<T*>(out));
    return last_error();
  });
}

int athanor_cuda_sum_of_squares(void* stream, int64_t count, const float* values, float* partial, float* out) {
  const int64_t wanted = blocks_for(count);
  const int blocks = static_cast<int>(wanted < kSquareBlocks ? (wanted > 0 ? wanted : 1) : kSquareBlocks);
  squares_kernel<<<blocks, kThreads, 0, stream_of(stream)>>>(count, values, partial);
  add_up_kernel<<<1, kThreads, 0, stream_of(stream)>>>(blocks, partial, out);
  return last_error();
}

}  // extern "C"
