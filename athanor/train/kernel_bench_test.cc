// Not a test: each kernel, forward and backward, against ATen's own operators in the same process (bench/kernels.py reads
// it). One line of JSON a kernel: medians of processor seconds, taken in turn.
//   train_tests --gtest_also_run_disabled_tests --gtest_filter='KernelBench*'
#include <gtest/gtest.h>

#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>

#include <nlohmann/json.hpp>

#include "athanor/base/machine.h"
#include "athanor/tensor/activation.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/cross_entropy.h"
#include "athanor/tensor/dropout.h"
#include "athanor/tensor/embedding.h"
#include "athanor/tensor/norm.h"
#include "athanor/tensor/rope.h"
#include "athanor/train/optimizer.h"

namespace athanor {
namespace {

using Work = std::function<void()>;

double seconds_of(const Work& work) {
  const std::clock_t start = std::clock();
  int count = 0;
  do {
    work();
    ++count;
  } while (std::clock() - start < CLOCKS_PER_SEC / 50);
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC / count;
}

void compare(const char* name, const Work& ours, const Work& aten, nlohmann::json extra = nlohmann::json::object()) {
  std::vector<double> a;
  std::vector<double> b;
  ours();
  aten();
  for (int round = 0; round < 7; ++round) {
    a.push_back(seconds_of(ours));
    b.push_back(seconds_of(aten));
  }
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  extra.update({{"kernel", name}, {"athanor", a[3]}, {"aten", b[3]}, {"ratio", b[3] / a[3]}});
  std::printf("%s\n", extra.dump().c_str());
}

at::Tensor leaf(const at::Tensor& x) { return x.detach().clone().set_requires_grad(true); }

// Runs backward from y with dy, then forgets the gradients.
void differentiate(const at::Tensor& y, const at::Tensor& dy, const std::vector<at::Tensor>& leaves) {
  y.backward(dy);
  for (const at::Tensor& x : leaves) {
    x.mutable_grad() = at::Tensor();
  }
}

// Bytes above what is there, at the highest point of work.
double peak_of(const Work& work) {
  std::ofstream("/proc/self/clear_refs") << 5;
  const double before = static_cast<double>(peak_memory_bytes());
  work();
  return static_cast<double>(peak_memory_bytes()) - before;
}

TEST(KernelBench, DISABLED_Norms) {
  const at::Tensor x = leaf(at::randn({4096, 768}));
  const at::Tensor w = leaf(at::randn({768}));
  const at::Tensor b = leaf(at::randn({768}));
  const at::Tensor residual = at::randn({4096, 768});
  const at::Tensor dy = at::randn({4096, 768});
  for (const Norm kind : {Norm::kRms, Norm::kLayer}) {
    const bool rms = kind == Norm::kRms;
    const auto ours = [&] {
      const NormOutput out = norm_forward(kind, x.detach(), w.detach(), b.detach(), 1e-5, at::kFloat);
      norm_backward(kind, dy, x.detach(), w.detach(), out.rstd_N, out.mean_N, residual);
    };
    const auto aten = [&] {
      const at::Tensor y = rms ? at::rms_norm(x, {768}, w, 1e-5) : at::layer_norm(x, {768}, w, b, 1e-5);
      y.backward(dy);
      x.grad().add(residual);
      for (const at::Tensor& p : {x, w, b}) {
        p.mutable_grad() = at::Tensor();
      }
    };
    compare(rms ? "rms_norm + residual gradient" : "layer_norm + residual gradient", ours, aten);
  }
}

TEST(KernelBench, DISABLED_Activations) {
  const auto run = [](const char* name, Activation kind, const std::function<at::Tensor(const at::Tensor&)>& reference,
                      at::ScalarType dtype) {
    const int64_t columns = is_gated(kind) ? 4096 : 2048;
    const at::Tensor u = at::randn({2048, columns}).to(dtype);
    const at::Tensor bias = at::randn({columns});
    const at::Tensor dy = at::randn({2048, 2048}).to(dtype);
    const at::Tensor u_leaf = leaf(u);
    const at::Tensor bias_leaf = leaf(bias.to(dtype));
    const Work ours = [&] {
      activation_forward(kind, u, bias);
      activation_backward(kind, dy, u, bias);
    };
    const Work aten = [&] { differentiate(reference(u_leaf.add(bias_leaf)), dy, {u_leaf, bias_leaf}); };
    compare(name, ours, aten, {{"dtype", dtype == at::kFloat ? "fp32" : "bf16"}});
  };
  const auto half = [](const at::Tensor& u, int64_t which) { return u.narrow(1, which * 2048, 2048); };
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    run("bias + gelu tanh", Activation::kGeluTanh, [](const at::Tensor& u) { return at::gelu(u, "tanh"); }, dtype);
    run("bias + gelu erf", Activation::kGelu, [](const at::Tensor& u) { return at::gelu(u); }, dtype);
    run("bias + swiglu", Activation::kSwiGlu,
        [&](const at::Tensor& u) { return at::silu(half(u, 0)).mul(half(u, 1)); }, dtype);
    run("bias + geglu", Activation::kGeGlu,
        [&](const at::Tensor& u) { return at::gelu(half(u, 0)).mul(half(u, 1)); }, dtype);
  }
}

TEST(KernelBench, DISABLED_Losses) {
  for (const int64_t vocab : {8192, 131072}) {
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
      const int64_t rows = 2048;
      const at::Tensor x = leaf(at::randn({rows, 256}).to(dtype));
      const at::Tensor w = leaf(at::randn({vocab, 256}).mul(0.02));
      const at::Tensor compute = to_dtype(w.detach(), dtype);
      const at::Tensor w_leaf = leaf(compute);
      const at::Tensor target = at::randint(vocab, {rows}, at::kLong);
      const at::Tensor one = at::full({}, 1.0f);
      const Work ours = [&] { differentiate(linear_cross_entropy(x, w, compute, target), one, {x, w}); };
      const Work aten = [&] {
        const at::Tensor logits = at::linear(x, w_leaf).to(at::kFloat);
        differentiate(at::cross_entropy_loss(logits, target, {}, at::Reduction::Sum), one, {x, w_leaf});
      };
      const double logits = static_cast<double>(rows * vocab * 4);
      const double gradients = static_cast<double>(w.nbytes() + x.nbytes());
      ours();
      const double own = peak_of(ours) - gradients;
      compare("linear + cross-entropy", ours, aten,
              {{"vocab", vocab}, {"dtype", dtype == at::kFloat ? "fp32" : "bf16"}, {"share_of_logits", own / logits}});
    }
  }
  const at::Tensor logits = leaf(at::randn({4096, 1000}));
  const at::Tensor target = at::randint(1000, {4096}, at::kLong);
  const at::Tensor one = at::full({}, 1.0f);
  compare("softmax cross-entropy", [&] { differentiate(softmax_cross_entropy(logits, target), one, {logits}); },
          [&] { differentiate(at::cross_entropy_loss(logits, target, {}, at::Reduction::Sum), one, {logits}); });
}

TEST(KernelBench, DISABLED_Others) {
  const at::Tensor table = leaf(at::randn({8192, 384}));
  const at::Tensor index = at::randint(8192, {4096}, at::kLong);
  const at::Tensor dy = at::randn({4096, 384});
  compare("embedding and its gradient", [&] { differentiate(athanor::embedding(index, table), dy, {table}); },
          [&] { differentiate(at::embedding(table, index), dy, {table}); });
  const at::Tensor x = at::randn({4096, 768}).to(at::kBFloat16);
  const at::Tensor base = at::randn({4096, 768});
  compare("residual + dropout", [&] { add_dropout(base, x, 0.1, 7); }, [&] { base.add(at::dropout(x, 0.1, true)); });
}

// As transformers writes it: x cos + rotate_half(x) sin, for queries and keys.
at::Tensor plain_rope(const at::Tensor& x_NHD, const at::Tensor& cos_N1D, const at::Tensor& sin_N1D) {
  const int64_t half = x_NHD.size(2) / 2;
  const at::Tensor turned = at::cat({x_NHD.narrow(2, half, half).neg(), x_NHD.narrow(2, 0, half)}, 2);
  return x_NHD.mul(cos_N1D).add(turned.mul(sin_N1D));
}

TEST(KernelBench, DISABLED_Rope) {
  const int64_t rows = 4096, length = 256, heads = 12, dim = 64;
  const RopeTable table = make_rope_table(length, dim, 10000);
  const at::Tensor position = at::arange(length).repeat({rows / length}).contiguous();
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const auto wide = [&](const at::Tensor& half_PH) {
      return at::cat({half_PH, half_PH}, 1).index_select(0, position).unsqueeze(1).to(dtype);
    };
    const at::Tensor cos = wide(table.cos_PH);
    const at::Tensor sin = wide(table.sin_PH);
    at::Tensor x = at::randn({rows, heads * dim}).to(dtype);
    const at::Tensor leaf_NHD = leaf(x.view({rows, heads, dim}));
    const at::Tensor dy = at::randn({rows, heads, dim}).to(dtype);
    compare("rope, forward and backward",
            [&] {
              rope_(x, table, position, heads, dim, false);
              rope_(x, table, position, heads, dim, true);
            },
            [&] { differentiate(plain_rope(leaf_NHD, cos, sin), dy, {leaf_NHD}); },
            {{"dtype", dtype == at::kFloat ? "fp32" : "bf16"}});
  }
}

// Jordan's Newton-Schulz iteration in bf16, operator by operator.
void plain_muon(at::Tensor& weight, const at::Tensor& grad, at::Tensor& momentum) {
  momentum.mul_(0.95).add_(grad, 0.05);
  at::Tensor x = grad.mul(0.05).add(momentum, 0.95).to(at::kBFloat16);
  x = x.div(x.norm().add(1e-7));
  for (int i = 0; i < 5; ++i) {
    const at::Tensor a = at::mm(x, x.t());
    const at::Tensor b = a.mul(-4.7750).add(at::mm(a, a), 2.0315);
    x = x.mul(3.4445).add(at::mm(b, x));
  }
  weight.mul_(1 - 1e-5).add_(x.to(at::kFloat), -1e-3);
}

TEST(KernelBench, DISABLED_Muon) {
  std::vector<NamedParameter> parameters;
  std::vector<at::Tensor> weights, momenta;
  for (int i = 0; i < 6; ++i) {
    parameters.push_back({"model.layers." + std::to_string(i) + ".mlp.up_proj.weight", at::randn({384, 1024}), true});
    parameters.back().tensor.mutable_grad() = at::randn({384, 1024});
    weights.push_back(parameters.back().tensor.clone());
    momenta.push_back(at::zeros_like(weights.back()));
  }
  OptimizerOptions options;
  options.name = "muon";
  Optimizer optimizer(parameters, options, /*bf16_products=*/true);
  compare("muon, 6 matrices of 384 x 1024", [&] { optimizer.step(1e-3, 1); },
          [&] {
            for (size_t i = 0; i < weights.size(); ++i) {
              plain_muon(weights[i], parameters[i].tensor.grad(), momenta[i]);
            }
          });
}

TEST(KernelBench, DISABLED_Optimizers) {
  std::vector<NamedParameter> parameters;
  std::vector<at::Tensor> weights, grads, first, second, steps;
  for (int i = 0; i < 40; ++i) {
    parameters.push_back({"w" + std::to_string(i) + ".weight", at::randn({512, 512}), true});
    parameters.back().tensor.mutable_grad() = at::randn({512, 512});
    weights.push_back(parameters.back().tensor.clone());
    grads.push_back(parameters.back().tensor.grad());
    first.push_back(at::zeros_like(weights.back()));
    second.push_back(at::zeros_like(weights.back()));
    steps.push_back(at::full({}, 1.0f));
  }
  for (const char* state : {"fp32", "bf16"}) {
    OptimizerOptions options;
    options.state = state;
    Optimizer optimizer(parameters, options);
    compare("adamw, 10 M in 40 arrays", [&] { optimizer.step(1e-4, 1); },
            [&] { at::_fused_adamw_(weights, grads, first, second, {}, steps, 1e-4, 0.9, 0.999, 0.1, 1e-8, false, false); },
            {{"state", state}});
  }
}

}  // namespace
}  // namespace athanor
