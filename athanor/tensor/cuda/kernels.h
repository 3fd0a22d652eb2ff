// The GPU kernels behind plain C functions: raw device pointers, a stream, no CUDA and no torch header. Each gives the
// cudaError_t of its launch as an int (0: launched). kernels.cu, update.cu; what each computes: rows.h, update.h.
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

// The optimisers' rules, as train/optimizer_rules.h has them.
enum AthanorRule {
  ATHANOR_ADAMW,
  ATHANOR_SGD,
  ATHANOR_MOMENTUM,
  ATHANOR_ADAGRAD,
  ATHANOR_ADADELTA,
  ATHANOR_RMSPROP,
  ATHANOR_RMSPROP_MOMENTUM,
  ATHANOR_LION
};
// One parameter, in the device's memory; index: of its first element over all parameters, which places the random bits of
// bf16 state. A slot that the rule does not use is null.
struct AthanorParameter {
  float* weight;
  const float* grad;
  void* slots[2];
  int64_t size;
  uint64_t index;
};
// What one update of all of them has in common: train/optimizer_rules.h, UpdateCoefficients.
struct AthanorUpdate {
  float grad_scale, keep, l2, l1, step_size, eps, a, b, c;
  uint64_t rounding;
};
// Many parameters in one launch; parameters: on the device, at most 65535 of them, the largest of so many elements. state_dtype:
// ATHANOR_FP32, or ATHANOR_BF16, rounded by chance.
int athanor_cuda_update(void* stream, int rule, int state_dtype, int num_parameters, const AthanorParameter* parameters,
                        int64_t largest, const AthanorUpdate* step);
// to (bf16) = from, rounded as state is.
int athanor_cuda_round_by_chance(void* stream, int64_t count, uint64_t index, uint64_t rounding, const float* from, void* to);

// The sum of squares of count floats into *out; partial: 1024 floats of workspace. The order of the sum is fixed.
int athanor_cuda_sum_of_squares(void* stream, int64_t count, const float* values, float* partial, float* out);

}  // extern "C"
