// Not a test: whole training steps of what step_bench_test.cc has not, run by name by bench/networks.py. One line of JSON.
//   train_tests --gtest_also_run_disabled_tests --gtest_filter='NetworkBench*'   with ATHANOR_BENCH="lstm fp32 2"
#include <gtest/gtest.h>

#include <ATen/ops/randint.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <sstream>

#include <nlohmann/json.hpp>

#include "athanor/base/machine.h"
#include "athanor/base/rng.h"
#include "athanor/model/encoder.h"
#include "athanor/model/language_model.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/cross_entropy.h"
#include "athanor/tensor/host_memory.h"
#include "athanor/train/objectives/classification.h"
#include "athanor/train/optimizer.h"

namespace athanor {
namespace {

constexpr int64_t kVocab = 8192;
constexpr uint64_t kBatches = 8;  // of examples to draw from

// One model's step. loss: the mean over the batch of step n.
struct Bench {
  Module* module = nullptr;
  std::function<void(Precision)> set_precision;
  std::function<at::Tensor(uint64_t step)> loss;
  nlohmann::json config;  // what the peer builds the same model from
  int64_t rows = 0;
  std::shared_ptr<void> owner;
};

Bench decoder(const std::string& family, int64_t depth, int64_t length, int64_t rows) {
  std::shared_ptr<LanguageModel> model = make_model(from_depth(depth, kVocab, length, family), 1);
  const at::Tensor ids = at::randint(kVocab, {rows, length + 1}, at::kLong);
  Batch batch;
  batch.tokens_BT = ids.narrow(1, 0, length).contiguous();
  batch.targets_BT = ids.narrow(1, 1, length).contiguous();
  const auto loss = [model, batch](uint64_t step) {
    model->begin_step();
    return model->loss_sum(batch, step).div(static_cast<double>(batch.targets_BT.numel()));
  };
  const auto precision = [model](Precision p) { model->set_precision(p); };
  nlohmann::json config = to_hf_config(model->config());
  config["length"] = length;
  return {model.get(), precision, loss, config, rows, model};
}

// Masked tokens (15 %) and pairs, with BERT's own dropout.
Bench masked(int64_t length, int64_t rows) {
  ModelConfig config = from_depth(6, kVocab, length, "bert");
  config.head = "pretraining";
  config.dropout = config.attention_dropout = 0.1;
  std::shared_ptr<EncoderModel> model = make_encoder(config, 1);
  EncoderBatch batch;
  batch.tokens_BT = at::randint(kVocab, {rows, length}, at::kLong);
  batch.types_BT = at::randint(2, {rows, length}, at::kLong);
  const at::Tensor targets_BT = at::randint(100, {rows, length}, at::kLong).lt(15).to(at::kLong).mul(batch.tokens_BT.add(1)).sub(1);
  const at::Tensor follows_B = at::randint(2, {rows}, at::kLong);
  const double count = targets_BT.ge(0).sum().item<double>();
  const auto loss = [=](uint64_t step) {
    model->begin_step();
    const EncoderOutput out = model->encode(batch, step);
    return model->masked_loss_sum(out.hidden_BTC, targets_BT).div(count).add(
        softmax_cross_entropy(model->pair_logits(out), follows_B).div(static_cast<double>(rows)));
  };
  const auto precision = [model](Precision p) { model->set_precision(p); };
  nlohmann::json json = to_hf_config(config);
  json["length"] = length;
  return {model.get(), precision, loss, json, rows, model};
}

struct NetBench {
  std::unique_ptr<Net> net;
  LabelledExamples examples;
  TrainOptions options;
  std::unique_ptr<ClassificationObjective> objective;
};

// shortest < length: texts and series of lengths spread evenly between the two.
LabelledExamples random_examples(const InputShape& shape, uint64_t count, int64_t shortest, int64_t length) {
  LabelledExamples set;
  Rng rng(7);
  const auto below = [&](int64_t limit) { return static_cast<int32_t>(rng.next() % static_cast<uint64_t>(limit)); };
  set.examples.count = count;
  for (uint64_t i = 0; i < count; ++i) {
    const int64_t steps = shortest + below(length - shortest + 1);
    for (int64_t t = 0; shape.kind == InputKind::kText && t < steps; ++t) {
      set.examples.ids.push_back(below(shape.vocab_size));
    }
    for (const int64_t categories : shape.categories) {
      set.examples.ids.push_back(below(categories));
    }
    const int64_t values = shape.kind == InputKind::kSeries ? steps * shape.num_values : shape.num_values;
    for (int64_t v = 0; v < values; ++v) {
      set.examples.values.push_back(static_cast<float>(rng.normal()));
    }
    for (int64_t p = 0; p < shape.channels * shape.size * shape.size; ++p) {
      set.examples.pixels.push_back(static_cast<uint8_t>(below(256)));
    }
    if (shape.kind == InputKind::kText || shape.kind == InputKind::kSeries) {
      set.examples.offsets.push_back(set.examples.offsets.back() + static_cast<uint64_t>(steps));
    }
    set.labels.push_back(below(2));
    set.documents.push_back(std::to_string(i));
  }
  return set;
}

Bench network(NetConfig config, int64_t rows, int64_t shortest, int64_t length) {
  config.options = with_family_defaults(config.options);
  config.labels = {"a", "b"};
  config.inputs = {{"options", {{"max_length", length}}}};
  auto bench = std::make_shared<NetBench>();
  bench->net = make_net(config, 1);
  bench->options.batch_size = rows;
  bench->examples = random_examples(config.shape, kBatches * static_cast<uint64_t>(rows), shortest, length);
  bench->objective = std::make_unique<ClassificationObjective>(*bench->net, bench->examples, nullptr, bench->options,
                                                               ClassificationSettings{});
  const auto loss = [bench, rows](uint64_t step) {
    ClassificationObjective& objective = *bench->objective;
    objective.begin_step();
    const auto count = static_cast<double>(objective.load(step * static_cast<uint64_t>(rows), rows));
    return objective.loss_sum(0, rows, step).div(count);
  };
  const auto precision = [bench](Precision p) { bench->net->set_precision(p); };
  nlohmann::json json = to_json(config);
  if (net_family(config.options.family).encoder) {
    json = to_hf_config(encoder_config(config));
  }
  json.update({{"length", length}, {"shortest", shortest}, {"categories", config.shape.categories}});
  return {bench->net.get(), precision, loss, json, rows, bench};
}

NetConfig net_of(const std::string& family, InputKind kind) {
  NetConfig config;
  config.options.family = family;
  config.shape.kind = kind;
  return config;
}

Bench text_net(const std::string& name) {
  NetConfig config = net_of(name == "mixed" ? "lstm" : name == "bert" ? "bert" : name, InputKind::kText);
  config.shape.vocab_size = kVocab;
  if (name == "textcnn") {
    return network(config, 64, 64, 64);
  }
  config.options.layers = 2;
  config.options.width = 256;
  config.options.bidirectional = name != "bert";
  if (name == "bert") {
    config.options.layers = 6;
    config.options.width = 384;
    config.options.dropout = 0.1;
  }
  return network(config, 32, name == "mixed" ? 8 : 128, 128);
}

Bench image_net(const std::string& name) {
  NetConfig config = net_of(name == "cnn" ? "cnn" : "resnet", InputKind::kImage);
  config.shape.channels = name == "cnn" ? 1 : 3;
  config.shape.size = name == "cnn" ? 28 : 32;
  config.shape.mean.assign(static_cast<size_t>(config.shape.channels), 0.5);
  config.shape.deviation.assign(static_cast<size_t>(config.shape.channels), 0.25);
  if (name == "resnet") {  // as in recipes/resnet-cifar10.yaml
    config.options.channels = {16, 32, 64};
    config.options.blocks = {1, 1, 1};
  }
  return network(config, 64, 1, 1);
}

Bench bench_named(const std::string& name) {
  if (name == "qwen3" || name == "gemma3") {
    return decoder(name, 6, 256, 16);
  }
  if (name == "lstm_lm") {
    return decoder("lstm", 4, 64, 32);
  }
  if (name == "bert_mlm") {
    return masked(128, 32);
  }
  if (name == "tcn") {
    NetConfig config = net_of("tcn", InputKind::kSeries);
    config.shape.num_values = 8;
    return network(config, 64, 128, 128);
  }
  if (name == "mlp") {
    NetConfig config = net_of("mlp", InputKind::kTable);
    config.shape.num_values = 16;
    config.shape.categories = {8, 16, 16, 42};
    config.options.hidden = {256, 256, 256};
    return network(config, 256, 1, 1);
  }
  if (name == "cnn" || name == "resnet" || name == "resnet18") {
    return image_net(name);
  }
  return text_net(name);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST(NetworkBench, DISABLED_Step) {
  const auto process_start = std::chrono::steady_clock::now();
  std::string name = "mlp";
  std::string precision = "fp32";
  double seconds = 2;
  if (const char* given = std::getenv("ATHANOR_BENCH")) {
    std::istringstream(given) >> name >> precision >> seconds;
  }
  keep_freed_memory();
  const Bench bench = bench_named(name);
  bench.set_precision(precision == "bf16" ? Precision::kBf16 : Precision::kFp32);
  bench.module->set_training(true);
  Optimizer optimizer(bench.module->named_parameters(), {});
  nlohmann::json out = {{"config", bench.config}, {"rows", bench.rows}};
  constexpr uint64_t kWarmUp = 2;
  constexpr uint64_t kFewest = 2;
  double spent = 0;
  for (uint64_t step = 0; step < kWarmUp + kFewest || spent < seconds; ++step) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu = std::clock();
    const at::Tensor loss = bench.loss(step);
    out["loss"] = loss.item<double>();
    backward(loss);
    optimizer.step(1e-4, clip_scale(optimizer.grad_norm(), 1.0));
    optimizer.zero_grad();
    if (step == 0) {
      out["first_step"] = seconds_since(process_start);
    }
    if (step >= kWarmUp) {
      out["wall"].push_back(seconds_since(start));
      out["cpu"].push_back(static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC);
      spent += out["wall"].back().get<double>();
    }
  }
  out["peak_bytes"] = peak_memory_bytes();
  std::printf("%s\n", out.dump().c_str());
}

}  // namespace
}  // namespace athanor
