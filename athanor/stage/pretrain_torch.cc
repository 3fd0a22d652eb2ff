// pretrain's work: tokens -> model, through the trainer.
#include <cmath>
#include <list>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/hash.h"
#include "athanor/base/machine.h"
#include "athanor/data/tokens/token_set.h"
#include "athanor/model/language_model.h"
#include "athanor/model/vocabulary_change.h"
#include "athanor/stage/pretrain.h"
#include "athanor/stage/pretrain_masked.h"
#include "athanor/stage/pretrain_shape.h"
#include "athanor/stage/ranks_torch.h"
#include "athanor/stage/stored_tokenizer.h"
#include "athanor/stage/torch_verbs.h"
#include "athanor/stage/train_in_run.h"
#include "athanor/tensor/device/device.h"
#include "athanor/tensor/host_memory.h"
#include "athanor/token/tokenizer.h"
#include "athanor/token/vocabulary_map.h"
#include "athanor/train/memory.h"
#include "athanor/train/objectives/causal.h"

namespace athanor {

namespace {

// Tokens that another tokenizer made would train a model that reads nonsense.
void check_tokens(const TokenSet& tokens, const StageInput& input, const Tokenizer& tokenizer) {
  if (tokens.vocab_size() > tokenizer.vocab_size()) {
    throw Error(ErrorKind::kInput,
                "the tokens of '" + input.role + "' were made by a vocabulary of " +
                    std::to_string(tokens.vocab_size()) + ", the tokenizer has " +
                    std::to_string(tokenizer.vocab_size()),
                input.path.string(), "encode the documents again with this tokenizer");
  }
  const std::string& made_by = tokens.tokenizer_digest();
  const std::string digest = sha256_hex(tokenizer.to_json());
  if (!made_by.empty() && made_by != digest) {
    throw Error(ErrorKind::kInput, "the tokens of '" + input.role + "' were made by another tokenizer (" +
                                       made_by.substr(0, 12) + ", not " + digest.substr(0, 12) + ")",
                input.path.string(), "encode the documents again with this tokenizer");
  }
}

// The loss of one who knows only how often each token comes: the entropy of up to a million tokens.
double entropy_of(const TokenSet& tokens) {
  constexpr uint64_t kMost = 1000000;
  std::vector<int32_t> ids(std::min(kMost, tokens.num_tokens()));
  tokens.read(0, ids.size(), ids.data());
  std::vector<double> counts(static_cast<size_t>(tokens.vocab_size()), 0);
  for (const int32_t id : ids) {
    counts[static_cast<size_t>(id)] += 1 / static_cast<double>(ids.size());
  }
  double entropy = 0;
  for (const double share : counts) {
    entropy -= share > 0 ? share * std::log(share) : 0;
  }
  return entropy;
}

// A fresh model of the recipe's shape; or the one given as input, whose own shape then counts. Its token tables follow when
// the tokenizer is another than its own. What does not fit into memory is refused before it is made.
std::unique_ptr<LanguageModel> begin_model(StageContext& context, const PretrainOptions& options,
                                           const Tokenizer& tokenizer) {
  const TrainPlace place = place_of(context, options);
  if (const StageInput* given = context.find("model")) {
    require_memory(shape_of_given(given->path, options, &tokenizer), options, place);
    auto model = load_model(given->path, [&](ModelConfig& config) {
      for (const std::string& line : take_training_fields(options, config)) {
        context.progress.line("  " + line);
      }
    });
    context.progress.line("  weights to begin with: " + model->config().family + ", " +
                          std::to_string(model->config().num_layers) + " layers, width " +
                          std::to_string(model->config().hidden_size) + "; its shape counts, not depth and model of the recipe");
    if (fs::exists(given->path / "tokenizer.json")) {
      const Tokenizer own = Tokenizer::load(given->path);
      if (own.to_json() != tokenizer.to_json()) {
        model = change_vocabulary(*model, map_vocabulary(own, tokenizer));
        context.progress.line("  vocabulary of " + grouped_integer(own.vocab_size()) + " -> " +
                              grouped_integer(tokenizer.vocab_size()) + ": new rows are means of the old");
      }
    }
    return model;
  }
  ModelConfig config = model_config(options, tokenizer.vocab_size());
  if (tokenizer.end_of_text() >= 0) {
    config.bos_id = tokenizer.end_of_text();
    config.eos_ids = {tokenizer.end_of_text()};
  }
  require_memory(config, options, place);
  return make_model(config, static_cast<uint64_t>(options.seed));
}

// transformers (5.23) takes the class that it knows for this model type, whatever tokenizer_config.json names.
bool has_rules_of_qwen2(const fs::path& tokenizer_json) {
  auto json = nlohmann::json::parse(read_file(tokenizer_json), nullptr, false);
  if (json.is_discarded() || !json["normalizer"].is_object() || json["normalizer"].value("type", "") != "NFC") {
    return false;
  }
  return json["pre_tokenizer"].dump().find(R"([^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?)") != std::string::npos;
}

}  // namespace

nlohmann::json execute_pretrain(StageContext& context) {
  const auto options = load_options<PretrainOptions>(context.options);
  open_device(options.device);  // before LibTorch's first operator asks whether there is CUDA, and before the data is read
  give_back_freed_memory();
  reset_peak_memory();  // the plan is for training, not for the steps before it in this process
  const Tokenizer tokenizer = Tokenizer::load(context.input("tokenizer").path);
  std::list<TokenSet> sets;
  std::vector<TokenSource> sources;
  const TokenSet* valid_tokens = nullptr;
  for (const StageInput& input : context.inputs) {
    if (input.kind != ArtifactKind::kTokens) {
      continue;
    }
    sets.push_back(TokenSet::open(input.path));
    check_tokens(sets.back(), input, tokenizer);
    if (sets.back().num_tokens() == 0) {
      throw Error(ErrorKind::kInput, "the set '" + input.role + "' is empty", input.path.string(),
                  input.role == "valid" ? "leave valid out, or split off more documents" : "give it some text");
    }
    if (input.role == "valid") {
      valid_tokens = &sets.back();
    } else {
      sources.push_back({input.role, &sets.back()});
    }
  }
  if (valid_tokens == nullptr) {
    require_validation(options);
  }
  if (objective_of(options) != "causal") {
    return pretrain_masked(context, options, tokenizer, *sources.at(0).tokens, valid_tokens);
  }
  const auto model = begin_model(context, options, tokenizer);
  const ModelConfig config = model->config();
  model->set_recompute(recompute_of(options.recompute));
  CausalObjective objective(*model, sources, valid_tokens, options);
  nlohmann::json json = train_in_run(context, objective, options,
                                     {{"parameters", num_parameters(config)},
                                      {"chance_loss", entropy_of(*sources.at(0).tokens)},
                                      {"sources", objective.sources(planned_samples(options))}});
  if (json.contains("paused") || json.contains("follows")) {
    return json;
  }
  save_model(*model, context.run.out_tmp());
  store_tokenizer(context, tokenizer);
  if (config.family == "qwen2" && !has_rules_of_qwen2(context.run.out_tmp() / "tokenizer.json")) {
    json["warnings"].push_back(
        "transformers' AutoTokenizer cuts the text of any qwen2 folder by Qwen 2's own rules, which this tokenizer has not: "
        "load it with PreTrainedTokenizerFast");
  }
  if (options.keep_state) {
    keep_last_checkpoint(context.run);
  }
  json["model"] = to_hf_config(config);
  json["sources"] = objective.sources(json.at(objective.unit()).get<uint64_t>() / static_cast<uint64_t>(objective.units_per_sample()));
  return json;
}

}  // namespace athanor
