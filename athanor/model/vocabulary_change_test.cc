#include "athanor/model/vocabulary_change.h"

#include <ATen/ops/mean.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "athanor/base/error.h"
#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

class VocabularyChange : public testing::TestWithParam<std::tuple<const char*, bool>> {
 protected:
  VocabularyChange() {
    ModelConfig config = from_depth(1, 20, 16, std::get<0>(GetParam()));
    config.tie_embeddings = std::get<1>(GetParam());
    config.bos_id = 3;
    config.eos_ids = {3, 4};
    model_ = make_model(config, 7);
  }
  std::unique_ptr<LanguageModel> model_;
};
INSTANTIATE_TEST_SUITE_P(Model, VocabularyChange,
                         testing::Combine(testing::Values("llama", "gpt2", "qwen3", "gemma3"), testing::Bool()));

// A pruned and permuted vocabulary gives the same logits for the tokens that stay.
TEST_P(VocabularyChange, KeptTokensKeepTheirLogits) {
  const std::vector<std::vector<int32_t>> sources = {{3}, {7}, {0}, {19}, {8, 9}, {}};
  const auto changed = change_vocabulary(*model_, sources);
  EXPECT_EQ(changed->config().vocab_size, 6);
  EXPECT_EQ(changed->config().bos_id, 0);
  EXPECT_EQ(changed->config().eos_ids, std::vector<int64_t>{0});  // 4 is gone
  const NoGrad no_grad;
  const at::Tensor old_ids = at::tensor({3, 7, 0, 19}, at::kLong).view({1, 4});
  const at::Tensor new_ids = at::tensor({0, 1, 2, 3}, at::kLong).view({1, 4});
  const at::Tensor before = model_->logits(model_->hidden({old_ids, {}, {}}, 0));
  const at::Tensor after = changed->logits(changed->hidden({new_ids, {}, {}}, 0));
  EXPECT_TRUE(after.narrow(2, 0, 4).allclose(before.index_select(2, old_ids.view(-1)), 1e-5, 1e-6));
}

TEST_P(VocabularyChange, NewRowsAreMeans) {
  const auto changed = change_vocabulary(*model_, std::vector<std::vector<int32_t>>{{8, 9}, {}, {5}});
  const at::Tensor old_VD = model_->named_parameters()[0].tensor;
  const at::Tensor new_VD = changed->named_parameters()[0].tensor;
  EXPECT_TRUE(new_VD.select(0, 0).allclose(old_VD.narrow(0, 8, 2).mean(0)));
  EXPECT_TRUE(new_VD.select(0, 1).allclose(old_VD.mean(0)));
  EXPECT_TRUE(new_VD.select(0, 2).equal(old_VD.select(0, 5)));
  EXPECT_TRUE(changed->named_parameters()[2].tensor.equal(model_->named_parameters()[2].tensor));
}

TEST_P(VocabularyChange, RefusesForeignIds) {
  EXPECT_THROW(change_vocabulary(*model_, std::vector<std::vector<int32_t>>{{20}}), Error);
  EXPECT_THROW(change_vocabulary(*model_, std::vector<std::vector<int32_t>>{{-1}}), Error);
}

}  // namespace
}  // namespace athanor
