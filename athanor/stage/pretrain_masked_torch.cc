#include "athanor/stage/pretrain_masked.h"

#include "athanor/base/error.h"
#include "athanor/model/encoder.h"
#include "athanor/stage/masked_vocabulary.h"
#include "athanor/stage/pretrain_shape.h"
#include "athanor/stage/ranks_torch.h"
#include "athanor/stage/stored_tokenizer.h"
#include "athanor/stage/train_in_run.h"
#include "athanor/train/memory.h"
#include "athanor/train/objectives/masked.h"

namespace athanor {

namespace {

// A fresh encoder of the recipe's shape, or the one given as input under the head that the objective wants. What does not fit
// into memory is refused before it is made.
std::unique_ptr<EncoderModel> begin_encoder(StageContext& context, const PretrainOptions& options,
                                            const MaskedVocabulary& vocabulary) {
  const auto seed = static_cast<uint64_t>(options.seed);
  ModelConfig config = model_config(options, vocabulary.vocab_size);
  config.pad_id = vocabulary.padding;
  const TrainPlace place = place_of(context, options);
  if (const StageInput* given = context.find("model")) {
    require_memory(shape_of_given(given->path, options, nullptr), options, place);
    return load_encoder(given->path, config.head, {}, seed, [&](ModelConfig& own) {
      for (const std::string& line : take_training_fields(options, own)) {
        context.progress.line("  " + line);
      }
    });
  }
  require_memory(config, options, place);
  return make_encoder(config, seed);
}

}  // namespace

nlohmann::json pretrain_masked(StageContext& context, const PretrainOptions& options, const Tokenizer& tokenizer,
                               const TokenSet& train, const TokenSet* valid) {
  const MaskedVocabulary vocabulary = masked_vocabulary(tokenizer);
  const auto model = begin_encoder(context, options, vocabulary);
  model->set_recompute(recompute_of(options.recompute));
  const MaskingOptions masking{.sequence_length = options.sequence_length,
                               .seed = options.seed,
                               .share = options.masking.share,
                               .whole_words = options.masking.whole_words,
                               .next_sentence = objective_of(options) == "masked_pairs"};
  MaskedObjective objective(*model, train, valid, vocabulary, masking, options);
  nlohmann::json json = train_in_run(context, objective, options,
                                     {{"parameters", num_parameters(model->config())}, {"tokens", train.num_tokens()}});
  if (json.contains("paused") || json.contains("follows")) {
    return json;
  }
  save_encoder(*model, context.run.out_tmp());
  store_encoder_tokenizer(context, tokenizer, model->config().family, vocabulary.begin, vocabulary.separator);
  if (options.keep_state) {
    keep_last_checkpoint(context.run);
  }
  json["model"] = to_hf_config(model->config());
  return json;
}

}  // namespace athanor
