#include <gtest/gtest.h>

#include <ATen/ops/randint.h>

#include "athanor/model/language_model.h"
#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

TEST(Model, LossFallsUnderPlainGradientDescent) {
  for (const char* family : {"llama", "gpt2"}) {
    ModelConfig config = from_depth(2, 65, 32, family);
    auto model = make_model(config, 1);
    int64_t count = 0;
    for (const NamedParameter& p : model->named_parameters()) {
      count += p.tensor.numel();
    }
    EXPECT_EQ(count, num_parameters(config));
    Batch batch;
    batch.tokens_BT = at::randint(65, {2, 16}, at::kLong);
    batch.targets_BT = batch.tokens_BT.roll({-1}, {1});
    double first = 0;
    double last = 0;
    for (int step = 0; step < 20; ++step) {
      model->begin_step();
      at::Tensor loss = model->loss_sum(batch, 0).div(32);
      last = loss.item<float>();
      first = step == 0 ? last : first;
      backward(loss);
      NoGrad no_grad;
      for (const NamedParameter& p : model->named_parameters()) {
        at::Tensor t = p.tensor;
        t.add_(t.grad(), -0.5);
        t.mutable_grad() = at::Tensor();
      }
    }
    EXPECT_NEAR(first, 4.17, 0.2);
    EXPECT_LT(last, 0.7 * first) << family;
  }
}

}  // namespace
}  // namespace athanor
