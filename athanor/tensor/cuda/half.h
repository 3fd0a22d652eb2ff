// Storage types of 16 bits for rows.h, with nvcc: to be included before it, so that its templates find them.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace athanor::cuda {

__host__ __device__ inline float to_float(__nv_bfloat16 x) { return __bfloat162float(x); }
__host__ __device__ inline float to_float(__half x) { return __half2float(x); }
__host__ __device__ inline void from_float(float x, __nv_bfloat16* out) { *out = __float2bfloat16(x); }
__host__ __device__ inline void from_float(float x, __half* out) { *out = __float2half(x); }

}  // namespace athanor::cuda
