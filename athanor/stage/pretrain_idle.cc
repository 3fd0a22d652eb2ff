// Which options of pretrain count for which family and objective: the others are refused. What makes a shape that cannot be is
// refused by validate() (model/config.h), with the shape.
#include "athanor/stage/idle_options.h"
#include "athanor/stage/pretrain.h"

namespace athanor {

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
  static const nlohmann::json usual = dump_options(PretrainOptions{}, true);
  refuse_idle(resolved, usual, by_family, "pretrain", options.model.family);
  refuse_idle(resolved, usual, by_scaling, "pretrain", "rope_scaling of type " + scaling);
}

}  // namespace athanor
