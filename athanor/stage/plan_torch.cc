// plan for pretrain: parameters, FLOPs, memory by category, and the time that a few real steps predict.
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/randint.h>

#include "athanor/base/format.h"
#include "athanor/base/machine.h"
#include "athanor/base/text.h"
#include "athanor/model/encoder.h"
#include "athanor/model/language_model.h"
#include "athanor/stage/finetune_net.h"
#include "athanor/stage/pretrain.h"
#include "athanor/stage/pretrain_shape.h"
#include "athanor/stage/ranks_torch.h"
#include "athanor/stage/torch_verbs.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/device/device.h"
#include "athanor/token/tokenizer.h"
#include "athanor/train/memory.h"

namespace athanor {

namespace {

constexpr double kCalibrationSeconds = 3;

// Seconds for one sequence, forward and backward, over a few real batches of random tokens.
double calibrate(const ModelConfig& config, const PretrainOptions& options, int64_t rows) {
  const Precision precision = precision_of(options.precision);
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

// What is trained: the model that is given or that a step before will make, else the recipe's own.
ModelConfig planned_shape(const nlohmann::json& resolved, const std::vector<StageInput>& inputs, const PretrainOptions& options,
                          const Tokenizer* tokenizer, int64_t vocab_size) {
  const auto made = resolved.value("planned_model", nlohmann::json::object());
  if (const StageInput* given = find_input(inputs, "model")) {
    return shape_of_given(given->path, options, tokenizer);
  }
  if (made.contains("folder")) {
    return shape_of_given(made["folder"].get<std::string>(), options, tokenizer);
  }
  if (made.contains("recipe")) {
    return shape_to_train_on(model_config(load_options<PretrainOptions>(made["recipe"]), vocab_size), options);
  }
  return model_config(options, vocab_size);
}

// The plan's list, a row a line.
class PlanRows {
 public:
  void add(const std::string& name, const nlohmann::json& value, const std::string& text, const std::string& note = "") {
    rows_.push_back({{"name", name}, {"value", value}, {"text", text}, {"note", note}});
  }
  nlohmann::json take() { return std::move(rows_); }

 private:
  nlohmann::json rows_ = nlohmann::json::array();
};

void add_model(const ModelConfig& config, const PretrainOptions& options, PlanRows& rows) {
  const double tokens = static_cast<double>(planned_samples(options)) * static_cast<double>(options.sequence_length);
  const double flops = flops_per_token(config, options.sequence_length);
  rows.add("parameters", num_parameters(config), human_count(static_cast<double>(num_parameters(config))));
  rows.add("FLOPs a token", flops, human_count(flops), "6 N + 12 L C T, forward and backward");
  rows.add("tokens", tokens, human_count(tokens), std::to_string(options.steps) + " steps");
}

// Whether it fits.
bool add_memory(const ModelConfig& config, const PretrainOptions& options, const TrainPlace& place, PlanRows& rows, nlohmann::json& plan) {
  const MemoryPlan memory = plan_memory(config, options, place);
  const nlohmann::json categories = memory.to_json();
  for (const auto& [name, bytes] : categories.items()) {
    if (name != "total" && bytes.is_number()) {
      rows.add("memory: " + name, bytes, human_bytes(bytes.get<double>()));
    }
  }
  const uint64_t needed = memory_needed(memory, place);
  const uint64_t offered = memory_offered(options, place);
  const bool fits = needed < offered;
  const std::string there = human_bytes(static_cast<double>(offered));
  const std::string whose = place.gpu ? "the GPU has free: " + there : "this machine has " + there;
  rows.add("memory in all", needed, human_bytes(static_cast<double>(needed)),
           (fits ? "fits: " + whose : "does NOT fit in " + there) +
               (place.gpu || place.local_ranks == 1 ? "" : ", " + std::to_string(place.local_ranks) + " processes"));
  if (!fits) {
    plan["why"] = memory_shortage(needed, offered, place);
    plan["advice"] = memory_advice(config, options, place, offered);
  }
  plan["fits"] = fits;
  return fits;
}

// Of one process, on the host: what a GPU would take is not measured.
void add_time(const ModelConfig& config, const PretrainOptions& options, const TrainPlace& place, PlanRows& rows) {
  const int64_t share = (options.batch_size + place.ranks - 1) / place.ranks;
  const double seconds_a_sequence = calibrate(config, options, options.micro_batch > 0 ? std::min(options.micro_batch, share) : share);
  const double speed = static_cast<double>(place.ranks * options.sequence_length) / seconds_a_sequence;
  const double seconds = seconds_a_sequence * static_cast<double>(planned_samples(options)) / static_cast<double>(place.ranks);
  rows.add("tokens a second", speed, human_count(speed), "measured over a few steps now");
  rows.add("time", seconds, human_duration(seconds), "without validation and checkpoints");
}

}  // namespace

nlohmann::json plan_pretrain(const nlohmann::json& resolved, const std::vector<StageInput>& inputs) {
  const auto options = load_options<PretrainOptions>(resolved);
  const TrainPlace place = place_of(read_launch(), options);  // a device that cannot be had is told before the steps before run
  const StageInput* made = find_input(inputs, "tokenizer");
  const auto tokenizer = made != nullptr ? std::make_unique<Tokenizer>(Tokenizer::load(made->path)) : nullptr;
  if (options.threads > 0) {
    at::set_num_threads(static_cast<int>(options.threads));
  }
  const int64_t vocab_size = tokenizer ? tokenizer->vocab_size() : resolved.value("planned_vocab_size", int64_t{8192});
  const ModelConfig config = planned_shape(resolved, inputs, options, tokenizer.get(), vocab_size);

  nlohmann::json plan;
  PlanRows rows;
  rows.add("vocabulary", config.vocab_size, grouped_integer(config.vocab_size),
           config.vocab_size != vocab_size ? "of the model" : tokenizer ? "of the tokenizer" : "as the tokenizer step says");
  add_model(config, options, rows);
  const bool fits = add_memory(config, options, place, rows, plan);
  const uint64_t disk = checkpoint_bytes(config, options);
  rows.add("disk: checkpoints", disk, human_bytes(static_cast<double>(disk)), "at most, the saved model with them");
  plan["disk_bytes"] = disk;
  plan["precision"] = options.precision;
  if (fits && !place.gpu && !resolved.value("plan_quick", false)) {
    add_time(config, options, place, rows);
  }
  plan["rows"] = rows.take();
  return plan;
}

}  // namespace athanor
