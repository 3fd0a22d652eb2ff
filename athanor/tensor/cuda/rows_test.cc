// The bodies of the GPU kernels, run by threads of the host against ATen.
#include "athanor/tensor/cuda/rows.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <barrier>
#include <thread>
#include <vector>

#include "athanor/tensor/autograd.h"
#include "athanor/tensor/dropout.h"
#include "athanor/tensor/rope.h"

namespace athanor::cuda {
namespace {

constexpr int kLanes = 4;

// A group of host threads that meet as the threads of a block do.
class Group {
 public:
  struct Lanes {
    Group* group;
    int lane;
    int index() const { return lane; }
    int count() const { return kLanes; }
    void meet() const { group->barrier_.arrive_and_wait(); }
    float sum(float x) const {
      return over(x, [](float a, float b) { return a + b; });
    }
    float max(float x) const {
      return over(x, [](float a, float b) { return std::max(a, b); });
    }

   private:
    template <class Op>
    float over(float x, Op op) const {
      meet();
      group->values_[lane] = x;
      meet();
      float total = group->values_[0];
      for (int i = 1; i < kLanes; ++i) {
        total = op(total, group->values_[i]);
      }
      return total;
    }
  };

  template <class Fn>
  void run(const Fn& fn) {
    std::vector<std::thread> threads;
    for (int lane = 0; lane < kLanes; ++lane) {
      threads.emplace_back([&, lane] { fn(Lanes{this, lane}); });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
  }

 private:
  std::barrier<> barrier_{kLanes};
  float values_[kLanes] = {};
};

const float* data(const at::Tensor& tensor) { return tensor.const_data_ptr<float>(); }
float* data(at::Tensor& tensor) { return tensor.mutable_data_ptr<float>(); }

double furthest(const at::Tensor& a, const at::Tensor& b) { return a.sub(b).abs().max().item<double>(); }

constexpr int64_t kRows = 7;
constexpr int64_t kFeatures = 53;

struct NormCase {
  bool centred;
  float offset;
};

class CudaNorm : public ::testing::TestWithParam<NormCase> {};

TEST_P(CudaNorm, ForwardAndBackwardAreThoseOfATen) {
  const NormShape shape{kFeatures, 1e-5f, GetParam().centred, GetParam().offset};
  at::Tensor x = at::randn({kRows, kFeatures});
  const at::Tensor residual = at::randn({kRows, kFeatures});
  at::Tensor weight = at::randn({kFeatures});
  at::Tensor bias = at::randn({kFeatures});
  at::Tensor sum = x.add(residual).requires_grad_(true);
  weight.requires_grad_(true);
  bias.requires_grad_(true);
  const at::Tensor scaled = weight.add(GetParam().offset);
  const at::Tensor wanted = shape.centred ? at::layer_norm(sum, {kFeatures}, scaled, bias, 1e-5)
                                          : at::rms_norm(sum, {kFeatures}, scaled, 1e-5);
  const at::Tensor dy = at::randn({kRows, kFeatures});
  backward(wanted.mul(dy).sum());

  at::Tensor y = at::zeros_like(x);
  at::Tensor total = at::zeros_like(x);
  std::vector<float> mean(kRows), rstd(kRows);
  at::Tensor dx = at::zeros_like(x);
  Group group;
  group.run([&](const Group::Lanes& lanes) {
    for (int64_t n = 0; n < kRows; ++n) {
      const int64_t at = n * kFeatures;
      norm_row(lanes, shape, data(x) + at, data(residual) + at, data(total) + at, data(weight),
               shape.centred ? data(bias) : nullptr, data(y) + at, mean.data() + n, rstd.data() + n);
      lanes.meet();
      norm_backward_row(lanes, shape, data(dy) + at, data(total) + at, mean[n], rstd[n], data(weight), nullptr,
                        data(dx) + at);
      lanes.meet();
    }
  });
  EXPECT_LT(furthest(y, wanted), 1e-5);
  EXPECT_LT(furthest(dx, sum.grad()), 2e-5);
  at::Tensor dweight = at::zeros_like(weight);
  at::Tensor dbias = at::zeros_like(bias);
  for (int64_t c = 0; c < kFeatures; ++c) {
    float parts[2][2];
    norm_backward_weight(c, kFeatures, 0, 4, data(dy), data(total), mean.data(), rstd.data(), &parts[0][0], &parts[0][1]);
    norm_backward_weight(c, kFeatures, 4, kRows, data(dy), data(total), mean.data(), rstd.data(), &parts[1][0], &parts[1][1]);
    data(dweight)[c] = parts[0][0] + parts[1][0];
    data(dbias)[c] = parts[0][1] + parts[1][1];
  }
  EXPECT_LT(furthest(dweight, weight.grad()), 2e-5);
  if (shape.centred) {
    EXPECT_LT(furthest(dbias, bias.grad()), 2e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Cuda, CudaNorm, ::testing::Values(NormCase{true, 0}, NormCase{false, 0}, NormCase{false, 1}));

at::Tensor gate_by_aten(Gate kind, const at::Tensor& x) {
  return kind == Gate::kSwiGlu ? at::silu(x)
                               : at::gelu(x, kind == Gate::kGeGlu || kind == Gate::kGelu ? "none" : "tanh");
}

TEST(CudaRows, ActivationsAreThoseOfATen) {
  for (const Gate kind : {Gate::kSwiGlu, Gate::kGeGlu, Gate::kGeGluTanh, Gate::kGelu, Gate::kGeluTanh}) {
    const int64_t inner = 19;
    const int64_t width = is_gated(kind) ? 2 * inner : inner;
    at::Tensor u = at::randn({kRows, width}).mul(3).requires_grad_(true);
    const at::Tensor bias = at::randn({width});
    const at::Tensor biased = u.add(bias);
    at::Tensor wanted = gate_by_aten(kind, biased.narrow(1, 0, inner));
    if (is_gated(kind)) {
      wanted = wanted.mul(biased.narrow(1, inner, inner));
    }
    const at::Tensor dy = at::randn({kRows, inner});
    backward(wanted.mul(dy).sum());
    at::Tensor y = at::zeros_like(dy);
    at::Tensor again = at::zeros_like(dy);
    at::Tensor du = at::zeros_like(u);
    for (int64_t n = 0; n < kRows; ++n) {
      for (int64_t i = 0; i < inner; ++i) {
        activation_element(kind, i, inner, data(u) + n * width, data(bias), data(y) + n * inner);
        activation_backward_element(kind, i, inner, data(dy) + n * inner, data(u) + n * width, data(bias),
                                    data(du) + n * width, data(again) + n * inner);
      }
    }
    EXPECT_LT(furthest(y, wanted), 1e-5) << static_cast<int>(kind);
    EXPECT_LT(furthest(du, u.grad()), 2e-5) << static_cast<int>(kind);
    EXPECT_EQ(furthest(y, again), 0);
  }
}

TEST(CudaRows, CrossEntropyIsThatOfATen) {
  const int64_t vocab = 101;
  for (const double smoothing : {0.0, 0.1}) {
    at::Tensor logits = at::randn({kRows, vocab}).mul(4).requires_grad_(true);
    at::Tensor target = at::randint(vocab, {kRows}, at::kLong);
    target.mutable_data_ptr<int64_t>()[2] = -1;
    const at::Tensor wanted = at::cross_entropy_loss(logits, target, {}, at::Reduction::None, -1, smoothing);
    backward(wanted.sum().mul(0.25));
    at::Tensor mine = logits.detach().clone();
    at::Tensor loss = at::zeros_like(wanted).detach();
    Group group;
    group.run([&](const Group::Lanes& lanes) {
      for (int64_t n = 0; n < kRows; ++n) {
        cross_entropy_row(lanes, vocab, target.const_data_ptr<int64_t>()[n], static_cast<float>(smoothing), 0.25f, true,
                          data(mine) + n * vocab, data(loss) + n);
      }
    });
    EXPECT_LT(furthest(loss, wanted), 2e-5);
    EXPECT_LT(furthest(mine, logits.grad()), 1e-6);
  }
}

TEST(CudaRows, RopeIsThatOfTheHost) {
  const int64_t half = 6;
  const RopeTable table = make_rope_table(32, 2 * half, 10000);
  at::Tensor x = at::randn({kRows, 2 * half});
  const at::Tensor position = at::randint(32, {kRows}, at::kLong);
  at::Tensor mine = x.clone();
  for (int64_t n = 0; n < kRows; ++n) {
    const int64_t at = position.const_data_ptr<int64_t>()[n] * half;
    for (int64_t i = 0; i < half; ++i) {
      rope_element(i, half, data(table.cos_PH) + at, data(table.sin_PH) + at, false, data(mine) + n * 2 * half);
    }
  }
  at::Tensor wanted = x.clone();
  rope_(wanted, table, position, 1, 2 * half, false);
  EXPECT_LT(furthest(mine, wanted), 1e-6);
  for (int64_t n = 0; n < kRows; ++n) {
    const int64_t at = position.const_data_ptr<int64_t>()[n] * half;
    for (int64_t i = 0; i < half; ++i) {
      rope_element(i, half, data(table.cos_PH) + at, data(table.sin_PH) + at, true, data(mine) + n * 2 * half);
    }
  }
  EXPECT_LT(furthest(mine, x), 1e-6);
}

TEST(CudaRows, EmbeddingBackwardIsThatOfATen) {
  const int64_t vocab = 11;
  at::Tensor table = at::randn({vocab, kFeatures}).requires_grad_(true);
  const at::Tensor index = at::randint(vocab, {40}, at::kLong);
  const at::Tensor dy = at::randn({40, kFeatures});
  backward(at::embedding(table, index).mul(dy).sum());
  std::vector<int64_t> order(40);
  for (int64_t i = 0; i < 40; ++i) {
    order[static_cast<size_t>(i)] = i;
  }
  const int64_t* rows = index.const_data_ptr<int64_t>();
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return rows[a] < rows[b]; });
  at::Tensor mine = at::zeros_like(table).detach();
  int64_t begin = 0;
  for (int64_t row = 0; row < vocab; ++row) {
    int64_t end = begin;
    while (end < 40 && rows[order[static_cast<size_t>(end)]] == row) {
      ++end;
    }
    for (int64_t c = 0; c < kFeatures; ++c) {
      embedding_backward_element(c, kFeatures, order.data(), begin, end, data(dy), data(mine) + row * kFeatures);
    }
    begin = end;
  }
  EXPECT_LT(furthest(mine, table.grad()), 1e-5);
}

TEST(CudaRows, DropoutKeepsWhatTheHostKeeps) {
  const at::Tensor x = at::randn({1000});
  const at::Tensor residual = at::randn({1000});
  at::Tensor mine = at::zeros_like(x);
  at::Tensor sum = at::zeros_like(x);
  const auto threshold = static_cast<uint32_t>(0.3 * 4294967296.0);
  for (int64_t i = 0; i < 1000; ++i) {
    dropout_element(i, 77, threshold, 1 / 0.7f, data(x), nullptr, nullptr, data(mine));
    dropout_element(i, 77, threshold, 1 / 0.7f, data(x), data(residual), data(sum), static_cast<float*>(nullptr));
  }
  EXPECT_LT(furthest(mine, dropout(x, 0.3, 77)), 1e-6);
  EXPECT_LT(furthest(sum, dropout(x, 0.3, 77).add(residual)), 1e-6);
}

}  // namespace
}  // namespace athanor::cuda
