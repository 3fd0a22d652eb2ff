// plan for pretrain: parameters, FLOPs, memory by category, and the time that a few real steps predict.
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/randint.h>

#include "athanor/base/format.h"
#include "athanor/base/machine.h"
#include "athanor/base/text.h"
#include "athanor/model/encoder.h"
#include "athanor/model/language_model.h"
#include "athanor/stage/pretrain.h"
#include "athanor/stage/torch_verbs.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/device/device.h"
#include "athanor/token/tokenizer.h"
#include "athanor/train/memory.h"

namespace athanor {

namespace {

constexpr double kCalibrationSeconds = 3;

// Seconds for one sequence, forward and backward, over a few real batches of random tokens.
double calibrate(const ModelConfig& config, const PretrainOptions& options) {
  const Precision precision = precision_of(options.precision);
  const int64_t rows = options.micro_batch > 0 ? options.micro_batch : options.batch_size;
  const at::Tensor tokens_BT = at::randint(config.vocab_size, {rows, options.sequence_length}, at::kLong);
  const bool encodes = family_of(config.family).encoder;
  const auto encoder = encodes ? make_encoder(config, 1) : nullptr;
  const auto model = encodes ? nullptr : make_model(config, 1);
  const auto make_ready = [&](auto& network) {
    network.set_precision(precision);
    network.set_recompute(recompute_of(options.recompute));
    network.set_training(true);
  };
  encodes ? make_ready(*encoder) : make_ready(*model);
  // One token in seven is hidden.
  const at::Tensor targets_BT = encodes ? tokens_BT.masked_fill(tokens_BT.remainder(7).ne(0), -1) : tokens_BT;
  const auto step = [&] {
    if (encodes) {
      encoder->begin_step();
      backward(encoder->masked_loss_sum(encoder->encode({tokens_BT, {}, {}, {}}, 1).hidden_BTC, targets_BT));
    } else {
      model->begin_step();
      backward(model->loss_sum({tokens_BT, targets_BT, {}}, 1));
    }
  };
  step();  // warms caches and kernels
  const double begin = monotonic_time();
  int64_t steps = 0;
  double elapsed = 0;
  while (elapsed < kCalibrationSeconds || steps < 2) {
    step();
    ++steps;
    elapsed = monotonic_time() - begin;
  }
  return elapsed / static_cast<double>(steps * rows);
}

}  // namespace

nlohmann::json plan_pretrain(const nlohmann::json& resolved, const std::vector<StageInput>& inputs) {
  const auto options = load_options<PretrainOptions>(resolved);
  open_device(options.device);  // an error here is better than one after the steps before
  int64_t vocab_size = resolved.value("planned_vocab_size", int64_t{8192});
  std::string vocab_note = "as the tokenizer step says";
  for (const auto& input : inputs) {
    if (input.role == "tokenizer") {
      vocab_size = Tokenizer::load(input.path).vocab_size();
      vocab_note = "of the tokenizer";
    }
  }
  if (options.threads > 0) {
    at::set_num_threads(static_cast<int>(options.threads));
  }
  const ModelConfig config = model_config(options, vocab_size);
  const MemoryPlan memory = plan_memory(config, options);
  const bool fits = memory.total() < memory_bytes();
  const bool measure = fits && !resolved.value("plan_quick", false);
  const double tokens = static_cast<double>(options.steps) * static_cast<double>(options.batch_size) *
                        static_cast<double>(options.sequence_length);

  nlohmann::json plan{{"rows", nlohmann::json::array()}};
  const auto row = [&](const std::string& name, const nlohmann::json& value, const std::string& text,
                       const std::string& note) {
    plan["rows"].push_back({{"name", name}, {"value", value}, {"text", text}, {"note", note}});
  };
  row("vocabulary", vocab_size, grouped_integer(vocab_size), vocab_note);
  row("parameters", num_parameters(config), human_count(static_cast<double>(num_parameters(config))), "");
  const double flops = flops_per_token(config, options.sequence_length);
  row("FLOPs a token", flops, human_count(flops), "6 N + 12 L C T, forward and backward");
  row("tokens", tokens, human_count(tokens), std::to_string(options.steps) + " steps");
  const auto categories = memory.to_json();
  for (const auto& [name, bytes] : categories.items()) {
    if (name != "total" && bytes.is_number()) {
      row("memory: " + name, bytes, human_bytes(bytes.get<double>()), "");
    }
  }
  row("memory in all", memory.total(), human_bytes(static_cast<double>(memory.total())),
      fits ? "fits: this machine has " + human_bytes(static_cast<double>(memory_bytes()))
           : "does NOT fit in " + human_bytes(static_cast<double>(memory_bytes())));
  const uint64_t disk = checkpoint_bytes(config, options);
  row("disk: checkpoints", disk, human_bytes(static_cast<double>(disk)), "at most, the saved model with them");
  plan["disk_bytes"] = disk;
  plan["precision"] = options.precision;
  if (measure) {
    const double seconds_a_sequence = calibrate(config, options);
    const double seconds = seconds_a_sequence * static_cast<double>(options.steps * options.batch_size);
    row("tokens a second", options.sequence_length / seconds_a_sequence,
        human_count(static_cast<double>(options.sequence_length) / seconds_a_sequence), "measured over a few steps now");
    row("time", seconds, human_duration(seconds), "without validation and checkpoints");
  }
  if (!fits) {
    plan["why"] = "needs " + human_bytes(static_cast<double>(memory.total())) + " of memory, this machine has " +
                  human_bytes(static_cast<double>(memory_bytes()));
    plan["advice"] = memory_advice(config, options, {}, memory_bytes());
  }
  plan["fits"] = fits;
  return plan;
}

}  // namespace athanor
