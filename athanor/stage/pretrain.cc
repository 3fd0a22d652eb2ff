#include "athanor/stage/pretrain.h"

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/gpu.h"
#include "athanor/base/text.h"
#include "athanor/stage/train_fields.h"
#include "athanor/stage/verb_list.h"
#include "athanor/train/loading/mixture.h"

namespace athanor {

namespace {

std::vector<std::string> all_families() {
  std::vector<std::string> names = decoder_families();
  for (std::string& name : encoder_families()) {
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

void MaskingRecipe::fields(Fields<MaskingRecipe>& f) {
  f.add("share", &MaskingRecipe::share, "of the tokens; of them 80 % become the mask, 10 % any token, 10 % stay").range(0.001, 0.9);
  f.add("whole_words", &MaskingRecipe::whole_words, "words are hidden, not tokens");
}

void RopeScalingOptions::fields(Fields<RopeScalingOptions>& f) {
  f.add("type", &RopeScalingOptions::type, "linear: all divided; llama3: the low ones; yarn: those that turn seldom")
      .choices({"default", "linear", "llama3", "yarn"});
  f.add("factor", &RopeScalingOptions::factor, "how much longer the context becomes").range(1, 1e6);
  f.add("low_freq_factor", &RopeScalingOptions::low_freq_factor, "llama3: wavelengths above original / low are divided").range(0, 1e6);
  f.add("high_freq_factor", &RopeScalingOptions::high_freq_factor, "llama3: those below original / high stay").range(0, 1e6);
  f.add("original_positions", &RopeScalingOptions::original_positions, "llama3, yarn: the context first trained on; 0: sequence_length / factor")
      .range(0, 1e9);
  f.add("beta_fast", &RopeScalingOptions::beta_fast, "yarn: frequencies with more turns than this stay").range(0, 1e6);
  f.add("beta_slow", &RopeScalingOptions::beta_slow, "yarn: those with fewer are divided").range(0, 1e6);
  f.add("attention_factor", &RopeScalingOptions::attention_factor, "yarn: growth of queries and keys; 0: 0.1 ln(factor) + 1").range(0, 1e6);
}

void ModelOptions::fields(Fields<ModelOptions>& f) {
  f.add("family", &ModelOptions::family,
        "llama: RMSNorm, RoPE, SwiGLU; qwen2: with biases on q, k, v; qwen3: with norms on q and k; gemma3: norms round "
        "each block, GeGLU, sliding windows; gpt2: LayerNorm, positions, GELU; rnn, lstm, gru: recurrent, without attention; "
        "bert, roberta: encoders")
      .choices(all_families());
  f.add("num_layers", &ModelOptions::num_layers, "blocks; 0: depth").range(0, 1024);
  f.add("hidden_size", &ModelOptions::hidden_size, "width; 0: 64 x depth in whole heads").range(0, 1 << 20);
  f.add("num_heads", &ModelOptions::num_heads, "attention heads; 0: derived").range(0, 4096);
  f.add("num_kv_heads", &ModelOptions::num_kv_heads, "key/value heads (grouped-query attention); 0: derived")
      .range(0, 4096);
  f.add("intermediate_size", &ModelOptions::intermediate_size, "width of the feed-forward block; 0: derived")
      .range(0, 1 << 22);
  f.add("tie_embeddings", &ModelOptions::tie_embeddings, "input and output embedding are one matrix (gpt2, gemma3: always)");
  f.add("head_dim", &ModelOptions::head_dim, "numbers a head; 0: hidden_size / num_heads").range(0, 65535);
  f.add("sliding_window", &ModelOptions::sliding_window,
        "qwen2, qwen3, gemma3: keys that a layer with a window looks back at; 0: none (gemma3: derived)")
      .range(0, 1 << 30);
  f.add("full_every", &ModelOptions::full_every,
        "with a window: every so manieth layer looks at all; 0: none does (gemma3: every 6th)")
      .range(0, 65536);
  f.add("rope_theta", &ModelOptions::rope_theta, "base of the rotary positions").range(1, 1e9);
  f.add("rope_scaling", &ModelOptions::rope_scaling, "rotary positions stretched to contexts longer than those of the first training");
  f.add("attention_dropout", &ModelOptions::attention_dropout, "share of the attention's probabilities dropped").range(0, 0.99);
  f.add("bptt", &ModelOptions::bptt, "rnn, lstm, gru: steps that a gradient goes back at most; 0: to the start").range(0, 1 << 30);
  f.add("norm_eps", &ModelOptions::norm_eps, "epsilon of the norms").range(0, 1);
  f.add("init", &ModelOptions::init, "initialisation of the weights")
      .choices({"normal", "xavier_uniform", "xavier_normal", "kaiming"});
  f.add("init_std", &ModelOptions::init_std, "standard deviation of all matrices by init: normal; but for rnn, lstm and gru of the embeddings by any init").range(0, 10);
}

void PretrainOptions::fields(Fields<PretrainOptions>& f) {
  f.add("depth", &PretrainOptions::depth, "the one dial: derives width, heads, layers and feed-forward width")
      .range(1, 128);
  f.add("model", &PretrainOptions::model, "the model's shape where it is not to follow depth");
  f.add("steps", &PretrainOptions::steps, "optimiser steps of the whole run; schedules read this").range(1, 1e12);
  f.add("sequence_length", &PretrainOptions::sequence_length, "tokens a sequence").range(1, 1 << 22);
  f.add("sampling", &PretrainOptions::sampling,
        "shuffled: each row once an epoch; ordered: as the documents stand (a curriculum); random: windows anywhere")
      .choices({"shuffled", "ordered", "random"});
  f.add("packing", &PretrainOptions::packing,
        "windows: cut the text every sequence_length tokens; best_fit: whole documents, packed, the rest padded")
      .choices({"windows", "best_fit"});
  f.add("mixture", &PretrainOptions::mixture,
        "shares of several sets: {train: 0.8, books: 0.2}; or stages: [{until: 0.9, weights: {...}}, {weights: {...}}]");
  f.add("objective", &PretrainOptions::objective,
        "causal: the next token; masked: hidden tokens; masked_pairs: and whether two texts follow; empty: as the family is "
        "trained (bert: masked_pairs, roberta: masked)")
      .choices({"", "causal", "masked", "masked_pairs"});
  f.add("masking", &PretrainOptions::masking, "masked objectives: what is hidden");
  f.add("document_mask", &PretrainOptions::document_mask, "attention never crosses from one document into another");
  f.add("dropout", &PretrainOptions::dropout, "share of activations dropped").range(0, 0.99);
  f.add("stochastic_depth", &PretrainOptions::stochastic_depth,
        "chance that the last layer is left out for a sequence, earlier ones less")
      .range(0, 0.99);
  f.add("eval_every", &PretrainOptions::eval_every, "steps between validations; 0: only at the end").range(0, 1e12);
  f.add("recompute", &PretrainOptions::recompute,
        "what the backward pass computes again instead of keeping: less memory, more work, the same bits")
      .choices({"none", "mlp", "block"})
      .speed();
  f.add("graphs", &PretrainOptions::graphs,
        "on a GPU, pieces of a batch captured once as CUDA graphs and replayed: fewer launches, the same bits (docs/gpu.md)")
      .speed();
  f.add("keep_state", &PretrainOptions::keep_state, "leave the last full checkpoint in out/checkpoint");
  add_train_fields(f);
}

std::string objective_of(const PretrainOptions& options) {
  if (!options.objective.empty()) {
    return options.objective;
  }
  return !family_of(options.model.family).encoder ? "causal" : options.model.family == "bert" ? "masked_pairs" : "masked";
}

namespace {

RopeScaling rope_scaling(const RopeScalingOptions& given, int64_t positions) {
  RopeScaling scaling{given.type,       given.factor,    given.low_freq_factor, given.high_freq_factor,
                      given.original_positions, given.beta_fast, given.beta_slow,       given.attention_factor};
  if (scaling.original_positions == 0 && (scaling.type == "llama3" || scaling.type == "yarn")) {
    scaling.original_positions = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(positions) / scaling.factor));
  }
  return scaling;
}

}  // namespace

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
  put(given.head_dim, config.head_dim);
  put(given.sliding_window, config.sliding_window);
  put(given.full_every, config.full_every);
  if (config.sliding_window > 0 && config.full_every == 0) {
    config.full_every = config.num_layers + 1;
  }
  config.rope_theta = given.rope_theta;
  config.rope_scaling = rope_scaling(given.rope_scaling, config.max_positions);
  config.attention_dropout = given.attention_dropout;
  config.bptt = given.bptt;
  config.norm_eps = given.norm_eps;
  config.init = given.init;
  config.init_std = given.init_std;
  if (family_of(given.family).encoder) {
    config.head = objective_of(options) == "masked" ? "mlm" : "pretraining";
  }
  config.dropout = options.dropout;
  config.stochastic_depth = options.stochastic_depth;
  return config;
}

std::vector<std::string> take_training_fields(const PretrainOptions& options, ModelConfig& config) {
  if (family_of(config.family).recurrent && options.model.attention_dropout > 0) {
    throw Error(ErrorKind::kUsage, "the model is a " + config.family + ", which has no attention", "pretrain.model.attention_dropout",
                "leave it out");
  }
  std::vector<std::string> told;
  const auto take = [&](const char* name, double& own, double wanted) {
    if (own != wanted) {
      told.push_back(std::string(name) + ": " + human_number(own) + " in its config.json, " + human_number(wanted) +
                     " in the recipe, which counts");
    }
    own = wanted;
  };
  take("dropout", config.dropout, options.dropout);
  take("model.attention_dropout", config.attention_dropout, options.model.attention_dropout);
  config.stochastic_depth = options.stochastic_depth;
  config.bptt = options.model.bptt;
  return told;
}

void write_shape(const ModelConfig& config, nlohmann::json& resolved) {
  auto& model = resolved["model"];
  model["num_layers"] = config.num_layers;
  model["hidden_size"] = config.hidden_size;
  model["num_heads"] = config.num_heads;
  model["num_kv_heads"] = config.num_kv_heads;
  model["intermediate_size"] = config.intermediate_size;
  model["tie_embeddings"] = config.tie_embeddings;
  model["head_dim"] = config.head_dim;
  model["sliding_window"] = config.sliding_window;
  model["full_every"] = config.full_every;
  model["rope_scaling"]["original_positions"] = config.rope_scaling.original_positions;
}

namespace {

// A width that is no whole number of the heads that follow from it: the user gave one of the two numbers that do not fit.
void check_derived_heads(const PretrainOptions& options, const ModelConfig& config) {
  const FamilyTraits& family = family_of(config.family);
  const int64_t width = config.hidden_size;
  const auto fits = [&](int64_t heads) { return width % heads == 0 && (!family.rotary || width / heads % 2 == 0); };
  if (options.model.hidden_size == 0 || options.model.num_heads > 0 || config.head_dim > 0 || family.recurrent ||
      fits(config.num_heads)) {
    return;
  }
  int64_t heads = config.num_heads;
  while (heads <= width && !fits(heads)) {
    ++heads;
  }
  const int64_t below = width / 64 * 64;
  throw Error(ErrorKind::kUsage,
              "hidden_size = " + std::to_string(width) + " gives " + std::to_string(config.num_heads) + " heads of 64, which do not fill it",
              "model.hidden_size",
              "hidden_size=" + (below > 0 ? std::to_string(below) + " or " : "") + std::to_string(below + 64) +
                  (heads <= width ? ", or model.num_heads=" + std::to_string(heads) : ""));
}

// Writes what the dial derives into the recipe, so that recipe.yaml says what was trained.
void prepare_pretrain(nlohmann::json& resolved) {
  const auto options = load_options<PretrainOptions>(resolved);
  gpu_number(options.device);  // a word that names no device is refused here, even when the step is done
  ModelConfig config = model_config(options, 0);
  config.vocab_size = 1;
  check_derived_heads(options, config);
  try {
    validate(config);
  } catch (const Error& error) {
    throw Error(ErrorKind::kUsage, error.message(), error.where(), error.hint());
  }
  const std::string objective = objective_of(options);
  if ((objective == "causal") == family_of(options.model.family).encoder) {
    throw Error(ErrorKind::kUsage, "objective " + objective + " does not go with family " + options.model.family, "objective",
                "encoders (bert, roberta) are trained by masked or masked_pairs, the others by causal");
  }
  check_pretrain_options(resolved, options);
  resolved["objective"] = objective;
  write_shape(config, resolved);
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
    if (name == "model") {
      check_given_model_options(resolved, options);
    }
    if (name != "valid" && name != "tokenizer" && name != "model") {
      sets.push_back(name);
    }
  }
  if (sets.size() > 1 && options.mixture.empty()) {
    throw Error(ErrorKind::kUsage, "several sets to learn from (" + join_text(sets, ", ") + ") and no mixture", "mixture",
                "say their shares, for example mixture: {" + sets[0] + ": 0.8, " + sets[1] + ": 0.2}");
  }
  if (sets.size() > 1 && objective_of(options) != "causal") {
    throw Error(ErrorKind::kUsage, "a masked objective learns from one set", "mixture", "put the documents together with mix");
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
  verb.revision = 5;
  verb.prepare = prepare_pretrain;
  verb.check_inputs = check_pretrain_inputs;
  verb.example = "athanor run recipes/quickstart.yaml pretrain.depth=2 pretrain.steps=100";
  return verb;
}

}  // namespace athanor
