// Options of `pretrain`: what the trainer is told, and the model to train. Torch-free.
#pragma once

#include "athanor/model/config.h"
#include "athanor/run/fields.h"
#include "athanor/train/options.h"

namespace athanor {

// 0 and "" mean: as the depth dial derives it.
struct ModelOptions {
  std::string family = "llama";
  int64_t num_layers = 0;
  int64_t hidden_size = 0;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t intermediate_size = 0;
  bool tie_embeddings = false;
  double rope_theta = 10000;
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

// The model's shape: the depth dial's, with what was given put over it. vocab_size 0 while it is not yet known.
ModelConfig model_config(const PretrainOptions& options, int64_t vocab_size);

}  // namespace athanor
