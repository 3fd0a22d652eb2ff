// Training on a GPU (the machine's own, or that of tensor/device/testing_fake_gpu.h, whose memory the host cannot touch) against
// the host.
#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <sstream>
#include <tuple>
#include <utility>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/tensor/device/launch.h"
#include "athanor/tensor/device/testing_fake_gpu.h"
#include "athanor/train/objectives/masked.h"
#include "athanor/train/objectives/testing_nets.h"
#include "athanor/train/optimizer.h"
#include "athanor/train/testing_bench.h"

namespace athanor {
namespace {

using namespace testing_train;

class TrainDevice : public ::testing::Test {
 protected:
  void SetUp() override { use_any_gpu(); }
  void TearDown() override { set_gpu_unit(nullptr); }
};

std::vector<double> losses_in(const std::string& log) {
  std::vector<double> losses;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const nlohmann::json event = nlohmann::json::parse(line);
    if (event["type"] == "step" || event["type"] == "eval") {
      losses.push_back(event["loss"].get<double>());
    }
  }
  return losses;
}

void expect_same_course(const std::string& host, const std::string& gpu, double bound, bool learns = true) {
  const std::vector<double> wanted = losses_in(host);
  const std::vector<double> got = losses_in(gpu);
  ASSERT_EQ(wanted.size(), got.size());
  ASSERT_GT(wanted.size(), 4u);
  EXPECT_TRUE(!learns || wanted.back() < wanted.front());
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_NEAR(wanted[i], got[i], bound * wanted[i]) << i;
  }
}

ModelConfig config_of(const std::string& family) {
  ModelConfig config = from_depth(1, 32, 32, family);
  set_width(config, 32);
  set_heads(config, 4);
  config.num_layers = 2;
  if (config.sliding_window > 0) {
    config.sliding_window = 4;
  }
  return config;
}

class TrainFamily : public TrainDevice, public ::testing::WithParamInterface<const char*> {};

TEST_P(TrainFamily, TakesTheHostsCourse) {
  TrainOptions options = tiny_options(6);
  options.optimizer.lr = 3e-3;
  Bench host;
  host.go(*make_model(config_of(GetParam()), 1), options);
  options.device = "cuda";
  options.mfu = false;
  Bench gpu;
  const auto model = make_model(config_of(GetParam()), 1);
  const TrainResult result = gpu.go(*model, options);
  EXPECT_EQ(result.status, TrainStatus::kDone);
  expect_same_course(host.log, gpu.log, 2e-4);
  for (const NamedParameter& parameter : model->named_parameters()) {
    EXPECT_TRUE(parameter.tensor.is_cpu()) << "it comes back: " << parameter.name;
  }
  EXPECT_TRUE(result.memory_by_use.contains("gpu_peak"));
}

INSTANTIATE_TEST_SUITE_P(All, TrainFamily, ::testing::Values("llama", "qwen2", "qwen3", "gemma3", "gpt2"));

class TrainNet : public TrainDevice, public ::testing::WithParamInterface<std::tuple<const char*, const char*>> {};

TEST_P(TrainNet, TakesTheHostsCourse) {
  const std::string family = std::get<0>(GetParam());
  const std::string precision = std::get<1>(GetParam());
  NetConfig config = config_for(family.substr(0, family.find('/')));
  if (family.find('/') != std::string::npos) {
    config.options.norm = family.substr(family.find('/') + 1);
  }
  const LabelledExamples set = examples_for(config.shape);
  const TemporaryFolder folder;
  std::vector<std::string> logs;
  for (const char* device : {"cpu", "cuda"}) {
    TrainOptions options = tiny_options(6);
    options.batch_size = 16;
    options.optimizer.lr = 4e-3;
    options.schedule.warmup_steps = 0;
    options.eval_every = 3;
    options.precision = precision;
    options.device = device;
    const auto net = make_net(config, 1);
    ClassificationObjective objective(*net, set, &set, options, {});
    TrainHooks hooks;
    logs.emplace_back();
    hooks.emit = [&](const nlohmann::json& event) { logs.back() += event.dump() + "\n"; };
    train(objective, options, folder.path() / device, hooks);
    EXPECT_TRUE(net->device().is_cpu());
  }
  expect_same_course(logs[0], logs[1], precision == "fp32" ? 3e-3 : 2e-2, false);  // six steps are few
}

INSTANTIATE_TEST_SUITE_P(All, TrainNet,
                         ::testing::Combine(::testing::Values("mlp", "mlp/layer", "mlp/batch", "rnn", "lstm", "gru", "textcnn", "tcn",
                                                              "cnn", "resnet", "bert", "roberta"),
                                            ::testing::Values("fp32", "bf16", "fp16")));

TEST_F(TrainDevice, RecurrentLanguageModels) {
  for (const char* family : {"lstm", "gru"}) {
    ModelConfig config = from_depth(1, 32, 32, family);
    config.dropout = 0.1;
    TrainOptions options = tiny_options(5);
    Bench host;
    host.go(*make_model(config, 1), options);
    options.device = "cuda";
    Bench gpu;
    gpu.go(*make_model(config, 1), options);
    expect_same_course(host.log, gpu.log, 1e-3);
  }
}

TEST_F(TrainDevice, EveryOptimiserTakesTheHostsCourse) {
  for (const char* name : {"adamw", "adam", "sgd", "adagrad", "adadelta", "rmsprop", "lion", "muon"}) {
    SCOPED_TRACE(name);
    TrainOptions options = tiny_options(3);
    options.eval_every = 0;
    options.optimizer.name = name;
    options.optimizer.lr = std::string(name) == "lion" ? 1e-3 : 5e-3;
    options.optimizer.l2 = std::string(name) == "sgd" ? 0.01 : 0;
    options.optimizer.l1 = std::string(name) == "adam" ? 0.001 : 0;
    options.grad_noise = 1e-4;
    options.ema_decay = 0.5;
    Bench host;
    host.go(*make_model(tiny_config(0.1), 1), options);
    options.device = "cuda";
    Bench gpu;
    gpu.go(*make_model(tiny_config(0.1), 1), options);
    const std::vector<double> wanted = losses_in(host.log);
    const std::vector<double> got = losses_in(gpu.log);
    ASSERT_EQ(wanted.size(), got.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_NEAR(wanted[i], got[i], 2e-3 * wanted[i]) << i;
    }
  }
}

TEST_F(TrainDevice, MomentumAndItsLook) {
  for (const bool nesterov : {false, true}) {
    TrainOptions options = tiny_options(6);
    options.optimizer.name = nesterov ? "sgd" : "rmsprop";
    options.optimizer.momentum = 0.9;
    options.optimizer.nesterov = nesterov;
    options.optimizer.lr = nesterov ? 5e-2 : 1e-3;
    Bench host;
    host.go(*make_model(tiny_config(), 1), options);
    options.device = "cuda";
    Bench gpu;
    gpu.go(*make_model(tiny_config(), 1), options);
    expect_same_course(host.log, gpu.log, 5e-4);
  }
}

TEST_F(TrainDevice, HalfPrecisionTakesTheHostsCourse) {
  for (const char* precision : {"bf16", "fp16"}) {
    SCOPED_TRACE(precision);
    TrainOptions options = tiny_options(8);
    options.precision = precision;
    Bench host;
    host.go(*make_model(tiny_config(), 1), options);
    options.device = "cuda";
    Bench gpu;
    gpu.go(*make_model(tiny_config(), 1), options);
    expect_same_course(host.log, gpu.log, 2e-2);
  }
}

TEST_F(TrainDevice, StoppedAndResumedIsTheSameToTheBitAndMovesBetweenDevices) {
  TrainOptions options = tiny_options(10);
  options.device = "cuda";
  options.micro_batch = 3;
  options.watch_every = 2;
  Bench whole;
  const auto model = make_model(tiny_config(0.1), 1);
  whole.go(*model, options);
  Bench parts;
  TrainOptions until = options;
  until.stop_at = 4;
  parts.go(*make_model(tiny_config(0.1), 1), until);
  const auto after = make_model(tiny_config(0.1), 1);
  EXPECT_EQ(parts.go(*after, options).resumed_from, 4);
  EXPECT_TRUE(same_weights(*model, *after));
  EXPECT_EQ(parts.log, whole.log);

  Bench mixed;  // begun on the GPU, ended on the host
  mixed.go(*make_model(tiny_config(0.1), 1), until);
  options.device = "cpu";
  EXPECT_EQ(mixed.go(*make_model(tiny_config(0.1), 1), options).resumed_from, 4);
  expect_same_course(whole.log, mixed.log, 5e-3);
}

TEST_F(TrainDevice, RecomputationAndStochasticDepth) {
  ModelConfig config = tiny_config(0.1);
  config.stochastic_depth = 0.3;
  TrainOptions options = tiny_options(6);
  Bench host;
  host.go(*make_model(config, 1), options);
  options.device = "cuda:0";
  Bench gpu;
  const auto model = make_model(config, 1);
  model->set_recompute(Recompute::kBlock);
  gpu.go(*model, options);
  expect_same_course(host.log, gpu.log, 2e-3);
}

TEST_F(TrainDevice, Encoders) {
  MaskedVocabulary vocabulary;
  vocabulary.vocab_size = 40;
  vocabulary.begin = 37;
  vocabulary.separator = 38;
  vocabulary.mask = 36;
  vocabulary.special.assign(40, false);
  std::fill(vocabulary.special.begin() + 36, vocabulary.special.end(), true);
  const TemporaryFolder folder;
  const TokenSet tokens = make_token_set(folder.path() / "a", counting_documents(100, 40, 36, 1), 40);
  ModelConfig config = from_depth(1, 40, 32, "bert");
  set_width(config, 64);
  config.init_std = 0.05;
  config.head = "pretraining";
  std::vector<std::string> logs;
  for (const auto& [device, precision] : {std::pair("cpu", "fp32"), std::pair("cuda", "fp32"), std::pair("cpu", "bf16"),
                                          std::pair("cuda", "bf16"), std::pair("cpu", "fp16"), std::pair("cuda", "fp16")}) {
    TrainOptions options = tiny_options(8);
    options.precision = precision;
    options.sequence_length = 32;
    options.batch_size = 8;
    options.optimizer.lr = 3e-3;
    options.device = device;
    MaskingOptions masking;
    masking.next_sentence = true;
    const auto model = make_encoder(config, 1);
    MaskedObjective objective(*model, tokens, &tokens, vocabulary, masking, options);
    TrainHooks hooks;
    logs.emplace_back();
    hooks.emit = [&](const nlohmann::json& event) { logs.back() += event.dump() + "\n"; };
    train(objective, options, folder.path() / precision / device, hooks);
  }
  expect_same_course(logs[0], logs[1], 1e-3);
  expect_same_course(logs[2], logs[3], 2e-2);
  expect_same_course(logs[4], logs[5], 2e-2);
}

at::Tensor numbers(at::IntArrayRef sizes, uint64_t seed) {
  at::Tensor tensor = at::empty(sizes);
  Rng rng(seed);
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.mutable_data_ptr<float>()[i] = static_cast<float>(rng.normal());
  }
  return tensor;
}

// Four updates by the same gradients, wherever the parameters lie.
struct Updated {
  NamedTensors weights, state;
};
Updated update_on(at::Device device, const OptimizerOptions& options) {
  std::vector<NamedParameter> parameters{{"a.weight", numbers({70, 33}, 1).to(device), true},
                                         {"b.bias", numbers({5}, 2).to(device), false},
                                         {"embed_tokens.weight", numbers({211, 97}, 3).to(device), true}};
  Optimizer optimizer(parameters, options);
  for (uint64_t step = 0; step < 4; ++step) {
    for (size_t i = 0; i < parameters.size(); ++i) {
      parameters[i].tensor.mutable_grad() = numbers(parameters[i].tensor.sizes(), 10 * step + i).to(device);
    }
    optimizer.step(0.01, 0.5);
  }
  Updated updated;
  for (const NamedParameter& parameter : parameters) {
    updated.weights.emplace_back(parameter.name, parameter.tensor.to(at::kCPU));
  }
  for (const auto& [name, tensor] : optimizer.state()) {
    updated.state.emplace_back(name, tensor.to(at::kCPU));
  }
  return updated;
}

// The same random bits as the host. A value that the host's vectors round otherwise in its last bit of fp32 crosses the bound
// between two numbers of bf16 once in 65536 elements.
TEST_F(TrainDevice, StateInBf16IsRoundedAsTheHostRoundsIt) {
  for (const char* name : {"adamw", "adam", "sgd", "adagrad", "adadelta", "rmsprop", "lion", "muon"}) {
    for (const double momentum : {-1.0, 0.5}) {
      SCOPED_TRACE(name + std::to_string(momentum));
      OptimizerOptions options;
      options.name = name;
      options.state = "bf16";
      options.momentum = momentum;
      options.l1 = options.l2 = momentum > 0 ? 0.01 : 0;
      const Updated host = update_on(at::kCPU, options);
      const Updated gpu = update_on(use_any_gpu(), options);
      for (size_t i = 0; i < host.weights.size(); ++i) {
        const at::Tensor others = host.weights[i].second.sub(gpu.weights[i].second).abs().gt(1e-4);  // by other state
        EXPECT_LE(others.sum().item<int64_t>(), 2 + others.numel() / 1000) << i;
      }
      ASSERT_EQ(host.state.size(), gpu.state.size());
      for (size_t i = 0; i < host.state.size(); ++i) {
        const at::Tensor& wanted = host.state[i].second;
        EXPECT_EQ(wanted.scalar_type(), at::kBFloat16);
        const int64_t others = wanted.ne(gpu.state[i].second).sum().item<int64_t>();
        EXPECT_LE(others, 2 + wanted.numel() / 1000) << host.state[i].first;
      }
    }
  }
}

TEST_F(TrainDevice, RoundingByChanceIsTheHostsToTheBit) {
  const at::Device gpu = use_any_gpu();
  const at::Tensor from = numbers({1003}, 5);
  const std::array<uint32_t, 6> special{0x7fffffffu, 0xffffffffu, 0x7f800001u, 0x7fc00000u, 0x7f800000u, 0xff800000u};
  for (int64_t i = 0; i < 600; ++i) {  // four kinds of NaN, both infinities, each under many random bits
    std::memcpy(from.mutable_data_ptr<float>() + i, &special[static_cast<size_t>(i) % special.size()], sizeof(float));
  }
  for (const uint64_t index : {uint64_t{0}, uint64_t{7}, (uint64_t{1} << 32) - 8, (uint64_t{5} << 32) + 3}) {
    const at::Tensor wanted = at::empty({1003}, at::kBFloat16);
    round_by_chance(from.const_data_ptr<float>(), wanted.mutable_data_ptr<c10::BFloat16>(), 1003, index, 77);
    const at::Tensor there = from.to(gpu);
    const at::Tensor got = at::empty({1003}, there.options().dtype(at::kBFloat16));
    device::launch("a rounding", gpu_unit().round_by_chance, there, int64_t{1003}, index, uint64_t{77}, there.const_data_ptr<float>(),
                   got.mutable_data_ptr());
    EXPECT_TRUE(got.to(at::kCPU).view(at::kShort).equal(wanted.view(at::kShort))) << index;
    for (int64_t i = 0; i < 600; ++i) {
      const auto number = static_cast<float>(wanted.const_data_ptr<c10::BFloat16>()[i]);
      EXPECT_TRUE(i % 6 < 4 ? std::isnan(number) : std::isinf(number) && std::signbit(number) == (i % 6 == 5)) << i << ": " << number;
    }
  }
}

TEST_F(TrainDevice, StateInBf16ResumesToTheBit) {
  TrainOptions options = tiny_options(8);
  options.device = "cuda";
  options.optimizer.state = "bf16";
  Bench whole;
  const auto model = make_model(tiny_config(), 1);
  whole.go(*model, options);
  Bench host;
  TrainOptions there = options;
  there.device = "cpu";
  host.go(*make_model(tiny_config(), 1), there);
  expect_same_course(host.log, whole.log, 2e-3);
  Bench parts;
  TrainOptions until = options;
  until.stop_at = 5;
  parts.go(*make_model(tiny_config(), 1), until);
  const auto after = make_model(tiny_config(), 1);
  EXPECT_EQ(parts.go(*after, options).resumed_from, 5);
  EXPECT_TRUE(same_weights(*model, *after));
}

TEST_F(TrainDevice, WhatLacksIsSaid) {
  if (open_device("auto").type() == at::kCUDA) {
    GTEST_SKIP() << "this machine has a GPU: none is missing";
  }
  set_gpu_unit(nullptr);
  TrainOptions options = tiny_options(2);
  options.device = "cuda";
  Bench bench;
  try {
    bench.go(*make_model(tiny_config(), 1), options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    EXPECT_NE(error.hint().find("device=cpu"), std::string::npos);
  }
}

}  // namespace
}  // namespace athanor
