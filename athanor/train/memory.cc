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

constexpr uint64_t kGpuLogitElements = uint64_t{1} << 28;  // cross_entropy.cc's kGpuChunkElements
constexpr uint64_t kGpuScores = uint64_t{1} << 26;         // device/attention.cc's kScoresAtOnce
constexpr uint64_t kGpuScoreCopies = 5;                    // of them that its backward pass holds: scores, p, dp, ds, dropped
constexpr uint64_t kFlashRows = 128;                       // LibTorch's flash kernels pad each document's gradient by so many

// A checkpoint in the middle is written while training goes on; the last one lies where activations did. moments: of all ranks.
uint64_t checkpoint_copy(const MemoryPlan& plan, const TrainOptions& options, uint64_t moments) {
  const bool by_steps = options.checkpoint_every_steps > 0 && options.checkpoint_every_steps < options.steps;
  const bool by_best = options.keep_best && options.eval_every > 0 && options.eval_every < options.steps;
  return by_steps || by_best ? plan.parameters + moments + plan.weight_average : 0;
}

uint64_t average_bytes(uint64_t parameters, const TrainOptions& options) { return options.ema_decay > 0 ? 4 * parameters : 0; }

// The largest share of so many that a process has.
uint64_t share_of(uint64_t whole, const TrainPlace& place) {
  const auto ranks = static_cast<uint64_t>(place.ranks);
  return (whole + ranks - 1) / ranks;
}

uint64_t optimizer_share(uint64_t moments, const TrainOptions& options, const TrainPlace& place) {
  return options.shard_optimizer ? share_of(moments, place) : moments;
}

// Sequences of one forward pass of a process.
uint64_t rows_at_once(const TrainOptions& options, const TrainPlace& place) {
  const uint64_t rows = share_of(static_cast<uint64_t>(options.batch_size), place);
  return options.micro_batch > 0 ? std::min(static_cast<uint64_t>(options.micro_batch), rows) : rows;
}

// What attention's backward pass holds on a GPU beside its inputs and results: flash kernels an fp32 gradient of the queries,
// others the scores of a few sequences. Documents are taken to be no shorter than kFlashRows on average.
uint64_t gpu_attention_bytes(const ModelConfig& config, const TrainOptions& options, uint64_t rows) {
  if (family_of(config.family).recurrent) {
    return 0;
  }
  const auto length = static_cast<uint64_t>(options.sequence_length);
  const auto heads = static_cast<uint64_t>(config.num_heads);
  const int64_t width = config.head_width();
  const bool flash = options.precision != "fp32" && config.attention_dropout == 0 && width % 8 == 0 && width <= 256;
  if (flash) {
    const uint64_t documents = options.document_mask ? rows * std::max<uint64_t>(1, length / kFlashRows) : rows;
    return (rows * length + kFlashRows * documents) * heads * static_cast<uint64_t>(width) * 4;
  }
  const uint64_t scores = heads * length * length;
  return kGpuScoreCopies * 4 * scores * std::clamp<uint64_t>(kGpuScores / scores, 1, rows);
}

// Of logits, as cross_entropy.cc cuts them.
uint64_t logits_at_once(uint64_t tokens, uint64_t vocab, uint64_t element, bool gpu) {
  if (gpu) {
    return vocab * std::clamp<uint64_t>(kGpuLogitElements / vocab, 1, tokens);
  }
  const uint64_t chunk = std::clamp<uint64_t>(tokens * 4 / element / 12, 16, 768 / element);
  return std::min(tokens * vocab, std::max(kLogitElements, chunk * vocab));
}

}  // namespace

uint64_t MemoryPlan::total() const {
  return on_gpu() + checkpoint_copy + examples + process;
}

uint64_t MemoryPlan::on_gpu() const {
  return parameters + gradients + optimizer + weight_average + compute_copies + activations + temporaries + logits +
         allocator + evaluation;
}

nlohmann::json MemoryPlan::to_json() const {
  return {{"parameters", parameters},   {"gradients", gradients},     {"optimizer", optimizer},
          {"weight_average", weight_average}, {"compute_copies", compute_copies}, {"activations", activations}, {"temporaries", temporaries},
          {"logits", logits},           {"allocator", allocator}, {"evaluation", evaluation},
          {"checkpoint_copy", checkpoint_copy}, {"examples", examples}, {"process", process},
          {"total", total()},           {"unit", "bytes"}};
}

MemoryPlan plan_memory(const ModelConfig& config, const TrainOptions& options, const TrainPlace& place) {
  const Recompute recompute = recompute_of(options.recompute);
  const bool bf16 = options.precision != "fp32";
  const uint64_t element = bf16 ? 2 : 4;
  const uint64_t rows = rows_at_once(options, place);
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
  const auto moments = static_cast<uint64_t>(optimizer_bytes(options.optimizer, num_parameters(config), hidden));
  plan.optimizer = optimizer_share(moments, options, place);
  plan.weight_average = average_bytes(params, options);
  // Our own bf16 product rounds the layers' weights as it reads them; the head, which it reads many times, has its copy.
  const bool rounded = options.precision == "bf16" && !place.gpu && !family.recurrent && tokens >= 64 &&
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
  plan.temporaries = tokens * (element * 2 * inner + 12 * width) + (place.gpu ? gpu_attention_bytes(config, options, rows) : 0);
  plan.allocator = static_cast<uint64_t>(kAllocatorShare * static_cast<double>(plan.activations + plan.temporaries));
  plan.logits = logits_at_once(tokens, vocab, element, place.gpu) * element + head;
  plan.evaluation = options.eval_every > 0 ? kEvaluationBytes : 0;
  plan.checkpoint_copy = checkpoint_copy(plan, options, moments);
  return plan;
}

MemoryPlan plan_memory(int64_t parameters, const TrainOptions& options, const TrainPlace& place) {
  MemoryPlan plan;
  plan.parameters = 4 * static_cast<uint64_t>(parameters);
  plan.gradients = plan.parameters;
  const auto moments = static_cast<uint64_t>(optimizer_bytes(options.optimizer, parameters, 0));
  plan.optimizer = optimizer_share(moments, options, place);
  plan.weight_average = average_bytes(static_cast<uint64_t>(parameters), options);
  plan.process = kProcessBytes;
  plan.checkpoint_copy = checkpoint_copy(plan, options, moments);
  return plan;
}

uint64_t memory_needed(const MemoryPlan& plan, const TrainPlace& place) {
  const auto others = static_cast<uint64_t>(place.local_ranks - 1);
  return place.gpu ? plan.on_gpu() : plan.total() + others * (plan.total() - plan.checkpoint_copy);
}

uint64_t memory_offered(const TrainOptions& options, const TrainPlace& place) {
  if (!place.gpu) {
    return memory_bytes();
  }
  GpuProperties gpu{};
  return gpu_unit().properties(open_device(options.device).index(), &gpu) ? gpu.free_bytes : UINT64_MAX;
}

std::string memory_shortage(uint64_t needed, uint64_t offered, const TrainPlace& place) {
  const std::string bytes = human_bytes(static_cast<double>(needed));
  const std::string there = human_bytes(static_cast<double>(offered));
  return place.gpu ? "needs " + bytes + " of the GPU's memory, of which " + there + " are free"
                   : "needs " + bytes + " of memory" +
                         (place.local_ranks > 1 ? " for " + std::to_string(place.local_ranks) + " processes" : "") +
                         ", this machine has " + there;
}

std::string memory_advice(const ModelConfig& config, const TrainOptions& options, const TrainPlace& place, uint64_t bytes) {
  const int64_t rows = fitting_micro_batch(config, options, place, bytes);
  return rows > 0 ? "micro_batch=" + std::to_string(rows) + " fits: the same batch, computed in pieces"
                  : std::string("not even micro_batch=1 fits: recompute=block, a smaller depth, a shorter sequence_length, "
                                "precision=bf16 or optimizer.state=bf16 need less") +
                        (place.local_ranks > 1 && !place.gpu ? ", and so do fewer processes" : "");
}

void require_memory(const MemoryPlan& plan, const TrainOptions& options, const TrainPlace& place, const std::string& advice) {
  const uint64_t needed = memory_needed(plan, place);
  const uint64_t offered = memory_offered(options, place);
  if (needed > offered) {
    throw Error(ErrorKind::kResource, "training " + memory_shortage(needed, offered, place), "", advice);
  }
}

void require_memory(const ModelConfig& config, const TrainOptions& options, const TrainPlace& place) {
  require_memory(plan_memory(config, options, place), options, place,
                 memory_advice(config, options, place, memory_offered(options, place)));
}

int64_t fitting_micro_batch(const ModelConfig& config, TrainOptions options, const TrainPlace& place, uint64_t bytes) {
  for (auto rows = static_cast<int64_t>(rows_at_once(options, place)); rows >= 1; rows /= 2) {
    options.micro_batch = rows;
    if (memory_needed(plan_memory(config, options, place), place) <= bytes) {
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
