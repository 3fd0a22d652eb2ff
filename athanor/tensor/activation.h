// The activations of the feed-forward block, with their gradients. N rows, I intermediate features.
#pragma once

#include <ATen/core/Tensor.h>

namespace athanor {

enum class Activation {
  kSwiGlu,   // silu(gate) * up (Shazeer 2020); the input is [N, 2I], gate first
  kGeluTanh  // 0.5 u (1 + tanh(sqrt(2/pi) (u + 0.044715 u^3))) (Hendrycks and Gimpel 2016); the input is [N, I]
};

// u -> [N, I], in u's dtype (fp32 or bf16; computed in fp32).
at::Tensor activation_forward(Activation kind, const at::Tensor& u);

struct ActivationGradients {
  at::Tensor du;    // like u
  at::Tensor y_NI;  // the forward value, computed again: cheaper than keeping it
};

ActivationGradients activation_backward(Activation kind, const at::Tensor& dy_NI, const at::Tensor& u);

// dst = src rounded to bf16, or widened from it; both contiguous, of one size. Out of place, any thread count.
void convert(const at::Tensor& src, at::Tensor& dst);
at::Tensor to_dtype(const at::Tensor& src, at::ScalarType dtype);  // src itself when it has the dtype

}  // namespace athanor
