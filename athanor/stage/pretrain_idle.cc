// Which options of pretrain count for which family and objective: the others are refused. What makes a shape that cannot be is
// refused by validate() (model/config.h), with the shape.
#include "athanor/base/error.h"
#include "athanor/stage/idle_options.h"
#include "athanor/stage/pretrain.h"
#include "athanor/stage/train_idle.h"

namespace athanor {
namespace {

// What of a recipe no captured piece can follow (train/graph_pieces.h), said before any step has run.
void refuse_graphs(const PretrainOptions& options) {
  const struct {
    bool given;
    const char* instead;
  } table[] = {{options.device == "cpu", "device=cuda"},
               {options.document_mask, "document_mask=false"},
               {options.dropout > 0, "dropout=0"},
               {options.model.attention_dropout > 0, "model.attention_dropout=0"},
               {options.stochastic_depth > 0, "stochastic_depth=0"}};
  for (const auto& row : table) {
    if (row.given) {
      throw Error(ErrorKind::kUsage, std::string("CUDA graphs want ") + row.instead, "pretrain.graphs",
                  std::string(row.instead) + ", or leave graphs out");
    }
  }
}

}  // namespace

void check_pretrain_options(const nlohmann::json& resolved, const PretrainOptions& options) {
  const FamilyTraits& family = family_of(options.model.family);
  const bool causal = !family.encoder;
  const std::string& scaling = options.model.rope_scaling.type;
  const SometimesRead by_family[] = {
      {"model.head_dim", family.rotary, "families with rotary positions"},
      {"model.rope_theta", family.rotary, "families with rotary positions"},
      {"model.rope_scaling", family.rotary, "families with rotary positions"},
      {"model.attention_dropout", !family.recurrent, "families with attention"},
      {"model.norm_eps", !family.recurrent, "families with norms"},
      {"recompute", !family.recurrent, "families of blocks"},
      {"graphs", causal && !family.recurrent, "decoder families"},
      {"stochastic_depth", causal && !family.recurrent, "decoder families"},
      {"masking", !causal, "encoders (bert, roberta)"},
      {"sampling", causal, "objective causal"},
      {"packing", causal, "objective causal"},
      {"mixture", causal, "objective causal"},
  };
  const bool stretched = scaling != "default";
  const SometimesRead by_scaling[] = {
      {"model.rope_scaling.factor", stretched, "types linear, llama3 and yarn"},
      {"model.rope_scaling.low_freq_factor", scaling == "llama3", "type llama3"},
      {"model.rope_scaling.high_freq_factor", scaling == "llama3", "type llama3"},
      {"model.rope_scaling.original_positions", scaling == "llama3" || scaling == "yarn", "types llama3 and yarn"},
      {"model.rope_scaling.beta_fast", scaling == "yarn", "type yarn"},
      {"model.rope_scaling.beta_slow", scaling == "yarn", "type yarn"},
      {"model.rope_scaling.attention_factor", scaling == "yarn", "type yarn"},
  };
  const std::string objective = objective_of(options);
  const SometimesRead by_objective[] = {{"document_mask", objective != "masked_pairs", "objectives causal and masked"}};
  const std::string& init = options.model.init;
  const SometimesRead by_init[] = {
      {"model.init_std", !family.recurrent || init == "normal", "init: normal, and for the embeddings of the other families"}};
  static const nlohmann::json usual = dump_options(PretrainOptions{}, true);
  refuse_idle(resolved, usual, by_family, "pretrain", options.model.family);
  refuse_idle(resolved, usual, by_objective, "pretrain", "objective " + objective);
  refuse_idle(resolved, usual, by_init, "pretrain", options.model.family + " with init: " + init);
  check_training_options(resolved, usual, "pretrain");
  refuse_idle(resolved, usual, by_scaling, "pretrain", "rope_scaling of type " + scaling);
  if (options.graphs) {
    refuse_graphs(options);
  }
}

void check_given_model_options(const nlohmann::json& resolved, const PretrainOptions& options) {
  PretrainOptions plain;
  plain.model.family = options.model.family;
  plain.sequence_length = options.sequence_length;
  nlohmann::json usual = dump_options(plain, true);
  write_shape(model_config(plain, 0), usual);
  const std::vector<const char*> shape = {
      "depth",          "model.num_layers", "model.hidden_size", "model.num_heads",    "model.num_kv_heads", "model.intermediate_size",
      "model.tie_embeddings", "model.head_dim", "model.sliding_window", "model.full_every", "model.rope_theta", "model.rope_scaling",
      "model.norm_eps", "model.init",       "model.init_std"};
  refuse_idle(resolved, usual, shape, "pretrain", "a fresh model", "one that a model is given to",
              "leave it out: the shape is that of the model");
}

}  // namespace athanor
