// Every operator on a GPU (the machine's own, or one of the tests) against the host's own.
#include "athanor/tensor/device/device.h"

#include <ATen/Context.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <functional>

#include "athanor/base/error.h"
#include "athanor/tensor/activation.h"
#include "athanor/tensor/attention.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/cross_entropy.h"
#include "athanor/tensor/device/ops.h"
#include "athanor/tensor/device/same_bits.h"
#include "athanor/tensor/device/testing_fake_gpu.h"
#include "athanor/tensor/dropout.h"
#include "athanor/tensor/embedding.h"
#include "athanor/tensor/gemm.h"
#include "athanor/tensor/head_norm.h"
#include "athanor/tensor/norm.h"
#include "athanor/tensor/rope.h"

namespace athanor {
namespace {

using Tensors = std::vector<at::Tensor>;

at::Device gpu = fake_gpu::kDevice;

class Device : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  void SetUp() override { gpu = use_any_gpu(); }
  void TearDown() override { set_gpu_unit(nullptr); }
  at::ScalarType dtype() const { return GetParam(); }
  double bound() const { return dtype() == at::kFloat ? 2e-5 : dtype() == at::kHalf ? 4e-3 : 3e-2; }
  at::Tensor random(at::IntArrayRef sizes) const { return at::randn(sizes).to(dtype()); }
};

class DeviceFp32 : public ::testing::Test {
 protected:
  void SetUp() override { gpu = use_any_gpu(); }
  void TearDown() override { set_gpu_unit(nullptr); }
};

Tensors there(const Tensors& tensors) {
  Tensors moved;
  for (const at::Tensor& tensor : tensors) {
    moved.push_back(tensor.defined() ? tensor.detach().to(gpu).requires_grad_(tensor.requires_grad()) : tensor);
  }
  return moved;
}

// The largest difference, relative where the wanted is above 1; nothing where both are undefined.
void expect_near(const at::Tensor& wanted, const at::Tensor& got, double bound, const char* what) {
  ASSERT_EQ(wanted.defined(), got.defined()) << what;
  if (!wanted.defined()) {
    return;
  }
  ASSERT_EQ(wanted.sizes(), got.sizes()) << what;
  ASSERT_EQ(wanted.scalar_type(), got.scalar_type()) << what;
  ASSERT_EQ(got.device().type(), gpu.type()) << what;
  const at::Tensor w = wanted.detach().to(at::kDouble);
  const at::Tensor g = got.detach().to(at::kCPU).to(at::kDouble);
  EXPECT_LE(w.sub(g).abs().div_(w.abs().clamp_min(1.0)).max().item<double>(), bound) << what;
}

// The same function of the same tensors here and there.
void compare(const Tensors& inputs, double bound, const std::function<Tensors(const Tensors&)>& function) {
  const Tensors wanted = function(inputs);
  const Tensors got = function(there(inputs));
  ASSERT_EQ(wanted.size(), got.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    expect_near(wanted[i], got[i], bound, ("output " + std::to_string(i)).c_str());
  }
}

// y = function(inputs) and the gradients of (y * a fixed random tensor).sum().
void compare_with_gradients(const Tensors& inputs, double bound, const std::function<at::Tensor(const Tensors&)>& function) {
  at::Tensor dy;
  compare(inputs, bound, [&](const Tensors& x) {
    const at::Tensor y = function(x);
    if (!dy.defined()) {
      dy = at::randn(y.sizes());
    }
    backward(y.to(at::kFloat).mul(dy.to(y.device())).sum());
    Tensors all{y};
    for (const at::Tensor& input : x) {
      if (input.requires_grad()) {
        all.push_back(input.grad());
      }
    }
    return all;
  });
}

TEST_P(Device, Norms) {
  for (const Norm kind : {Norm::kRms, Norm::kLayer}) {
    const at::Tensor bias = kind == Norm::kLayer ? at::randn({40}).requires_grad_(true) : at::Tensor();
    compare_with_gradients({at::randn({9, 40}).requires_grad_(true), at::randn({40}).requires_grad_(true), bias}, bound(),
                           [&](const Tensors& x) { return norm(kind, x[0], x[1], x[2], 1e-5, dtype()); });
  }
  compare({random({9, 40}), at::randn({9, 40}), at::randn({40}), at::rand({9}), at::randn({9, 40})}, bound(),
          [&](const Tensors& x) {
            const NormGradients d = norm_backward(Norm::kRms, x[0], x[1], x[2], x[3], {}, x[4]);
            return Tensors{d.dx_NC, d.dweight_C, d.dbias_C};
          });
}

TEST_P(Device, NormsOfHeads) {
  const at::Tensor weight = at::rand({8}).add(0.5);
  compare({random({6, 48}), random({6, 48}), weight}, bound(), [&](const Tensors& x) {
    const HeadNorm norm{1, 3, 8, x[2], 1e-6};
    at::Tensor y = x[0].clone();
    head_norm_(y, norm);
    at::Tensor dy = x[1].clone();
    const at::Tensor dweight = head_norm_backward_(dy, x[0], norm);
    return Tensors{y, dy, dweight};
  });
}

TEST_P(Device, Activations) {
  for (const Activation kind : {Activation::kSwiGlu, Activation::kGeluTanh, Activation::kGelu, Activation::kGeGlu,
                                Activation::kGeGluTanh}) {
    const int64_t inner = 24;
    const int64_t width = is_gated(kind) ? 2 * inner : inner;
    compare({random({70, width}), random({70, inner}), at::randn({width}), random({70, 16}), random({16, inner})}, 5 * bound(),
            [&](const Tensors& x) {
              const ActivationGradients d = activation_backward(kind, x[1], x[0], x[2]);
              at::Tensor u = x[0].clone();
              const ActivationGradients in_place = activation_backward_(kind, x[3], x[4], u, x[2]);
              return Tensors{activation_forward(kind, x[0]), d.du, d.y_NI, d.dbias, in_place.du, in_place.dbias};
            });
  }
}

TEST_P(Device, Products) {
  compare({random({70, 24}), random({16, 24}), random({16}), random({70, 16})}, 4 * bound(), [&](const Tensors& x) {
    at::Tensor sum = at::zeros({16, 24}, x[0].options().dtype(at::kFloat));
    add_grad_weight(x[3], x[0], sum, true);
    add_grad_weight(x[3], x[0], sum, false);
    return Tensors{linear(x[0], x[1], x[2]), linear(x[0], x[1]), linear_grad_input(x[3], x[1]),
                   to_dtype(linear_grad_weight(x[3], x[0]), at::kFloat), sum, column_sum(x[3])};
  });
}

TEST_P(Device, Rotation) {
  const RopeTable table = make_rope_table(16, 8, 10000.0);
  const at::Tensor position = at::randint(16, {5}, at::kLong);
  compare({random({5, 40})}, bound(), [&](const Tensors& x) {
    at::Tensor turned = x[0].clone();
    rope_(turned, table, position, 3, 8, false);
    at::Tensor back = turned.clone();
    rope_(back, table, position, 3, 8, true);
    return Tensors{turned, back};
  });
}

TEST_P(Device, DropoutHasTheSameMask) {
  compare({random({7, 33}), at::randn({7, 33})}, bound(), [&](const Tensors& x) {
    return Tensors{dropout(x[0], 0.3, 77), add_dropout(x[1], x[0], 0.3, 78), add_dropout(x[1], x[0], 0, 1)};
  });
}

TEST_P(Device, CrossEntropy) {
  const at::Tensor target = at::randint(-1, 50, {90}, at::kLong);
  for (const double smoothing : {0.0, 0.1}) {
    compare_with_gradients({random({90, 24}).requires_grad_(true), at::randn({50, 24}).mul(0.2).requires_grad_(true), at::randn({50}).requires_grad_(true)},
                           4 * bound(), [&](const Tensors& x) {
                             return linear_cross_entropy(x[0], x[1], to_dtype(x[1].detach(), dtype()), target, smoothing, x[2]).div(90);
                           });
    compare_with_gradients({random({90, 50}).requires_grad_(true)}, bound(),
                           [&](const Tensors& x) { return softmax_cross_entropy(x[0], target, smoothing).div(90); });
  }
  compare({random({90, 24}), random({50, 24}).mul(0.2)}, 4 * bound(),
          [&](const Tensors& x) { return Tensors{linear_cross_entropy_each(x[0], x[1], target)}; });
}

TEST_F(DeviceFp32, LookUps) {
  const at::Tensor token = at::randint(12, {30}, at::kLong);
  const at::Tensor place = at::arange(30, at::kLong).remainder(6);
  compare_with_gradients({at::randn({12, 8}).requires_grad_(true), at::randn({6, 8}).requires_grad_(true)}, 1e-5,
                         [&](const Tensors& x) { return embedding(token, x[0], place, x[1]); });
  const Tensors moved = there({at::randn({12, 8})});
  EXPECT_THROW(embedding(token.add(100), moved[0]), Error) << "indices are checked on the host";
}

int64_t embedding_blocks = 0;  // of the last launch
decltype(GpuUnit::embedding_backward) add_embeddings = nullptr;

// Tables of few rows: their gradients are added up in pieces.
TEST_P(Device, LookUpsOfManyTokensInFewRows) {
  GpuUnit counting = gpu_unit();
  add_embeddings = counting.embedding_backward;
  counting.embedding_backward = [](void* stream, int64_t rows, int64_t features, const int64_t* order, const int64_t* first, int dtype,
                                   const void* dy, float* table) {
    embedding_blocks = rows;
    return add_embeddings(stream, rows, features, order, first, dtype, dy, table);
  };
  set_gpu_unit(&counting);
  const int64_t tokens = 2500;
  for (const int64_t rows : {1, 2, 3}) {
    const at::Tensor dy = random({tokens, 8});
    at::Tensor index = at::randint(rows, {tokens}, at::kLong);
    index = rows == 3 ? index.remainder(2) : index;  // nobody reads the last
    const at::Tensor wanted = at::zeros({rows, 8}, at::kDouble).index_add(0, index, dy.to(at::kDouble));
    const at::Tensor there = dy.to(gpu);
    const at::Tensor got = device::embedding_backward(there, index, rows);
    EXPECT_GE(embedding_blocks, 8) << "more than a row each";
    EXPECT_EQ(got.scalar_type(), at::kFloat);
    EXPECT_TRUE(got.to(at::kCPU).to(at::kDouble).allclose(wanted, 1e-5, 1e-3)) << rows;
    EXPECT_TRUE(got.to(at::kCPU).equal(device::embedding_backward(there, index, rows).to(at::kCPU))) << "the same bits";
  }
}

struct AttentionCase {
  const char* name;
  int64_t window;
  bool causal;
};

TEST_P(Device, Attention) {
  const AttentionShape shape{3, 20, 4, 2, 8};
  at::Tensor position = at::arange(60, at::kLong).remainder(20);
  position.narrow(0, 7, 13).copy_(at::arange(13, at::kLong));  // a second document in the first row
  for (const AttentionCase& c : {AttentionCase{"causal", 0, true}, AttentionCase{"window", 4, true},
                                 AttentionCase{"both ways", 0, false}}) {
    SCOPED_TRACE(c.name);
    const KeyIntervals keys = c.causal ? causal_keys(position, 20, c.window) : document_keys(position, 20);
    compare({random({60, shape.width()}), random({60, 32})}, 2 * bound(), [&](const Tensors& x) {
      const KeyIntervals own = on_device(keys, position, 20, x[0].device());
      const AttentionOutput out = attention_forward(shape, x[0], own);
      return Tensors{out.y_NE, attention_backward(shape, x[1], x[0], out, own)};
    });
  }
}

TEST_F(DeviceFp32, AttentionOfPaddedRowsAndWithDropout) {
  AttentionShape shape{3, 20, 4, 2, 8};
  const at::Tensor lengths = at::randint(0, 21, {3}, at::kLong);
  lengths.select(0, 1).fill_(0);  // nothing to read: 0
  const KeyIntervals keys = row_keys(lengths, 20);
  const Tensors inputs{at::randn({60, shape.width()}), at::randn({60, 32})};
  compare(inputs, 2e-5, [&](const Tensors& x) {
    const KeyIntervals own = on_device(keys, {}, 20, x[0].device());
    const AttentionOutput out = attention_forward(shape, x[0], own);
    return Tensors{out.y_NE, attention_backward(shape, x[1], x[0], out, own)};
  });
  // Masks are other ones than the host's; the gradient is that of the same mask.
  shape.dropout = 0.4;
  shape.dropout_key = 5;
  const Tensors moved = there(inputs);
  const KeyIntervals own = on_device(keys, {}, 20, gpu);
  const auto value = [&](const at::Tensor& qkv) {
    return attention_forward(shape, qkv, own).y_NE.mul(moved[1]).sum().item<double>();
  };
  const AttentionOutput out = attention_forward(shape, moved[0], own);
  const at::Tensor grad = attention_backward(shape, moved[1], moved[0], out, own);
  const at::Tensor step = at::randn(inputs[0].sizes()).mul(1e-3).to(gpu);
  const double slope = value(moved[0].add(step)) - value(moved[0].sub(step));
  EXPECT_NEAR(slope, 2 * grad.mul(step).sum().item<double>(), 2e-4);
}

TEST_F(DeviceFp32, MovingKeepsSharedMemoryShared) {
  const at::Tensor block = at::randn({6, 4});
  at::Tensor top = block.narrow(0, 0, 2).detach().requires_grad_(true);
  const at::Tensor bottom = block.narrow(0, 2, 4).detach();
  const at::Tensor handle = top;
  const at::Tensor before = block.clone();
  move_to(gpu, {top, bottom});
  EXPECT_EQ(handle.device().type(), gpu.type());
  EXPECT_TRUE(handle.requires_grad());
  EXPECT_TRUE(top.is_alias_of(bottom));
  EXPECT_TRUE(bottom.to(at::kCPU).equal(before.narrow(0, 2, 4)));
  move_to(at::kCPU, {top, bottom});
  EXPECT_TRUE(top.detach().equal(before.narrow(0, 0, 2)));
  EXPECT_TRUE(top.is_alias_of(bottom));
}

TEST_F(DeviceFp32, TheHostCannotTouchItsMemory) {
  use_fake_gpu();
  const at::Tensor x = at::randn({4}).to(fake_gpu::kDevice);
  EXPECT_DEATH(std::printf("%f", static_cast<double>(*x.const_data_ptr<float>())), "");
}

// As a GPU does, whose kernels read all that they are given as one type.
TEST_F(DeviceFp32, ItRefusesWeightsOfAnotherType) {
  const at::Tensor weight = at::randn({8}).to(gpu);
  const at::Tensor x = at::randn({4, 8}).to(gpu);
  const at::Tensor filters = at::randn({2, 4, 3}).to(gpu);
  const at::Tensor half = x.to(at::kBFloat16);
  EXPECT_EQ(at::layer_norm(x, {8}, weight, weight).sizes(), x.sizes());
  EXPECT_THROW(at::layer_norm(half, {8}, weight, weight), c10::Error);
  EXPECT_EQ(at::conv1d(half.unsqueeze(0), filters.to(at::kBFloat16)).size(2), 6);
  EXPECT_THROW(at::conv1d(half.unsqueeze(0), filters), c10::Error);
}

TEST(DeviceNames, AreCheckedAndWhatLacksIsSaid) {
  EXPECT_TRUE(open_device("cpu").is_cpu());
  EXPECT_TRUE(open_device("").is_cpu());
  for (const char* name : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cudax", "cuda:999"}) {
    EXPECT_THROW(open_device(name), Error) << name;
  }
  use_fake_gpu();
  EXPECT_EQ(open_device("cuda"), fake_gpu::kDevice);
  EXPECT_EQ(open_device("auto"), fake_gpu::kDevice);
  EXPECT_THROW(open_device("cuda:1"), Error);
  set_gpu_unit(nullptr);
}

TEST(DeviceNames, WhatIsOpenedComputesExactlyAndTheSameBits) {
  at::Context& context = at::globalContext();
  context.setAllowTF32CuDNN(true);
  context.setDeterministicCuDNN(false);
  context.setBenchmarkCuDNN(true);
  use_fake_gpu();
  open_device("cuda");
  set_gpu_unit(nullptr);
  EXPECT_FALSE(context.allowTF32CuDNN(at::Float32Op::CONV));
  EXPECT_FALSE(context.allowTF32CuDNN(at::Float32Op::RNN));
  EXPECT_FALSE(context.allowTF32CuBLAS()) << "LibTorch's own choice";
  EXPECT_TRUE(context.deterministicCuDNN());
  EXPECT_FALSE(context.benchmarkCuDNN());
}

TEST(DeviceSameBits, LeavesTheSettingsAsTheyWere) {
  at::Context& context = at::globalContext();
  const auto expect = [&](bool deterministic, bool warn_only, bool fill) {
    EXPECT_EQ(context.deterministicAlgorithms(), deterministic);
    EXPECT_EQ(context.deterministicAlgorithmsWarnOnly(), warn_only);
    EXPECT_EQ(context.deterministicFillUninitializedMemory(), fill);
  };
  for (const bool set : {true, false}) {
    context.setDeterministicAlgorithms(set, set);
    {
      const device::SameBits same_bits;
      expect(true, false, false);
    }
    expect(set, set, true);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Device, ::testing::Values(at::kFloat, at::kBFloat16, at::kHalf), [](const auto& info) {
  return info.param == at::kFloat ? "fp32" : info.param == at::kBFloat16 ? "bf16" : "fp16";
});

}  // namespace
}  // namespace athanor
