#include "athanor/train/memory.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/machine.h"
#include "athanor/model/recompute.h"
#include "athanor/tensor/bf16_product.h"
#include "athanor/tensor/device/device.h"
#include "athanor/train/optimizer.h"

namespace athanor {

namespace {

// Measured with torch 2.13 on one and two threads (README.md): program and LibTorch pages 80 MB, threads, kernels and
// libraries' own tables 85 MB.
constexpr uint64_t kProcessBytes = 165'000'000;
constexpr double kAllocatorShare = 0.02;  // of activations and temporaries: holes among large blocks, packed operands
constexpr uint64_t kEvaluationBytes = 55'000'000;  // fitted to runs at 5 M parameters (bench/RESULTS.md)
constexpr uint64_t kLogitElements = uint64_t{1} << 22;  // what the fused cross-entropy holds at once

// A checkpoint in the middle is written while training goes on; the last one lies where activations did.
uint64_t checkpoint_copy(const MemoryPlan& plan, const TrainOptions& options) {
  const bool by_steps = options.checkpoint_every_steps > 0 && options.checkpoint_every_steps < options.steps;
  const bool by_best = options.keep_best && options.eval_every > 0 && options.eval_every < options.steps;
  return by_steps || by_best ? plan.parameters + plan.optimizer + plan.weight_average : 0;
}

uint64_t average_bytes(uint64_t parameters, const TrainOptions& options) { return options.ema_decay > 0 ? 4 * parameters : 0; }

}  // namespace

uint64_t MemoryPlan::total() const {
  return parameters + gradients + optimizer + weight_average + compute_copies + activations + temporaries + logits + allocator +
         evaluation + checkpoint_copy + examples + process;
}

nlohmann::json MemoryPlan::to_json() const {
  return {{"parameters", parameters},   {"gradients", gradients},     {"optimizer", optimizer},
          {"weight_average", weight_average}, {"compute_copies", compute_copies}, {"activations", activations}, {"temporaries", temporaries},
          {"logits", logits},           {"allocator", allocator}, {"evaluation", evaluation},
          {"checkpoint_copy", checkpoint_copy}, {"examples", examples}, {"process", process},
          {"total", total()},           {"unit", "bytes"}};
}

MemoryPlan plan_memory(const ModelConfig& config, const TrainOptions& options) {
  const Recompute recompute = recompute_of(options.recompute);
  const bool bf16 = options.precision != "fp32";
  const uint64_t element = bf16 ? 2 : 4;
  const auto rows = static_cast<uint64_t>(
      options.micro_batch > 0 ? std::min(options.micro_batch, options.batch_size) : options.batch_size);
  const uint64_t tokens = rows * static_cast<uint64_t>(options.sequence_length);
  const auto params = static_cast<uint64_t>(num_parameters(config));
  const auto width = static_cast<uint64_t>(config.hidden_size);
  const auto attention = static_cast<uint64_t>(config.num_heads * config.head_width());
  const auto qkv = static_cast<uint64_t>((config.num_heads + 2 * config.num_kv_heads) * config.head_width());
  const auto inner = static_cast<uint64_t>(config.intermediate_size);
  const FamilyTraits& family = family_of(config.family);
  const uint64_t mlp_in = family.gated ? 2 * inner : inner;
  const auto layers = static_cast<uint64_t>(config.num_layers);
  const auto vocab = static_cast<uint64_t>(config.vocab_size);

  MemoryPlan plan;
  plan.parameters = 4 * params;
  // Muon keeps one array for the matrices between the token tables.
  const int64_t tables = config.vocab_size * config.hidden_size;
  const int64_t hidden = std::max<int64_t>(0, num_matmul_parameters(config) - tables);
  plan.optimizer = static_cast<uint64_t>(optimizer_bytes(options.optimizer, num_parameters(config), hidden));
  plan.weight_average = average_bytes(params, options);
  // Our own bf16 product rounds the layers' weights as it reads them; the head, which it reads many times, has its copy.
  const bool rounded = options.precision == "bf16" && options.device == "cpu" && !family.recurrent && tokens >= 64 &&
                       has_bf16_product();
  plan.compute_copies = rounded ? 2 * vocab * width : bf16 ? 2 * static_cast<uint64_t>(num_matmul_parameters(config)) : 0;
  plan.process = kProcessBytes;
  // A layer keeps two fp32 residual streams, q k v, the attended values and the inner product; with norms after its
  // blocks also what went into those. While one is computed again, it alone has all of that.
  const uint64_t normed = family.out_norms ? 2 * width : 0;
  // A recurrent one keeps its input, the gates, the state and, as autograd's nodes hold them, each step's products again.
  const auto gates = static_cast<uint64_t>(config.family == "lstm" ? 4 : config.family == "gru" ? 3 : 1);
  const uint64_t layer = family.recurrent
                             ? tokens * element * width * (2 * gates + 4)
                             : tokens * (8 * width + element * (normed + qkv + attention + mlp_in) +
                                   4 * static_cast<uint64_t>(config.num_heads));
  const uint64_t kept = recompute == Recompute::kBlock ? tokens * 4 * width
                        : recompute == Recompute::kMlp ? layer - tokens * element * (mlp_in + normed / 2)
                                                       : layer;
  const uint64_t head = 4 * vocab * width;
  // Activations go as gradients come: the peak is the fuller end of the backward pass.
  // A layer that is computed again stands there twice: its new values, and those of the operation at work, which takes the
  // inner product's memory.
  const uint64_t taken = family.recurrent ? 0 : tokens * element * mlp_in;
  const uint64_t again = recompute == Recompute::kNone ? 0 : 2 * layer - kept - taken;
  const uint64_t at_start = layers * kept + again + head;
  const uint64_t at_end = layer + 4 * params;
  plan.gradients = 4 * params;
  const uint64_t peak = std::max(at_start, at_end);
  plan.activations = peak > plan.gradients ? peak - plan.gradients : 0;
  plan.temporaries = tokens * (element * 2 * inner + 12 * width);
  plan.allocator = static_cast<uint64_t>(kAllocatorShare * static_cast<double>(plan.activations + plan.temporaries));
  const uint64_t chunk = std::clamp<uint64_t>(tokens * 4 / element / 12, 16, 768 / element);  // cross_entropy.cc
  const uint64_t logits = std::min(tokens * vocab, std::max(kLogitElements, chunk * vocab));
  plan.logits = logits * element + head;
  plan.evaluation = options.eval_every > 0 ? kEvaluationBytes : 0;
  plan.checkpoint_copy = checkpoint_copy(plan, options);
  return plan;
}

MemoryPlan plan_memory(int64_t parameters, const TrainOptions& options) {
  MemoryPlan plan;
  plan.parameters = 4 * static_cast<uint64_t>(parameters);
  plan.gradients = plan.parameters;
  plan.optimizer = static_cast<uint64_t>(optimizer_bytes(options.optimizer, parameters, 0));
  plan.weight_average = average_bytes(static_cast<uint64_t>(parameters), options);
  plan.process = kProcessBytes;
  plan.checkpoint_copy = checkpoint_copy(plan, options);
  return plan;
}

std::string memory_advice(const ModelConfig& config, const TrainOptions& options, uint64_t bytes) {
  const int64_t rows = fitting_micro_batch(config, options, bytes);
  return rows > 0 ? "micro_batch=" + std::to_string(rows) + " fits: the same batch, computed in pieces"
                  : "not even micro_batch=1 fits: recompute=block, a smaller depth, a shorter sequence_length, "
                    "precision=bf16 or optimizer.state=bf16 need less";
}

namespace {

void require_gpu_memory(const ModelConfig& config, const TrainOptions& options, at::Device device) {
  const MemoryPlan plan = plan_memory(config, options);
  const uint64_t needed = plan.total() - plan.process - plan.checkpoint_copy;  // these are the host's
  GpuProperties gpu{};
  if (gpu_unit().properties(device.index(), &gpu) && needed > gpu.free_bytes) {
    throw Error(ErrorKind::kResource,
                "training would need " + human_bytes(static_cast<double>(needed)) + " of the GPU's memory, of which " +
                    human_bytes(static_cast<double>(gpu.free_bytes)) + " are free",
                gpu.name, memory_advice(config, options, gpu.free_bytes));
  }
}

}  // namespace

void require_memory(const ModelConfig& config, const TrainOptions& options) {
  const at::Device device = open_device(options.device);
  if (!device.is_cpu()) {
    return require_gpu_memory(config, options, device);
  }
  const uint64_t needed = plan_memory(config, options).total();
  if (needed > memory_bytes()) {
    throw Error(ErrorKind::kResource,
                "training would need " + human_bytes(static_cast<double>(needed)) + " of memory, this machine has " +
                    human_bytes(static_cast<double>(memory_bytes())),
                "", memory_advice(config, options, memory_bytes()));
  }
}

int64_t fitting_micro_batch(const ModelConfig& config, TrainOptions options, uint64_t bytes) {
  int64_t rows = options.micro_batch > 0 ? std::min(options.micro_batch, options.batch_size) : options.batch_size;
  for (; rows >= 1; rows /= 2) {
    options.micro_batch = rows;
    if (plan_memory(config, options).total() <= bytes) {
      return rows;
    }
  }
  return 0;
}

uint64_t checkpoint_bytes(const ModelConfig& config, const TrainOptions& options) {
  const MemoryPlan plan = plan_memory(config, options);
  const auto copies = static_cast<uint64_t>(options.keep_last) + (options.keep_best ? 2 : 1);
  return copies * (plan.parameters + plan.optimizer + plan.weight_average) + plan.parameters;
}

}  // namespace athanor
