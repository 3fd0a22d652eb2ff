// Matrix products of a linear layer, on the fastest routine this processor has.
// N rows (tokens), K input features, M output features. fp32, bf16 or fp16; all three operands in one
// dtype, but for a weight, which may be fp32 beside bf16 rows and is then rounded to bf16 (nearest even). fp16 products are
// computed in fp32.
#pragma once

#include <ATen/core/Tensor.h>

#include "athanor/tensor/bf16_product.h"

namespace athanor {

// Whether the products of `rows` bf16 rows with w take it in fp32 at no cost, rounding it as they read: then nobody needs a
// copy in bf16.
bool rounds_fp32_weights(int64_t rows, const at::Tensor& w_MK);

// x_NK w_MK^T (+ bias_M) -> [N, M], contiguous.
at::Tensor linear(const at::Tensor& x_NK, const at::Tensor& w_MK, const at::Tensor& bias_M = {});
// dL/dx = dy w -> [N, K].
at::Tensor linear_grad_input(const at::Tensor& dy_NM, const at::Tensor& w_MK);
// The same, given to sink block by block in fp32, unrounded. False, and nothing done, where the product is not our own.
bool linear_grad_input_to(const at::Tensor& dy_NM, const at::Tensor& w_MK, const ProductSink& sink);
// dL/dw = dy^T x -> [M, K]; fp32 where the operands are fp16, and where bf16 goes through our own product.
at::Tensor linear_grad_weight(const at::Tensor& dy_NM, const at::Tensor& x_NK);
// dw (+)= dy^T x in fp32, a block of rows at a time: what a large weight needs beside its gradient stays in the cache.
// first: dw is written, not added to.
void add_grad_weight(const at::Tensor& dy_NM, const at::Tensor& x_NK, at::Tensor& dw_MK, bool first);
// dL/dbias = the sum of the rows of dy, in fp32 -> [M]. The order of the sum does not depend on the thread count.
at::Tensor column_sum(const at::Tensor& dy_NM);

// True where fp32 products go through oneDNN: MKL keeps to AVX2 on AMD processors that have AVX-512 (measured on
// Zen 5: 190 against 400 GFLOP/s on two cores). Elsewhere, and in bf16, ATen's own choice is as good.
bool fp32_through_onednn();

}  // namespace athanor
