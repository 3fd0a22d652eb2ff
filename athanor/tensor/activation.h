// The activations of the feed-forward block, with their gradients. N rows, I intermediate features.
#pragma once

#include <ATen/core/Tensor.h>

namespace athanor {

enum class Activation {
  kSwiGlu,     // silu(gate) * up (Shazeer 2020); the input is [N, 2I], gate first
  kGeluTanh,   // 0.5 u (1 + tanh(sqrt(2/pi) (u + 0.044715 u^3))) (Hendrycks and Gimpel 2016); the input is [N, I]
  kGelu,       // u Phi(u), exact to fp32's rounding (within 3e-7); in bf16 within a bf16 ulp of the exact value rounded, and 0
               // where that is below 2^-122
  kGeGlu,      // gelu(gate) * up; the input is [N, 2I]
  kGeGluTanh,  // gelu_tanh(gate) * up
};

constexpr bool is_gated(Activation kind) { return kind != Activation::kGeluTanh && kind != Activation::kGelu; }

// activation(u + bias) -> [N, I], in u's dtype (fp32, bf16 or fp16; computed in fp32). bias: fp32, one number a column
// of u, or undefined.
at::Tensor activation_forward(Activation kind, const at::Tensor& u, const at::Tensor& bias = {});

struct ActivationGradients {
  at::Tensor du;     // like u
  at::Tensor y_NI;   // the forward value, computed again: cheaper than keeping it
  at::Tensor dbias;  // fp32, like bias; the sum's order does not depend on the thread count
};

ActivationGradients activation_backward(Activation kind, const at::Tensor& dy_NI, const at::Tensor& u,
                                        const at::Tensor& bias = {});

// The same for dy_NI = dy_NM w_MI, the gradient of a linear layer's input, and du takes u's memory: u is lost. Where the product
// is our own, dy_NI is used as it is made and never in memory.
ActivationGradients activation_backward_(Activation kind, const at::Tensor& dy_NM, const at::Tensor& w_MI, at::Tensor& u,
                                         const at::Tensor& bias = {});

// dst = src in dst's dtype (fp32, bf16, fp16), rounded once; both contiguous, of one size. Any thread count.
void convert(const at::Tensor& src, at::Tensor& dst);
at::Tensor to_dtype(const at::Tensor& src, at::ScalarType dtype);  // src itself when it has the dtype

}  // namespace athanor
