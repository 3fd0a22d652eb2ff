// Recurrent language models against PyTorch: fixtures of tests/parity/make_recurrent_fixtures.py.
#include <gtest/gtest.h>

#include <ATen/ops/cat.h>
#include <ATen/ops/randint.h>

#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/model/language_model.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/weights.h"

namespace athanor {
namespace {

const fs::path kFolder = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/model/recurrent";
constexpr double kTolerance = 1e-4;

ModelConfig config_of(const nlohmann::json& all, const nlohmann::json& json) {
  ModelConfig config = from_depth(1, all.at("vocab_size"), all.at("length"), json.at("family"));
  set_width(config, all.at("hidden_size"));
  config.num_layers = json.at("layers");
  config.tie_embeddings = json.at("tied");
  config.bptt = json.at("bptt");
  return config;
}

class Fixture {
 public:
  explicit Fixture(const std::string& name)
      : path_(kFolder / (name + ".safetensors")), file_(SafetensorsFile::open(path_)) {}
  at::Tensor get(const std::string& name) const {
    const TensorView* view = file_.find(name);
    return view == nullptr ? at::Tensor() : as_tensor(*view, path_.string()).clone();
  }
  Batch batch() const { return {get("tokens"), get("targets"), get("documents")}; }
  std::unique_ptr<LanguageModel> model(const ModelConfig& config) const {
    NoGrad no_grad;
    auto made = make_model(config, 1);
    for (const NamedParameter& parameter : made->named_parameters()) {
      at::Tensor into = parameter.tensor;
      into.copy_(get("param." + parameter.name));
    }
    return made;
  }

 private:
  fs::path path_;
  SafetensorsFile file_;
};

double apart(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return a.sub(b).abs().max().item<double>();
}

nlohmann::json cases() { return nlohmann::json::parse(read_file(kFolder / "cases.json", 1 << 20)); }

TEST(RecurrentParity, LogitsLossAndGradientsAreThoseOfPyTorch) {
  const nlohmann::json all = cases();
  for (const auto& [name, json] : all.at("cases").items()) {
    SCOPED_TRACE(name);
    const Fixture fixture(name);
    const auto model = fixture.model(config_of(all, json));
    model->set_training(true);
    const Batch batch = fixture.batch();
    const at::Tensor logits = model->logits(model->hidden(batch, 0));
    EXPECT_LE(apart(logits, fixture.get("logits")), kTolerance);
    const at::Tensor loss = model->loss_sum(batch, 0).div(batch.targets_BT.ge(0).sum());
    EXPECT_NEAR(loss.item<double>(), fixture.get("loss").item<double>(), 1e-5);
    backward(loss);
    double worst = 0;
    for (const NamedParameter& parameter : model->named_parameters()) {
      const double found = apart(parameter.tensor.grad(), fixture.get("grad." + parameter.name));
      EXPECT_LE(found, kTolerance) << parameter.name;
      worst = std::max(worst, found);
    }
    std::printf("  %s: logits within %.1e, gradients within %.1e\n", name.c_str(), apart(logits, fixture.get("logits")), worst);
  }
}

TEST(RecurrentParity, HalfPrecisionStaysNear) {
  const nlohmann::json all = cases();
  for (const auto& [name, json] : all.at("cases").items()) {
    const Fixture fixture(name);
    const auto model = fixture.model(config_of(all, json));
    const Batch batch = fixture.batch();
    const double count = batch.targets_BT.ge(0).sum().item<double>();
    for (const Precision precision : {Precision::kBf16, Precision::kFp16}) {
      model->set_precision(precision);
      model->begin_step();
      EXPECT_NEAR(model->loss_sum(batch, 0).item<double>() / count, fixture.get("loss").item<double>(), 0.03) << name;
    }
  }
}

// Steps of several sizes that carry the state against the whole row at once.
TEST(Recurrent, TheCarriedStateIsTheWholeRow) {
  for (const char* family : {"rnn", "lstm", "gru"}) {
    NoGrad no_grad;
    const auto model = make_model(from_depth(2, 40, 16, family), 3);
    const at::Tensor ids = at::randint(40, {2, 30}, at::kLong);
    const at::Tensor want = model->logits(model->hidden({ids, {}, {}}, 0));
    KvCache cache = model->make_cache(2, 16);
    for (const auto& [first, count] : {std::pair(0, 5), std::pair(5, 1), std::pair(6, 23), std::pair(29, 1)}) {
      const at::Tensor logits = model->decode_step(ids.narrow(1, first, count).contiguous(), cache);
      EXPECT_LE(apart(logits, want.select(1, first + count - 1)), 1e-5) << family;
    }
    EXPECT_EQ(cache.length(), 30);
    EXPECT_EQ(cache.truncate(30), 30);
    EXPECT_EQ(cache.truncate(12), 0);  // a state cannot be undone
    EXPECT_LE(apart(model->decode_step(ids, cache), want.select(1, 29)), 1e-5);
    EXPECT_THROW(model->decode_step(ids.narrow(0, 0, 1), cache), Error);
  }
}

TEST(Recurrent, SavedAndLoadedIsTheSame) {
  const fs::path folder = fs::path(testing::TempDir()) / "athanor_recurrent";
  for (const char* family : {"rnn", "lstm", "gru"}) {
    for (const bool tied : {false, true}) {
      fs::remove_all(folder);
      ModelConfig config = from_depth(2, 40, 16, family);
      config.tie_embeddings = tied;
      config.dropout = 0.1;
      const auto model = make_model(config, 3);
      save_model(*model, folder);
      const auto again = load_model(folder);
      const Batch batch{at::randint(40, {2, 9}, at::kLong), at::randint(40, {2, 9}, at::kLong), {}};
      EXPECT_TRUE(model->token_losses(batch).equal(again->token_losses(batch)));
      EXPECT_EQ(to_hf_config(again->config()), to_hf_config(config));
    }
  }
  fs::remove_all(folder);
}

TEST(Recurrent, WhatDoesNotFitIsNamed) {
  const auto refused = [](auto change) {
    ModelConfig config = from_depth(2, 40, 16, "lstm");
    change(config);
    EXPECT_THROW(make_model(config, 1), Error);
  };
  refused([](ModelConfig& c) { c.num_heads = 4; });
  refused([](ModelConfig& c) { c.intermediate_size = 4; });
  refused([](ModelConfig& c) { c.head_dim = 4; });
  refused([](ModelConfig& c) { c.stochastic_depth = 0.1; });
  refused([](ModelConfig& c) { c.sliding_window = 8; });
  refused([](ModelConfig& c) { c.bptt = -1; });
  ModelConfig llama = from_depth(2, 40, 16);
  llama.bptt = 4;
  EXPECT_THROW(make_model(llama, 1), Error);
  llama.bptt = 0;
  llama.sliding_window = 4;
  EXPECT_THROW(make_model(llama, 1), Error);
}

}  // namespace
}  // namespace athanor
