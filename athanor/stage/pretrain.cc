#include "athanor/stage/pretrain.h"

#include "athanor/base/error.h"
#include "athanor/base/text.h"
#include "athanor/stage/verb_list.h"
#include "athanor/train/loading/mixture.h"

namespace athanor {

namespace {

constexpr double kMany = 1e15;

}  // namespace

void ModelOptions::fields(Fields<ModelOptions>& f) {
  f.add("family", &ModelOptions::family,
        "llama: RMSNorm, RoPE, SwiGLU; qwen2: with biases on q, k, v; qwen3: with norms on q and k; gemma3: norms round "
        "each block, GeGLU, sliding windows; gpt2: LayerNorm, positions, GELU")
      .choices(decoder_families());
  f.add("num_layers", &ModelOptions::num_layers, "blocks; 0: depth").range(0, 1024);
  f.add("hidden_size", &ModelOptions::hidden_size, "width; 0: 64 x depth in whole heads").range(0, 1 << 20);
  f.add("num_heads", &ModelOptions::num_heads, "attention heads; 0: derived").range(0, 4096);
  f.add("num_kv_heads", &ModelOptions::num_kv_heads, "key/value heads (grouped-query attention); 0: derived")
      .range(0, 4096);
  f.add("intermediate_size", &ModelOptions::intermediate_size, "width of the feed-forward block; 0: derived")
      .range(0, 1 << 22);
  f.add("tie_embeddings", &ModelOptions::tie_embeddings, "input and output embedding are one matrix (gpt2, gemma3: always)");
  f.add("rope_theta", &ModelOptions::rope_theta, "base of the rotary positions").range(1, 1e9);
  f.add("norm_eps", &ModelOptions::norm_eps, "epsilon of the norms").range(0, 1);
  f.add("init", &ModelOptions::init, "initialisation of the weights")
      .choices({"normal", "xavier_uniform", "xavier_normal", "kaiming"});
  f.add("init_std", &ModelOptions::init_std, "standard deviation for init: normal").range(0, 10);
}

void PretrainOptions::fields(Fields<PretrainOptions>& f) {
  f.add("depth", &PretrainOptions::depth, "the one dial: derives width, heads, layers and feed-forward width")
      .range(1, 128);
  f.add("model", &PretrainOptions::model, "the model's shape where it is not to follow depth");
  f.add("steps", &PretrainOptions::steps, "optimiser steps of the whole run; schedules read this").range(1, 1e12);
  f.add("batch_size", &PretrainOptions::batch_size, "sequences an optimiser step").range(1, 1e9);
  f.add("micro_batch", &PretrainOptions::micro_batch, "sequences a forward pass; 0: the whole batch").range(0, 1e9);
  f.add("sequence_length", &PretrainOptions::sequence_length, "tokens a sequence").range(1, 1 << 22);
  f.add("seed", &PretrainOptions::seed, "of initialisation, sample order and dropout").range(0, kMany);
  f.add("sampling", &PretrainOptions::sampling,
        "shuffled: each row once an epoch; ordered: as the documents stand (a curriculum); random: windows anywhere")
      .choices({"shuffled", "ordered", "random"});
  f.add("packing", &PretrainOptions::packing,
        "windows: cut the text every sequence_length tokens; best_fit: whole documents, packed, the rest padded")
      .choices({"windows", "best_fit"});
  f.add("mixture", &PretrainOptions::mixture,
        "shares of several sets: {train: 0.8, books: 0.2}; or stages: [{until: 0.9, weights: {...}}, {weights: {...}}]");
  f.add("document_mask", &PretrainOptions::document_mask, "attention never crosses from one document into another");
  f.add("dropout", &PretrainOptions::dropout, "share of activations dropped").range(0, 0.99);
  f.add("stochastic_depth", &PretrainOptions::stochastic_depth,
        "chance that the last layer is left out for a sequence, earlier ones less")
      .range(0, 0.99);
  f.add("label_smoothing", &PretrainOptions::label_smoothing, "share of the target spread over the vocabulary")
      .range(0, 0.99);
  f.add("grad_noise", &PretrainOptions::grad_noise, "noise of variance grad_noise / (1 + step)^0.55 on gradients")
      .range(0, 1e6);
  f.add("ema_decay", &PretrainOptions::ema_decay,
        "above 0: validate and save a moving average of the weights, of this decay")
      .range(0, 0.9999999);
  f.add("batch_start", &PretrainOptions::batch_start, "sequences of the first step; 0: batch_size at once").range(0, 1e9);
  f.add("batch_warmup_steps", &PretrainOptions::batch_warmup_steps, "steps over which the batch grows to batch_size")
      .range(0, 1e12);
  f.add("precision", &PretrainOptions::precision, "bf16: bf16 compute with fp32 master weights")
      .choices({"fp32", "bf16"});
  f.add("optimizer", &PretrainOptions::optimizer, "which update, and its constants");
  f.add("schedule", &PretrainOptions::schedule, "the learning rate over the run");
  f.add("grad_clip", &PretrainOptions::grad_clip, "global gradient norm above which it is scaled down; 0: never")
      .range(0, 1e9);
  f.add("on_spike", &PretrainOptions::on_spike, "what a loss spike does: end, leave the update out, or go back to the last checkpoint and past its data; NaN is "
        "never ignored")
      .choices({"stop", "skip", "rollback", "ignore"});
  f.add("spike_zscore", &PretrainOptions::spike_zscore, "deviations above the last 128 losses; 0: off").range(0, 1e9);
  f.add("spike_zscore_grad", &PretrainOptions::spike_zscore_grad, "the same for the gradient's norm; 0: off")
      .range(0, 1e9);
  f.add("eval_every", &PretrainOptions::eval_every, "steps between validations; 0: only at the end").range(0, 1e12);
  f.add("eval_batches", &PretrainOptions::eval_batches, "batches a validation; 0: the whole set").range(0, 1e9);
  f.add("patience", &PretrainOptions::patience, "validations without progress after which training ends; 0: never")
      .range(0, 1e9);
  f.add("min_delta", &PretrainOptions::min_delta, "how much lower a validation loss must be to count as progress")
      .range(0, 1e6);
  f.add("control", &PretrainOptions::control,
        "rules over live metrics: [{metric: grad_norm, above: 5, for: 20, lr: 0.5}]; also batch: FACTOR, stop: true");
  f.add("final_weights", &PretrainOptions::final_weights, "which are saved: the last, or those of the best validation")
      .choices({"last", "best"});
  f.add("log_every", &PretrainOptions::log_every, "steps between step events").range(1, 1e9);
  f.add("keep_state", &PretrainOptions::keep_state, "leave the last full checkpoint in out/checkpoint");
  f.add("checkpoint_every_steps", &PretrainOptions::checkpoint_every_steps, "0: not by steps").range(0, 1e12).speed();
  f.add("checkpoint_every_minutes", &PretrainOptions::checkpoint_every_minutes, "0: not by the clock")
      .range(0, 1e6)
      .speed();
  f.add("keep_last", &PretrainOptions::keep_last, "newest checkpoints kept").range(1, 1000).speed();
  f.add("keep_best", &PretrainOptions::keep_best, "and the one with the lowest validation loss").speed();
  f.add("stop_at", &PretrainOptions::stop_at, "end early after this step, as paused; 0: never").range(0, 1e12).speed();
  f.add("watch_every", &PretrainOptions::watch_every,
        "steps between looks at every parameter (norms, update ratio) and layer (activations); 0: never")
      .range(0, 1e12)
      .speed();
  f.add("profile_steps", &PretrainOptions::profile_steps, "steps recorded as a Chrome trace, trace.json; 0: none")
      .range(0, 1000)
      .speed();
  f.add("mfu", &PretrainOptions::mfu, "measure this machine's matrix products (0.3 s) to report MFU").speed();
  f.add("shard_optimizer", &PretrainOptions::shard_optimizer,
        "several processes: each holds and updates its share of the optimiser's state (ZeRO-1)")
      .speed();
  f.add("rank_timeout", &PretrainOptions::rank_timeout,
        "several processes: seconds until one that does not come is taken for dead")
      .range(1, 86400)
      .speed();
  f.add("threads", &PretrainOptions::threads, "compute threads; 0: one a core").range(0, 4096).speed();
}

ModelConfig model_config(const PretrainOptions& options, int64_t vocab_size) {
  const ModelOptions& given = options.model;
  ModelConfig config = from_depth(options.depth, std::max<int64_t>(vocab_size, 1), options.sequence_length, given.family);
  config.vocab_size = vocab_size;
  const auto put = [](int64_t value, int64_t& into) { into = value > 0 ? value : into; };
  put(given.num_layers, config.num_layers);
  if (given.hidden_size > 0 && given.hidden_size != config.hidden_size) {
    set_width(config, given.hidden_size);
  }
  if (given.num_heads > 0 && given.num_heads != config.num_heads) {
    set_heads(config, given.num_heads);
  }
  put(given.num_kv_heads, config.num_kv_heads);
  put(given.intermediate_size, config.intermediate_size);
  config.tie_embeddings = given.tie_embeddings || family_of(given.family).tied;
  config.rope_theta = given.rope_theta;
  config.norm_eps = given.norm_eps;
  config.init = given.init;
  config.init_std = given.init_std;
  config.dropout = options.dropout;
  config.stochastic_depth = options.stochastic_depth;
  return config;
}

namespace {

// Writes what the dial derives into the recipe, so that recipe.yaml says what was trained.
void prepare_pretrain(nlohmann::json& resolved) {
  const auto options = load_options<PretrainOptions>(resolved);
  ModelConfig config = model_config(options, 0);
  config.vocab_size = 1;
  try {
    validate(config);
  } catch (const Error& error) {
    throw Error(ErrorKind::kUsage, error.message(), error.where(), error.hint());
  }
  auto& model = resolved["model"];
  model["num_layers"] = config.num_layers;
  model["hidden_size"] = config.hidden_size;
  model["num_heads"] = config.num_heads;
  model["num_kv_heads"] = config.num_kv_heads;
  model["intermediate_size"] = config.intermediate_size;
  model["tie_embeddings"] = config.tie_embeddings;
  if (options.micro_batch > options.batch_size) {
    throw Error(ErrorKind::kUsage, "micro_batch " + std::to_string(options.micro_batch) + " is larger than batch_size " +
                                       std::to_string(options.batch_size));
  }
}

// One set needs no shares; of several each must be named in `mixture`, so that a misspelt role is not trained on.
void check_pretrain_inputs(const nlohmann::json& resolved, const std::vector<std::string>& inputs) {
  const auto options = load_options<PretrainOptions>(resolved);
  std::vector<std::string> sets;
  for (const std::string& name : inputs) {
    if (name != "valid" && name != "tokenizer" && name != "model") {
      sets.push_back(name);
    }
  }
  if (sets.size() > 1 && options.mixture.empty()) {
    throw Error(ErrorKind::kUsage, "several sets to learn from (" + join_text(sets, ", ") + ") and no mixture", "mixture",
                "say their shares, for example mixture: {" + sets[0] + ": 0.8, " + sets[1] + ": 0.2}");
  }
  parse_mixture(options.mixture, sets, std::vector<double>(sets.size(), 1),
                static_cast<uint64_t>(options.steps) * static_cast<uint64_t>(options.batch_size));
}

}  // namespace

Verb pretrain_verb() {
  Verb verb;
  verb.name = "pretrain";
  verb.summary = "train a language model on tokens, from nothing or from a model";
  verb.roles = {{"train", ArtifactKind::kTokens, true, "what to learn from"},
                {"valid", ArtifactKind::kTokens, false, "what to validate on"},
                {"tokenizer", ArtifactKind::kTokenizer, true, "stored with the model"},
                {"model", ArtifactKind::kModel, false, "weights to begin with, its shape then counts; else fresh ones"},
                {"more", ArtifactKind::kTokens, false, "further sets to learn from, under names of your choice; see mixture",
                 true}};
  verb.output = ArtifactKind::kModel;
  verb.schema = schema_of<PretrainOptions>();
  verb.torch = true;
  verb.resumable = true;
  verb.prepare = prepare_pretrain;
  verb.check_inputs = check_pretrain_inputs;
  verb.example = "athanor run recipes/quickstart.yaml pretrain.depth=2 pretrain.steps=100";
  return verb;
}

}  // namespace athanor
