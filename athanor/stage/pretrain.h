// Options of `pretrain`: what the trainer is told, and the model to train. Torch-free.
#pragma once

#include "athanor/model/config.h"
#include "athanor/run/fields.h"
#include "athanor/run/verb.h"
#include "athanor/train/options.h"

namespace athanor {

struct RopeScalingOptions {
  std::string type = "default";
  double factor = 1;
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  int64_t original_positions = 0;
  double beta_fast = 32;
  double beta_slow = 1;
  double attention_factor = 0;
  static void fields(Fields<RopeScalingOptions>& f);
};

// 0 and "" mean: as the depth dial derives it.
struct ModelOptions {
  std::string family = "llama";
  int64_t num_layers = 0;
  int64_t hidden_size = 0;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t intermediate_size = 0;
  bool tie_embeddings = false;
  int64_t head_dim = 0;
  int64_t sliding_window = 0;
  int64_t full_every = 0;
  double rope_theta = 10000;
  RopeScalingOptions rope_scaling;
  double attention_dropout = 0;
  int64_t bptt = 0;
  double norm_eps = 1e-5;
  std::string init = "normal";
  double init_std = 0.02;
  static void fields(Fields<ModelOptions>& f);
};

struct MaskingRecipe {
  double share = 0.15;
  bool whole_words = false;
  static void fields(Fields<MaskingRecipe>& f);
};

struct PretrainOptions : TrainOptions {
  int64_t depth = 4;
  ModelOptions model;
  std::string objective;
  MaskingRecipe masking;
  bool keep_state = false;
  static void fields(Fields<PretrainOptions>& f);
};

// "causal", "masked" or "masked_pairs".
std::string objective_of(const PretrainOptions& options);

// Error(kUsage) for an option that is given and that this family or objective does not read, with those that count.
void check_pretrain_options(const nlohmann::json& resolved, const PretrainOptions& options);
// The same for depth and shape where a model is given, whose own shape counts. What the defaults derive may stand there, as in
// a run's recipe.yaml.
void check_given_model_options(const nlohmann::json& resolved, const PretrainOptions& options);

// Writes what the dial derives into a step's options.
void write_shape(const ModelConfig& config, nlohmann::json& resolved);

// The model's shape: the depth dial's, with what was given put over it. vocab_size 0 while it is not yet known.
ModelConfig model_config(const PretrainOptions& options, int64_t vocab_size);

// Puts into the configuration of a model that is trained on what the recipe says of training it: dropout, attention_dropout,
// stochastic_depth and bptt. The lines tell where its own file says otherwise. Error(kUsage) for what its family does not read.
std::vector<std::string> take_training_fields(const PretrainOptions& options, ModelConfig& config);

}  // namespace athanor
