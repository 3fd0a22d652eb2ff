// Recomputation changes memory and time, never a bit of a gradient.
#include "athanor/model/recompute.h"

#include <gtest/gtest.h>

#include <ATen/ops/randint.h>

#include "athanor/model/language_model.h"
#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

std::vector<at::Tensor> gradients(LanguageModel& model, const Batch& batch, Recompute recompute) {
  model.set_recompute(recompute);
  model.begin_step();
  backward(model.loss_sum(batch, 5));
  std::vector<at::Tensor> grads;
  for (const NamedParameter& parameter : model.named_parameters()) {
    grads.push_back(parameter.tensor.grad());
    parameter.tensor.mutable_grad() = at::Tensor();
  }
  return grads;
}

TEST(Recompute, GradientsKeepTheirBits) {
  for (const char* family : {"llama", "gpt2"}) {
    ModelConfig config = from_depth(2, 64, 32, family);
    config.dropout = 0.1;
    config.stochastic_depth = 0.3;
    for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
      auto model = make_model(config, 3);
      model->set_precision(precision);
      model->set_training(true);
      const at::Tensor ids = at::randint(64, {4, 33}, at::kLong);
      const Batch batch{ids.narrow(1, 0, 32).contiguous(), ids.narrow(1, 1, 32).contiguous(), {}};
      const auto want = gradients(*model, batch, Recompute::kNone);
      for (const Recompute recompute : {Recompute::kMlp, Recompute::kBlock}) {
        const auto got = gradients(*model, batch, recompute);
        for (size_t i = 0; i < want.size(); ++i) {
          ASSERT_TRUE(got[i].defined()) << model->named_parameters()[i].name;
          EXPECT_TRUE(got[i].equal(want[i])) << model->named_parameters()[i].name;
        }
      }
    }
  }
}

TEST(Recompute, WithoutGradientsItIsTheFunction) {
  auto model = make_model(from_depth(1, 64, 32), 3);
  model->set_recompute(Recompute::kBlock);
  const NoGrad no_grad;
  const at::Tensor ids = at::randint(64, {2, 16}, at::kLong);
  EXPECT_FALSE(model->loss_sum({ids, ids, {}}, 1).requires_grad());
}

}  // namespace
}  // namespace athanor
