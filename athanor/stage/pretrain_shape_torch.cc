#include "athanor/stage/pretrain_shape.h"

#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/model/weight_files.h"

namespace athanor {

ModelConfig shape_to_train_on(ModelConfig config, const PretrainOptions& options) {
  const FamilyTraits& family = family_of(config.family);
  const bool told = options.model.family != ModelOptions().family;
  if (config.family != options.model.family && (told || family.encoder)) {
    throw Error(ErrorKind::kUsage, "the model that is given is a " + config.family + ", not a " + options.model.family,
                "pretrain.model.family", family.encoder ? "model: {family: " + config.family + "}" : "leave it out");
  }
  if (!family.recurrent && options.sequence_length > config.max_positions) {
    throw Error(ErrorKind::kUsage,
                "rows of " + std::to_string(options.sequence_length) + " tokens are longer than the " +
                    std::to_string(config.max_positions) + " positions of the model that is given",
                "pretrain.sequence_length", "sequence_length=" + std::to_string(config.max_positions) + " is the most");
  }
  if (family.encoder) {
    config.head = objective_of(options) == "masked" ? "mlm" : "pretraining";
    config.labels = {};
  }
  take_training_fields(options, config);
  return config;
}

ModelConfig shape_of_given(const fs::path& folder, const PretrainOptions& options, const Tokenizer* tokenizer) {
  const fs::path path = folder / "config.json";
  ModelConfig config = shape_to_train_on(from_hf_config(read_json_file(path), path.string()), options);
  refuse_unfilled(folder, least_parameters(config));
  if (tokenizer == nullptr || family_of(config.family).encoder) {
    return config;
  }
  if (fs::exists(folder / "tokenizer.json") && Tokenizer::load(folder).to_json() != tokenizer->to_json()) {
    config.vocab_size = tokenizer->vocab_size();
  }
  if (config.vocab_size < tokenizer->vocab_size()) {
    throw Error(ErrorKind::kInput,
                "the model has a vocabulary of " + std::to_string(config.vocab_size) + ", the tokenizer of " +
                    std::to_string(tokenizer->vocab_size()),
                folder.string(), "give the tokenizer that the model was made with, or put it beside the weights");
  }
  return config;
}

}  // namespace athanor
