#include <gtest/gtest.h>

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/model/language_model.h"
#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

const fs::path kFixtures = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/model";

ModelConfig small(const std::string& family, double dropout = 0) {
  ModelConfig config = from_depth(2, 65, 32, family);
  config.full_every = family == "gemma3" ? 2 : 0;
  config.dropout = dropout;
  config.attention_dropout = family_of(family).recurrent ? 0 : dropout;
  return config;
}

Batch some_batch(int64_t rows, int64_t length) {
  const at::Tensor ids = at::randint(65, {rows, length + 1}, at::kLong);
  return {ids.narrow(1, 0, length).contiguous(), ids.narrow(1, 1, length).contiguous(), {}};
}

class Families : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Model, Families, testing::Values("llama", "gpt2", "qwen2", "qwen3", "gemma3", "rnn", "lstm", "gru"));

TEST_P(Families, CountsItsParametersAndTiesOnce) {
  for (const bool tied : {false, true}) {
    ModelConfig config = small(GetParam());
    config.tie_embeddings = tied;
    int64_t count = 0;
    for (const NamedParameter& p : make_model(config, 1)->named_parameters()) {
      count += p.tensor.numel();
      EXPECT_TRUE(p.tensor.requires_grad() && p.tensor.is_leaf());
      EXPECT_FALSE(p.decay && p.tensor.dim() == 1) << p.name;
    }
    EXPECT_EQ(count, num_parameters(config));
  }
}

TEST_P(Families, InitIsAFunctionOfSeedAndNameAlone) {
  for (const char* init : {"normal", "xavier_uniform", "xavier_normal", "kaiming"}) {
    ModelConfig config = small(GetParam());
    config.init = init;
    at::set_num_threads(1);
    const auto a = make_model(config, 5)->named_parameters();
    at::set_num_threads(2);
    config.num_layers = 3;  // more layers do not change the others' numbers, but for the residual scale of "normal"
    const auto b = make_model(config, 5)->named_parameters();
    EXPECT_TRUE(a[0].tensor.equal(b[0].tensor));
    EXPECT_TRUE(a[3].tensor.equal(b[3].tensor)) << a[3].name;
    EXPECT_FALSE(a[0].tensor.equal(make_model(config, 6)->named_parameters()[0].tensor));
  }
}

TEST_P(Families, AStepIsTheSameBitForBit) {
  std::vector<at::Tensor> runs[2];
  at::Tensor losses[2];
  const Batch batch = some_batch(3, 20);
  for (int i = 0; i < 2; ++i) {
    auto model = make_model(small(GetParam(), 0.1), 1);
    model->set_training(true);
    const at::Tensor loss = model->loss_sum(batch, 77);
    losses[i] = loss.detach();
    backward(loss);
    for (const NamedParameter& p : model->named_parameters()) {
      runs[i].push_back(p.tensor.grad());
    }
  }
  EXPECT_TRUE(losses[0].equal(losses[1]));
  for (size_t i = 0; i < runs[0].size(); ++i) {
    EXPECT_TRUE(runs[0][i].equal(runs[1][i])) << i;
  }
}

TEST_P(Families, DropoutActsInTrainingOnly) {
  auto model = make_model(small(GetParam(), 0.2), 1);
  const Batch batch = some_batch(2, 16);
  NoGrad no_grad;
  EXPECT_TRUE(model->loss_sum(batch, 1).equal(model->loss_sum(batch, 2)));
  model->set_training(true);
  EXPECT_FALSE(model->loss_sum(batch, 1).equal(model->loss_sum(batch, 2)));
  model->token_losses(batch);
  EXPECT_TRUE(model->training());
}

// The hand-written gradient through dropout against differences of the loss along a random direction.
TEST_P(Families, GradientAgreesWithDifferences) {
  auto model = make_model(small(GetParam(), 0.1), 1);
  model->set_training(true);
  const Batch batch = some_batch(2, 12);
  backward(model->loss_sum(batch, 9));
  for (const NamedParameter& p : model->named_parameters()) {
    const at::Tensor direction = p.tensor.grad().div(p.tensor.grad().norm().clamp_min(1e-12));
    const double slope = p.tensor.grad().mul(direction).sum().item<double>();
    const double step = 0.005;
    NoGrad no_grad;
    at::Tensor moved = p.tensor;
    moved.add_(direction, step);
    const double above = model->loss_sum(batch, 9).item<double>();
    moved.add_(direction, -2 * step);
    const double below = model->loss_sum(batch, 9).item<double>();
    moved.add_(direction, step);
    EXPECT_NEAR((above - below) / (2 * step), slope, 0.02 * std::abs(slope) + 0.02) << p.name;
  }
}

// Two documents packed in one row give the losses that each gives alone.
TEST_P(Families, PackedDocumentsDoNotSeeEachOther) {
  auto model = make_model(small(GetParam()), 3);
  const Batch first = some_batch(1, 11);
  const Batch second = some_batch(1, 17);
  Batch packed;
  packed.tokens_BT = at::cat({first.tokens_BT, second.tokens_BT}, 1);
  packed.targets_BT = at::cat({first.targets_BT, second.targets_BT}, 1);
  packed.document_BT = at::zeros({1, 28}, at::kInt);
  packed.document_BT.narrow(1, 11, 17).fill_(1);
  const at::Tensor apart = at::cat({model->token_losses(first), model->token_losses(second)}, 1);
  EXPECT_LT(model->token_losses(packed).sub(apart).abs().max().item<float>(), 1e-4);
  packed.document_BT = at::Tensor();
  EXPECT_GT(model->token_losses(packed).sub(apart).abs().max().item<float>(), 1e-4);
}

TEST_P(Families, Learns) {
  auto model = make_model(small(GetParam()), 1);
  const Batch batch = some_batch(2, 16);
  double first = 0;
  double last = 0;
  for (int step = 0; step < 60; ++step) {
    model->begin_step();
    const at::Tensor loss = model->loss_sum(batch, 0).div(32.0);
    last = loss.item<double>();
    first = step == 0 ? last : first;
    backward(loss);
    NoGrad no_grad;
    for (const NamedParameter& p : model->named_parameters()) {
      at::Tensor tensor = p.tensor;
      tensor.add_(tensor.grad(), std::string(GetParam()) == "lstm" || std::string(GetParam()) == "gru" ? -0.5 : -0.1);
      tensor.mutable_grad() = at::Tensor();
    }
  }
  EXPECT_NEAR(first, 4.17, 0.2);
  EXPECT_LT(last, 0.8 * first);
}

TEST(Decoder, TooLongARowNamesTheKeyThatCutsIt) {
  auto model = make_model(from_depth(1, 64, 16), 1);
  NoGrad no_grad;
  try {
    model->loss_sum(some_batch(1, 17), 0);
    FAIL() << "17 tokens in 16 positions";
  } catch (const Error& error) {
    EXPECT_EQ(error.hint().rfind("sequence_length=16 or less", 0), 0u) << error.hint();
  }
}

TEST(Config, OneDialDerivesTheRest) {
  const ModelConfig six = from_depth(6, 8192, 256);
  EXPECT_EQ(six.hidden_size, 384);
  EXPECT_EQ(six.num_heads, 6);
  EXPECT_EQ(six.num_kv_heads, 3);
  EXPECT_EQ(six.intermediate_size, 1024);
  EXPECT_EQ(num_parameters(six), 6 * (384 * 768 + 384 * 384 + 3 * 384 * 1024 + 2 * 384) + 384 + 2 * 8192 * 384);
  EXPECT_DOUBLE_EQ(flops_per_token(six, 256),
                   6.0 * static_cast<double>(num_parameters(six) - 8192 * 384) + 12.0 * 6 * 384 * 256);
  EXPECT_EQ(from_depth(12, 100, 64).num_heads, 6);
  EXPECT_EQ(from_depth(12, 100, 64).hidden_size, 768);
  EXPECT_THROW(from_depth(0, 100, 64), Error);
}

TEST(Config, SurvivesHfAndRefusesWhatItCannotCompute) {
  for (const std::string& family : decoder_families()) {
    ModelConfig config = small(family);
    config.rope_scaling = {"llama3", 8, 1, 4, 16};
    config.bos_id = 1;
    config.eos_ids = {2, 3};
    const nlohmann::json json = to_hf_config(config);
    EXPECT_EQ(to_hf_config(from_hf_config(json, "x")), json);
  }
  const nlohmann::json good = to_hf_config(small("llama"));
  const std::pair<const char*, nlohmann::json> bad[] = {
      {"attention_bias", true},      {"mlp_bias", true},          {"hidden_act", "relu"},
      {"rope_scaling", {{"type", "longrope"}, {"factor", 2}}},    {"rope_parameters", {{"rope_type", "llama3"}}},
      {"num_key_value_heads", 5},    {"hidden_size", "384"},      {"hidden_size", -4},
      {"model_type", "bart"},        {"vocab_size", nullptr},     {"quantization_config", {{"bits", 4}}},
      {"num_attention_heads", 0},    {"rms_norm_eps", 0},         {"eos_token_id", {"a"}}};
  for (const auto& [key, value] : bad) {
    nlohmann::json json = good;
    json[key] = value;
    EXPECT_THROW(from_hf_config(json, "config.json"), Error) << key;
  }
  EXPECT_THROW(from_hf_config(nlohmann::json::array(), "config.json"), Error);
}

TEST(Files, NamesWhatIsWrong) {
  const fs::path folder = fs::path(testing::TempDir()) / "athanor_model_files";
  fs::remove_all(folder);
  save_model(*make_model(small("llama"), 1), folder);
  const auto message_with = [&](const std::string& config_key, const nlohmann::json& value) -> std::string {
    nlohmann::json json = to_hf_config(small("llama"));
    json[config_key] = value;
    write_file_atomic(folder / "config.json", json.dump());
    try {
      load_model(folder);
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  };
  const auto says = [](const std::string& message, const char* part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  const std::string shapes = message_with("intermediate_size", 400);
  says(shapes, "model.layers.0.mlp.gate_proj.weight is [384, 128] in the file and [400, 128] by config.json");
  says(shapes, "(6 tensors)");
  says(message_with("num_hidden_layers", 3), "the files lack: model.layers.2.");
  const std::string extra = message_with("num_hidden_layers", 1);
  says(extra, "does not belong");
  says(extra, "model.layers.1.self_attn.q_proj.weight [128, 128]");
  says(message_with("tie_word_embeddings", true), "lm_head.weight differs from model.embed_tokens.weight");
  for (const char* absurd : {"num_hidden_layers", "vocab_size", "intermediate_size"}) {  // no memory is asked for
    says(message_with(absurd, 2'000'000'000), "parameters, and the files hold ");
  }
  EXPECT_EQ(message_with("num_hidden_layers", 2), "");
  const std::string bytes = read_file(folder / "model.safetensors");
  write_file_atomic(folder / "model.safetensors", bytes.substr(0, bytes.size() / 2));
  EXPECT_THROW(load_model(folder), Error);
  fs::remove(folder / "model.safetensors");
  EXPECT_THROW(load_model(folder), Error);
  write_file_atomic(folder / "config.json", "{");
  EXPECT_THROW(load_model(folder), Error);
  fs::remove_all(folder);
}

TEST(Files, WeightsThatAreNotFiniteAreNamed) {
  const fs::path folder = fs::path(testing::TempDir()) / "athanor_model_nan";
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    fs::remove_all(folder);
    auto model = make_model(small("llama"), 1);
    NoGrad no_grad;
    at::Tensor norm = model->named_parameters()[3].tensor;
    norm.view({-1}).select(0, 2).fill_(bad);
    save_model(*model, folder);
    try {
      load_model(folder);
      FAIL() << "loaded";
    } catch (const Error& error) {
      EXPECT_NE(error.message().find("'" + model->named_parameters()[3].name + "' holds values that are not finite"),
                std::string::npos)
          << error.message();
    }
  }
  fs::remove_all(folder);
}

TEST(Files, ReadsShardsAndHalfPrecision) {
  const fs::path folder = fs::path(testing::TempDir()) / "athanor_model_shards";
  fs::remove_all(folder);
  auto model = make_model(small("gpt2"), 1);
  save_model(*model, folder, Precision::kBf16);
  fs::rename(folder / "model.safetensors", folder / "model-00001-of-00001.safetensors");
  write_file_atomic(folder / "model.safetensors.index.json",
                    R"({"weight_map": {"transformer.wte.weight": "model-00001-of-00001.safetensors"}})");
  const auto again = load_model(folder)->named_parameters();
  const auto before = model->named_parameters();
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(again[i].tensor.equal(before[i].tensor.to(at::kBFloat16).to(at::kFloat))) << before[i].name;
  }
  write_file_atomic(folder / "model.safetensors.index.json", R"({"weight_map": {"a": "../x"}})");
  EXPECT_THROW(load_model(folder), Error);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace athanor
