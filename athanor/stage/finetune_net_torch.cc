// What finetune and its plan begin with: documents read, inputs and labels learnt, a network made.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/interrupt.h"
#include "athanor/model/recompute.h"
#include "athanor/stage/finetune_net.h"
#include "athanor/stage/masked_vocabulary.h"

namespace athanor {

namespace {

void learn_inputs(const Documents& documents, const std::vector<bool>& held, Inputs& inputs) {
  size_t next = 0;
  documents.for_each([&](uint64_t, Document&& document) {
    check_interrupt();
    const size_t index = next++;
    if (held.empty() || !held[index]) {
      inputs.see(document);
    }
  });
  inputs.finish();
}

// The meaning that a given model's labels have already.
LabelMeaning meaning_of(const NetConfig& config) {
  return {config.task == "regression", config.labels, config.target_mean, config.target_deviation};
}

std::vector<std::string> labels_of(const std::vector<StageInput>& inputs, const FinetuneOptions& options,
                                   const Documents& documents) {
  const StageInput* table = find_input(inputs, "labels");
  if (table == nullptr) {
    return read_labels(documents, options.label_field);
  }
  if (options.label_key.empty()) {
    throw Error(ErrorKind::kUsage, "labels in a table of their own want a key", "label_key",
                "label_key: the column that says whose label a row is");
  }
  const Documents rows = Documents::open(table->path);
  return join_labels(documents, {rows, options.label_key, options.label_pattern}, options.label_field);
}

// given: the model to begin with, whose inputs and labels then count, unless it is an encoder with another head; null:
// they are learnt here.
void read_data(const FinetuneOptions& options, const std::vector<StageInput>& stage_inputs, RejectLog& rejects,
               NetTraining& made) {
  const bool learns = !made.given || made.given->config.new_head;
  const bool regression = learns ? options.task == "regression" : made.given->config.task == "regression";
  const Documents train = Documents::open(find_input(stage_inputs, "train")->path);
  const StageInput* valid = find_input(stage_inputs, "valid");
  const std::vector<std::string> labels = labels_of(stage_inputs, options, train);
  std::vector<bool> held(labels.size(), false);
  if (valid == nullptr) {
    held = held_out(labels, train.ids(), options.hold_out, options.seed, !regression);
  }
  made.meaning = learns ? learn_labels(labels, held, regression) : meaning_of(made.given->config);
  if (learns) {
    learn_inputs(train, held, made.inputs());
  }
  std::vector<bool> trained = held;
  trained.flip();
  made.train = read_examples(train, labels, trained, made.inputs(), made.meaning, rejects);
  rejects.check(made.train.examples.size(), options.max_rejected, true);
  if (valid != nullptr) {
    const Documents documents = Documents::open(valid->path);
    made.valid = read_examples(documents, labels_of(stage_inputs, options, documents), {}, made.inputs(), made.meaning, rejects);
  } else {
    made.valid = read_examples(train, labels, held, made.inputs(), made.meaning, rejects);
  }
  if (made.train.examples.size() == 0) {
    throw Error(ErrorKind::kInput, "no document is of use for training", find_input(stage_inputs, "train")->path.string(),
                "rejected/rejected.jsonl says why");
  }
}

// n / (labels x n of the label): the mean weight of an example is 1.
std::vector<double> balanced_weights(const LabelledExamples& examples, size_t labels) {
  std::vector<double> counts(labels, 0);
  for (const int32_t label : examples.labels) {
    counts[static_cast<size_t>(label)] += 1;
  }
  for (double& count : counts) {
    count = count > 0 ? static_cast<double>(examples.labels.size()) / (static_cast<double>(labels) * count) : 0;
  }
  return counts;
}

// What the trainer is told, with what depends on the number of examples.
FinetuneOptions with_steps(FinetuneOptions options, uint64_t examples) {
  const double batches = static_cast<double>(examples) / static_cast<double>(options.batch_size);
  if (options.steps == 0) {
    options.steps = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(options.epochs * batches)));
    const double wanted = options.epochs * static_cast<double>(examples);
    for (double left = 0; (left = wanted - static_cast<double>(planned_samples(options))) > 0;) {  // batches that grow are smaller
      options.steps += static_cast<int64_t>(std::ceil(left / static_cast<double>(options.batch_size)));
    }
  }
  if (options.eval_every == 0) {
    options.eval_every = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(batches)));
  }
  return options;
}

// The kernel would kill a process that made what does not fit.
void require_net_memory(const NetConfig& config, const TrainOptions& options, const TrainPlace& place) {
  constexpr double kMost = 1e17;  // whose bytes can still be counted
  MemoryPlan plan = plan_memory(static_cast<int64_t>(std::min(kMost, least_parameters(config))), options, place);
  plan.checkpoint_copy = 0;
  require_memory(plan, options, place, "smaller sizes in model: or optimizer.state=bf16 need less");
}

std::unique_ptr<Net> begin_net(const FinetuneOptions& options, const TrainPlace& place, NetTraining& made) {
  if (made.given && !made.given->config.new_head) {
    require_net_memory(made.given->config, made.options, place);
    made.given->config.label_field = options.label_field;
    return load_net(made.given->folder, made.given->config);
  }
  const LabelMeaning& meaning = made.meaning;
  NetConfig config = made.given ? made.given->config : NetConfig();
  if (!made.given) {
    config.options = options.model;
    config.shape = made.inputs().shape();
    config.pad_id = made.tokenizer() != nullptr ? masked_vocabulary(*made.tokenizer()).padding : 0;
  }
  config.task = options.task;
  config.labels = meaning.names;
  config.target_mean = meaning.mean;
  config.target_deviation = meaning.deviation;
  config.label_field = options.label_field;
  config.inputs = made.inputs().to_json();
  const auto seed = static_cast<uint64_t>(options.seed);
  require_net_memory(config, made.options, place);  // a given encoder without a head has its labels only now
  return made.given ? load_net(made.given->folder, config, seed) : make_net(config, seed);
}

// An encoder reads as this recipe says: all of it with a head of its own, else what the recipe names (HF keeps neither the
// length nor the second text's field with the weights).
void take_encoder(const FinetuneOptions& options, NetFolder& folder) {
  NetConfig& config = folder.config;
  config.new_head = config.new_head || config.task != options.task;
  const nlohmann::json& before = config.inputs.at("options");
  const auto most = before.at("max_length").get<int64_t>();
  const bool length_told = config.new_head || options.inputs.max_length != InputOptions().max_length;
  const bool pair_told = config.new_head || !options.pair_field.empty();
  folder.inputs = encoder_inputs({config.options.family, length_told ? std::min(most, options.inputs.max_length) : most,
                                  pair_told ? options.pair_field : config.inputs.value("pair_field", "")},
                                 folder.tokenizer.get());
  if (!config.new_head) {
    config.inputs = folder.inputs->to_json();
  }
}

std::unique_ptr<Inputs> fresh_inputs(const FinetuneOptions& options, const Tokenizer* tokenizer) {
  if (net_family(options.model.family).encoder) {
    return encoder_inputs({options.model.family, options.inputs.max_length, options.pair_field}, tokenizer);
  }
  const InputKind kind = input_kind(options);
  InputOptions settings = options.inputs;
  if (kind == InputKind::kTable) {  // a row must not say its own label
    settings.exclude.push_back(options.label_field);
  }
  return make_inputs(kind, settings, tokenizer);
}

}  // namespace

const StageInput* find_input(const std::vector<StageInput>& inputs, const std::string& role) {
  for (const StageInput& input : inputs) {
    if (input.role == role) {
      return &input;
    }
  }
  return nullptr;
}

NetTraining prepare_net_training(const FinetuneOptions& options, const std::vector<StageInput>& inputs,
                                 const TrainPlace& place, RejectLog& rejects) {
  NetTraining made;
  if (const StageInput* model = find_input(inputs, "model")) {
    made.given.emplace(NetFolder::open(model->path));
    const NetConfig& config = made.given->config;
    if (net_family(config.options.family).encoder) {
      take_encoder(options, *made.given);
    }
    check_given_net_options(dump_options(options, true), config);
  } else {
    if (const StageInput* tokenizer = find_input(inputs, "tokenizer")) {
      made.fresh_tokenizer = std::make_unique<Tokenizer>(Tokenizer::load(tokenizer->path));
    }
    made.fresh_inputs = fresh_inputs(options, made.fresh_tokenizer.get());
  }
  read_data(options, inputs, rejects, made);
  made.options = with_steps(options, made.train.examples.size());
  made.net = begin_net(options, place, made);
  made.net->set_recompute(recompute_of(options.recompute));
  made.settings.flip = options.flip;
  made.settings.crop = options.crop;
  if (options.class_weights == "balanced") {
    made.settings.class_weights = balanced_weights(made.train, made.meaning.names.size());
  }
  return made;
}

}  // namespace athanor
