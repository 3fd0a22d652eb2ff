// The GPU kernels behind plain C functions: raw device pointers, a stream, no CUDA and no torch header. Each gives the
// cudaError_t of its launch as an int (0: launched). kernels.cu; what each computes: rows.h.
//
// N rows, C features, V vocabulary, I intermediate features, H heads, D features a head, P positions.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

enum AthanorDtype { ATHANOR_FP32 = 0, ATHANOR_BF16 = 1, ATHANOR_FP16 = 2 };

// y [N, C] of y_dtype from x [N, C] fp32 (+ residual, the sum into residual_out); mean_N null for RMSNorm.
int athanor_cuda_norm(void* stream, int64_t rows, int64_t features, float eps, int centred, float weight_offset,
                      const float* x, const float* residual, float* residual_out, const float* weight, const float* bias,
                      int y_dtype, void* y, float* mean_N, float* rstd_N);
// partial: workspace of athanor_cuda_norm_partials(rows) * 2 * C floats. dbias null for RMSNorm.
int64_t athanor_cuda_norm_partials(int64_t rows);
int athanor_cuda_norm_backward(void* stream, int64_t rows, int64_t features, int centred, float weight_offset,
                               int dy_dtype, const void* dy, const float* x, const float* weight, const float* mean_N,
                               const float* rstd_N, const float* residual, float* dx, float* dweight, float* dbias,
                               float* partial);

// kind: athanor::cuda::Gate. u [N, 2I] or [N, I]; bias of u's width or null.
int athanor_cuda_activation(void* stream, int kind, int64_t rows, int64_t inner, int dtype, const void* u,
                            const float* bias, void* y);
int athanor_cuda_activation_backward(void* stream, int kind, int64_t rows, int64_t inner, int dtype, const void* dy,
                                     const void* u, const float* bias, void* du, void* y);

// Turns the first heads * head_dim columns of x [N, width] in place; cos, sin [P, head_dim / 2].
int athanor_cuda_rope(void* stream, int64_t rows, int64_t width, int64_t heads, int64_t head_dim, const float* cosine,
                      const float* sine, const int64_t* position_N, int inverse, int dtype, void* x);

// logits [N, V] become their gradient times scale where gradient is set; loss [N].
int athanor_cuda_cross_entropy(void* stream, int64_t rows, int64_t vocab, const int64_t* target_N, float smoothing,
                               float scale, int gradient, int dtype, void* logits, float* loss_N);

// dtable [V, C] fp32, only the rows that are read: order and row_V1 (V + 1 places in order) as a stable sort gives them.
int athanor_cuda_embedding_backward(void* stream, int64_t vocab, int64_t features, const int64_t* order,
                                    const int64_t* row_V1, int dtype, const void* dy, float* dtable);

// out = x dropped; or sum_out = residual + x dropped, where residual is given.
int athanor_cuda_dropout(void* stream, int64_t count, uint64_t key, uint32_t threshold, float scale, int dtype,
                         const void* x, const float* residual, float* sum_out, void* out);

// Many parameters in one launch: device arrays of num_tensors pointers and sizes. constants: 7 floats as AdamwStep.
int athanor_cuda_adamw(void* stream, int num_tensors, float* const* weights, const float* const* grads, float* const* m,
                       float* const* v, const int64_t* sizes, int64_t largest, const float* constants);

// The sum of squares of count floats into *out; partial: 1024 floats of workspace. The order of the sum is fixed.
int athanor_cuda_sum_of_squares(void* stream, int64_t count, const float* values, float* partial, float* out);

}  // extern "C"
