// The room's operators for tensors that live on a GPU: what each computes stands in the header of the host's own, which
// hands such tensors on to these. Indices, positions and targets may lie on the host: they are checked there and then moved.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "athanor/tensor/activation.h"
#include "athanor/tensor/attention.h"
#include "athanor/tensor/head_norm.h"
#include "athanor/tensor/norm.h"
#include "athanor/tensor/rope.h"

namespace athanor::device {

inline bool on_gpu(const at::Tensor& tensor) { return !tensor.is_cpu(); }
// x where like is.
at::Tensor beside(const at::Tensor& x, const at::Tensor& like);

NormOutput norm_forward(Norm kind, const at::Tensor& x_NC, const at::Tensor& weight_C, const at::Tensor& bias_C, double eps,
                        at::ScalarType out_dtype);
NormGradients norm_backward(Norm kind, const at::Tensor& dy_NC, const at::Tensor& x_NC, const at::Tensor& weight_C,
                            const at::Tensor& rstd_N, const at::Tensor& mean_N, const at::Tensor& residual_NC);

void head_norm_(at::Tensor& x_NF, const HeadNorm& norm);
at::Tensor head_norm_backward_(at::Tensor& dy_NF, const at::Tensor& x_NF, const HeadNorm& norm);

at::Tensor activation_forward(Activation kind, const at::Tensor& u, const at::Tensor& bias);
// du may be u.
ActivationGradients activation_backward(Activation kind, const at::Tensor& dy_NI, const at::Tensor& u, const at::Tensor& bias,
                                        const at::Tensor& du);

void rope_(at::Tensor& x_NF, const RopeTable& table, const at::Tensor& position_N, int64_t num_heads, int64_t head_dim,
           bool inverse);

at::Tensor dropout(const at::Tensor& x, double p, uint64_t key);
at::Tensor add_dropout(const at::Tensor& base, const at::Tensor& x, double p, uint64_t key);

// table_VC[index_N] (+ second_PC[second_index_N]).
at::Tensor look_up(const at::Tensor& index_N, const at::Tensor& table_VC, const at::Tensor& second_index_N,
                   const at::Tensor& second_PC);
at::Tensor embedding_backward(const at::Tensor& dy_NC, const at::Tensor& index_N, int64_t num_rows);

// The losses of rows of logits, which become their gradient where asked.
void cross_entropy_rows(const at::Tensor& logits_NV, const int64_t* target_N, float* loss_N, bool gradient, float smoothing);

at::Tensor linear(const at::Tensor& x_NK, const at::Tensor& w_MK, const at::Tensor& bias_M);
at::Tensor linear_grad_input(const at::Tensor& dy_NM, const at::Tensor& w_MK);
at::Tensor linear_grad_weight(const at::Tensor& dy_NM, const at::Tensor& x_NK);  // fp32
void add_grad_weight(const at::Tensor& dy_NM, const at::Tensor& x_NK, at::Tensor& dw_MK, bool first);
at::Tensor column_sum(const at::Tensor& dy_NM);

AttentionOutput attention_forward(const AttentionShape& shape, const at::Tensor& qkv_NF, const KeyIntervals& keys);
at::Tensor attention_backward(const AttentionShape& shape, const at::Tensor& dy_NE, const at::Tensor& qkv_NF,
                              const AttentionOutput& out, const KeyIntervals& keys);

}  // namespace athanor::device
