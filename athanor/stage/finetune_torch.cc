// finetune's work: labelled documents -> model, through the trainer.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/machine.h"
#include "athanor/stage/finetune.h"
#include "athanor/stage/labelled_documents.h"
#include "athanor/stage/net_folder.h"
#include "athanor/stage/torch_verbs.h"
#include "athanor/stage/train_in_run.h"
#include "athanor/train/objectives/classification.h"

namespace athanor {

namespace {

struct FinetuneData {
  LabelMeaning meaning;
  LabelledExamples train;
  LabelledExamples valid;
  uint64_t rejected = 0;
};

void learn_inputs(const Documents& documents, const std::vector<bool>& held, Inputs& inputs) {
  size_t next = 0;
  documents.for_each([&](uint64_t, Document&& document) {
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

std::vector<std::string> labels_of(const StageContext& context, const FinetuneOptions& options, const Documents& documents) {
  const StageInput* table = context.find("labels");
  if (table == nullptr) {
    return read_labels(documents, options.label_field);
  }
  if (options.label_key.empty()) {
    throw Error(ErrorKind::kUsage, "labels in a table of their own want a key", "label_key",
                "label_key: the column that says whose label a row is");
  }
  return join_labels(documents, {Documents::open(table->path), options.label_key, options.label_pattern}, options.label_field);
}

// given: the model to begin with, whose inputs and labels then count; null: they are learnt here.
FinetuneData read_data(StageContext& context, const FinetuneOptions& options, Inputs& inputs, const NetFolder* given) {
  FinetuneData data;
  RejectLog rejects(context.run.rejected());
  const bool regression = given != nullptr ? given->config.task == "regression" : options.task == "regression";
  const Documents train = Documents::open(context.input("train").path);
  const StageInput* valid = context.find("valid");
  const std::vector<std::string> labels = labels_of(context, options, train);
  std::vector<bool> held(labels.size(), false);
  if (valid == nullptr) {
    held = held_out(labels, train.ids(), options.hold_out, options.seed, !regression);
  }
  data.meaning = given != nullptr ? meaning_of(given->config) : learn_labels(labels, held, regression);
  if (given == nullptr) {
    learn_inputs(train, held, inputs);
  }
  std::vector<bool> trained = held;
  trained.flip();
  context.progress.update(-1, "reading documents");
  data.train = read_examples(train, labels, trained, inputs, data.meaning, rejects);
  rejects.check(data.train.examples.size(), options.max_rejected, true);
  if (valid != nullptr) {
    const Documents documents = Documents::open(valid->path);
    data.valid = read_examples(documents, labels_of(context, options, documents), {}, inputs, data.meaning, rejects);
  } else {
    data.valid = read_examples(train, labels, held, inputs, data.meaning, rejects);
  }
  rejects.check(data.train.examples.size() + data.valid.examples.size(), options.max_rejected, true);
  data.rejected = rejects.total();
  rejects.finish();
  if (data.train.examples.size() == 0) {
    throw Error(ErrorKind::kInput, "no document is of use for training", context.input("train").path.string(),
                "rejected/rejected.jsonl says why");
  }
  return data;
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
  }
  if (options.eval_every == 0) {
    options.eval_every = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(batches)));
  }
  return options;
}

std::unique_ptr<Net> begin_net(const FinetuneOptions& options, const NetFolder* given, const Inputs& inputs,
                               const LabelMeaning& meaning) {
  if (given != nullptr) {
    return load_net(given->folder, given->config);
  }
  NetConfig config;
  config.options = options.model;
  config.shape = inputs.shape();
  config.task = options.task;
  config.labels = meaning.names;
  config.target_mean = meaning.mean;
  config.target_deviation = meaning.deviation;
  config.label_field = options.label_field;
  config.inputs = inputs.to_json();
  return make_net(config, static_cast<uint64_t>(options.seed));
}

std::string score_summary(const nlohmann::json& score) {
  if (score.contains("accuracy")) {
    return "accuracy " + human_percent(score["accuracy"].get<double>()) + ", macro F1 " +
           fixed_number(score["macro_f1"].get<double>(), 3);
  }
  return "RMSE " + human_number(score["rmse"].get<double>()) + ", MAE " + human_number(score["mae"].get<double>());
}

nlohmann::json finetune_net(StageContext& context, const FinetuneOptions& given_options) {
  std::optional<NetFolder> given;
  if (const StageInput* model = context.find("model")) {
    given.emplace(NetFolder::open(model->path));
  }
  std::optional<Tokenizer> tokenizer;
  if (const StageInput* input = context.find("tokenizer"); input != nullptr && !given) {
    tokenizer.emplace(Tokenizer::load(input->path));
  }
  std::unique_ptr<Inputs> fresh;
  if (!given) {
    const InputKind kind = input_kind(given_options);
    InputOptions settings = given_options.inputs;
    if (kind == InputKind::kTable) {  // a row must not say its own label
      settings.exclude.push_back(given_options.label_field);
    }
    fresh = make_inputs(kind, settings, tokenizer ? &*tokenizer : nullptr);
  }
  Inputs& inputs = given ? *given->inputs : *fresh;
  const FinetuneData data = read_data(context, given_options, inputs, given ? &*given : nullptr);
  const auto net = begin_net(given_options, given ? &*given : nullptr, inputs, data.meaning);

  const FinetuneOptions options = with_steps(given_options, data.train.examples.size());
  ClassificationSettings settings;
  settings.flip = options.flip;
  settings.crop = options.crop;
  if (options.class_weights == "balanced") {
    settings.class_weights = balanced_weights(data.train, data.meaning.names.size());
  }
  const bool validates = data.valid.examples.size() > 0;
  ClassificationObjective objective(*net, data.train, validates ? &data.valid : nullptr, options, settings);
  TrainOptions train_options = options;
  train_options.final_weights = validates ? options.final_weights : "last";
  nlohmann::json json = train_in_run(context, objective, train_options,
                                     {{"documents", data.train.examples.size()},
                                      {"valid_documents", data.valid.examples.size()},
                                      {"rejected", data.rejected},
                                      {"cut", data.train.examples.cut}});
  if (json.contains("paused")) {
    return json;
  }
  save_net(*net, context.run.out_tmp());
  const Tokenizer* stored = given ? given->tokenizer.get() : tokenizer ? &*tokenizer : nullptr;
  if (stored != nullptr && net->config().shape.kind == InputKind::kText) {
    write_file_atomic(context.run.out_tmp() / "tokenizer.json", stored->to_json());
  }
  if (options.keep_state) {
    keep_last_checkpoint(context.run);
  }
  json["family"] = net->config().options.family;
  json["labels"] = data.meaning.names.size();
  json["documents"] = data.train.examples.size();
  json["rejected"] = data.rejected;
  json["cut"] = data.train.examples.cut;
  std::string summary = human_count(json.value("parameters", 0.0)) + " parameters, " +
                        grouped_integer(static_cast<int64_t>(data.train.examples.size())) + " documents";
  if (validates) {
    json["valid"] = score_net(*net, data.valid, options.batch_size);  // of the weights that were saved
    summary += ", validation: " + score_summary(json["valid"]);
  }
  json["summary"] = summary;
  return json;
}

bool trains_net(const StageContext& context, const FinetuneOptions& options) {
  const StageInput* model = context.find("model");
  return model != nullptr ? is_net_folder(model->path) : !options.model.family.empty();
}

// Which kind of model is trained: the first that takes the inputs and options.
struct FinetuneKind {
  bool (*takes)(const StageContext&, const FinetuneOptions&);
  nlohmann::json (*run)(StageContext&, const FinetuneOptions&);
};
constexpr FinetuneKind kKinds[] = {
    {&trains_net, &finetune_net},  // mlp, rnn, lstm, gru, textcnn, tcn, cnn, resnet
};

}  // namespace

nlohmann::json execute_finetune(StageContext& context) {
  const auto options = load_options<FinetuneOptions>(context.options);
  reset_peak_memory();
  for (const FinetuneKind& kind : kKinds) {
    if (kind.takes(context, options)) {
      return kind.run(context, options);
    }
  }
  throw Error(ErrorKind::kUsage, "finetune wants a model block with a family, or a model that it can train", "finetune",
              "model: {family: lstm}; athanor explain finetune lists the families");
}

}  // namespace athanor
