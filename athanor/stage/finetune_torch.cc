// finetune's work: labelled documents -> model, through the trainer.
#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/machine.h"
#include "athanor/stage/finetune_net.h"
#include "athanor/stage/net_checks.h"
#include "athanor/stage/ranks_torch.h"
#include "athanor/stage/stored_tokenizer.h"
#include "athanor/stage/torch_verbs.h"
#include "athanor/stage/train_in_run.h"
#include "athanor/stage/training_words.h"
#include "athanor/tensor/device/device.h"
#include "athanor/tensor/host_memory.h"

namespace athanor {

namespace {

std::string score_summary(const nlohmann::json& score) {
  if (score.contains("accuracy")) {
    return "accuracy " + fixed_number(100 * score["accuracy"].get<double>(), 1) + " %, macro F1 " +
           fixed_number(score["macro_f1"].get<double>(), 3);
  }
  return "RMSE " + human_number(score["rmse"].get<double>()) + ", MAE " + human_number(score["mae"].get<double>());
}

// Why there is no validation.
std::string unvalidated(const FinetuneOptions& options, const std::vector<StageInput>& inputs, const NetTraining& made) {
  const std::string none = "no validation, and the last weights are kept: ";
  if (find_input(inputs, "valid") != nullptr) {
    return none + "none of the documents to validate on is of use (rejected/rejected.jsonl)";
  }
  if (options.hold_out == 0) {
    return none + "hold_out is 0";
  }
  const std::string rows = grouped_integer(static_cast<int64_t>(made.train.examples.size())) + " documents";
  if (options.task == "classification") {
    return none + "'" + options.label_field + "' has " + grouped_integer(static_cast<int64_t>(made.meaning.names.size())) +
           " labels in " + rows + ", too few of each to hold any out (for a number, task: regression)";
  }
  return none + rows + " are too few to hold any out";
}

// A recipe says epochs and the command line steps, which cannot take epochs back.
void tell_length(StageContext& context, const FinetuneOptions& options, uint64_t examples) {
  if (options.steps > 0 && options.epochs != FinetuneOptions().epochs) {
    const double seen = static_cast<double>(planned_samples(options)) / static_cast<double>(std::max<uint64_t>(1, examples));
    context.progress.line("  steps " + grouped_integer(options.steps) + " says how long it trains (" + human_number(seen) +
                          " epochs), not epochs " + human_number(options.epochs));
  }
}

nlohmann::json finetune_net(StageContext& context, const FinetuneOptions& options) {
  context.progress.update(-1, "reading documents");
  RejectLog rejects(own_rejected(context));
  NetTraining made = prepare_net_training(options, context.inputs, place_of(context, options), rejects);
  rejects.finish();
  const uint64_t examples = made.train.examples.size();
  if (const std::string told = rejects.told(examples + made.valid.examples.size()); !told.empty()) {
    context.warn(told);
  }
  tell_length(context, options, examples);
  const bool validates = made.valid.examples.size() > 0;
  if (!validates) {
    FinetuneOptions asked = options;
    asked.final_weights = "last";  // "best" is this verb's default: it means the last where nothing validates
    require_validation(asked);
    const std::string warning = unvalidated(options, context.inputs, made);
    context.progress.line("  warning: " + warning);
    context.run.events().emit("warning", {{"what", warning}});
  }
  TrainOptions train_options = made.options;
  train_options.final_weights = validates ? options.final_weights : "last";
  ClassificationObjective objective(*made.net, made.train, validates ? &made.valid : nullptr, train_options, made.settings);
  nlohmann::json json = train_in_run(context, objective, train_options,
                                     {{"documents", examples},
                                      {"valid_documents", made.valid.examples.size()},
                                      {"rejected", rejects.total()},
                                      {"label_counts", label_counts(made.train, made.meaning.names)},
                                      {"cut", made.train.examples.cut}});
  if (json.contains("paused") || json.contains("follows")) {
    return json;
  }
  save_net(*made.net, context.run.out_tmp());
  if (made.net->config().shape.kind == InputKind::kText && net_family(made.net->config().options.family).encoder) {
    const EncoderMarks marks = encoder_marks(*made.tokenizer());
    store_encoder_tokenizer(context, *made.tokenizer(), made.net->config().options.family, marks.begin, marks.separator);
  } else if (made.net->config().shape.kind == InputKind::kText) {
    store_tokenizer(context, *made.tokenizer());
  }
  if (options.keep_state) {
    keep_last_checkpoint(context.run);
  }
  json["family"] = made.net->config().options.family;
  json["labels"] = made.meaning.names.size();
  json["documents"] = examples;
  json["epochs"] = json.value("examples", 0.0) / static_cast<double>(examples);
  json["rejected"] = rejects.counts();
  json["cut"] = made.train.examples.cut;
  std::string summary = human_count(json.value("parameters", 0.0)) + " parameters, " +
                        grouped_integer(static_cast<int64_t>(examples)) + " documents";
  if (validates) {
    json["valid"] = score_net(*made.net, made.valid, options.batch_size);  // of the weights that were saved
    summary += ", validation: " + score_summary(json["valid"]);
  }
  if (const std::string end = early_end(json); !end.empty()) {
    summary += ", " + end;
  }
  json["summary"] = summary;
  json.update(check_net(*made.net, made.train, made.valid, options.batch_size));
  return json;
}

// "'llama' models", as its config.json calls it.
std::string kind_of_model(const fs::path& folder) {
  const auto config = fs::exists(folder / "config.json") ? nlohmann::json::parse(read_file(folder / "config.json"), nullptr, false)
                                                         : nlohmann::json();
  const auto type = config.find("model_type");
  return type != config.end() && type->is_string() ? "'" + type->get<std::string>() + "' models" : "this model";
}

bool trains_net(const StageContext& context, const FinetuneOptions& options) {
  const StageInput* model = context.find("model");
  return model != nullptr ? is_net_folder(model->path) || is_encoder_folder(model->path) : !options.model.family.empty();
}

// Which kind of model is trained: the first that takes the inputs and options.
struct FinetuneKind {
  bool (*takes)(const StageContext&, const FinetuneOptions&);
  nlohmann::json (*run)(StageContext&, const FinetuneOptions&);
};
constexpr FinetuneKind kKinds[] = {
    {&trains_net, &finetune_net},  // mlp, rnn, lstm, gru, textcnn, tcn, cnn, resnet, bert, roberta
};

}  // namespace

nlohmann::json execute_finetune(StageContext& context) {
  const auto options = load_options<FinetuneOptions>(context.options);
  open_device(options.device);  // before LibTorch's first operator asks whether there is CUDA
  give_back_freed_memory();
  reset_peak_memory();
  for (const FinetuneKind& kind : kKinds) {
    if (kind.takes(context, options)) {
      return kind.run(context, options);
    }
  }
  if (const StageInput* model = context.find("model")) {
    throw Error(ErrorKind::kUsage, "finetune does not train " + kind_of_model(model->path), model->path.string(),
                "give it a bert, a roberta or what finetune itself left; pretrain with from: {model: ...} goes on with a language model");
  }
  throw Error(ErrorKind::kUsage, "finetune wants a model block with a family, or a model that it can train", "finetune",
              "model: {family: lstm}; athanor explain finetune lists the families");
}

}  // namespace athanor
