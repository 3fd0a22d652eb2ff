// pretrain's work: tokens -> model, through the trainer.
#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/hash.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/machine.h"
#include "athanor/base/text.h"
#include "athanor/data/tokens/token_set.h"
#include "athanor/model/language_model.h"
#include "athanor/model/vocabulary_change.h"
#include "athanor/run/tensorboard.h"
#include "athanor/stage/pretrain.h"
#include "athanor/stage/torch_verbs.h"
#include "athanor/token/tokenizer.h"
#include "athanor/token/vocabulary_map.h"
#include "athanor/train/checkpoint.h"
#include "athanor/train/trainer.h"

namespace athanor {

namespace {

std::string details_text(const nlohmann::json& event) {
  std::string text = "step " + grouped_integer(event.value("step", int64_t{0})) + "  loss " +
                     fixed_number(event.value("loss", 0.0), 3) + "  " +
                     human_count(event.value("tokens_per_second", 0.0)) + " tok/s";
  const double mfu = event.value("mfu", 0.0);
  return mfu > 0 ? text + "  mfu " + human_percent(mfu) : text;
}

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

// The event log goes back to where the checkpoint was taken, and TensorBoard's file with it.
std::unique_ptr<TensorBoardWriter> prepare_events(Run& run, const std::optional<ResumePoint>& point) {
  run.events().truncate(point ? point->event_position : 0);
  const fs::path dir = run.dir() / "tensorboard";
  fs::remove_all(dir);
  if (point) {
    rebuild_tensorboard(run.dir() / "events.jsonl", dir, unix_time());
  }
  return std::make_unique<TensorBoardWriter>(dir, unix_time());
}

void write_scalars(TensorBoardWriter& board, const nlohmann::json& event) {
  const std::string type = event.value("type", "");
  if (type != "step" && type != "eval") {
    return;
  }
  const std::string prefix = type == "step" ? "train/" : "valid/";
  for (const auto& [key, value] : event.items()) {
    if (value.is_number() && key != "step" && key != "t") {
      board.scalar(prefix + key, event.value("step", int64_t{0}), value.get<double>(), event.value("t", 0.0));
    }
  }
}

// The whole time as the first seconds of steps predict it: what the report holds against the time it took.
class TimePrediction {
 public:
  explicit TimePrediction(int64_t steps) : steps_(steps) {}

  void see(int64_t step) {
    const double now = monotonic_time();
    if (first_step_ < 0) {
      first_step_ = step;
      begin_ = now;
    } else if (predicted_ == 0 && now - begin_ >= kSeconds) {
      predicted_ = (now - begin_) / static_cast<double>(step - first_step_) * static_cast<double>(steps_ - first_step_);
    }
  }

  // {"predicted_seconds", "measured_seconds", "error"}; null for a run too short to say.
  nlohmann::json to_json() const {
    if (predicted_ == 0) {
      return nullptr;
    }
    const double measured = monotonic_time() - begin_;
    return {{"predicted_seconds", predicted_}, {"measured_seconds", measured}, {"error", predicted_ / measured - 1}};
  }

 private:
  static constexpr double kSeconds = 3;
  int64_t steps_;
  int64_t first_step_ = -1;
  double begin_ = 0;
  double predicted_ = 0;
};

TrainHooks make_hooks(StageContext& context, TensorBoardWriter& board, TimePrediction& prediction) {
  TrainHooks hooks;
  EventLog& events = context.run.events();
  events.on_event([&board](const nlohmann::json& event) { write_scalars(board, event); });
  hooks.emit = [&events, &context](const nlohmann::json& event) {
    nlohmann::json fields = event;
    const std::string type = fields.value("type", "");
    fields.erase("type");
    events.emit(type, fields);
    if (type == "eval") {
      context.progress.line("  step " + grouped_integer(event.value("step", int64_t{0})) + "  validation loss " +
                            fixed_number(event.value("loss", 0.0), 4) + "  perplexity " +
                            human_number(event.value("perplexity", 0.0)) + "  bits per byte " +
                            fixed_number(event.value("bits_per_byte", 0.0), 3));
    } else if (type == "spike") {
      context.progress.line("  spike: " + event.dump());
    }
  };
  hooks.event_position = [&events] { return events.position(); };
  hooks.stop_requested = [] { return interrupted(); };
  hooks.progress = [&context, &prediction](double fraction, const nlohmann::json& event) {
    prediction.see(event.value("step", int64_t{0}));
    context.progress.update(fraction, details_text(event));
  };
  return hooks;
}

nlohmann::json result_json(const TrainResult& result, const ModelConfig& config, const PretrainOptions& options) {
  const double predicted = static_cast<double>(result.memory.total());
  nlohmann::json json{{"parameters", num_parameters(config)},
                      {"model", to_hf_config(config)},
                      {"steps", result.step},
                      {"tokens", result.num_tokens},
                      {"train_loss", result.loss},
                      {"tokens_per_second", result.tokens_per_second},
                      {"mfu", result.mfu},
                      {"gemm_peak_flops", result.gemm_peak},
                      {"flops_per_token", flops_per_token(config, options.sequence_length)},
                      {"skipped_steps", result.num_skipped},
                      {"memory",
                       {{"predicted_bytes", result.memory.total()},
                        {"measured_bytes", result.peak_bytes},
                        {"error", result.peak_bytes > 0 ? predicted / static_cast<double>(result.peak_bytes) - 1 : 0.0},
                        {"by_category", result.memory.to_json()}}}};
  std::string summary = human_count(static_cast<double>(num_parameters(config))) + " parameters, loss " +
                        fixed_number(result.loss, 3);
  if (result.last_eval) {
    json["valid"] = *result.last_eval;
    summary += ", validation " + fixed_number(result.last_eval->value("loss", 0.0), 3);
  }
  if (result.best_metric) {
    json["best_valid_loss"] = *result.best_metric;
    json["best_step"] = result.best_step;
  }
  json["summary"] = summary + ", " + human_count(result.tokens_per_second) + " tok/s";
  return json;
}

// A fresh model of the recipe's shape; or the one given as input, whose own shape then counts. Its token tables follow when
// the tokenizer is another than its own.
std::unique_ptr<LanguageModel> begin_model(const StageContext& context, const PretrainOptions& options,
                                           const Tokenizer& tokenizer) {
  if (const StageInput* given = context.find("model")) {
    auto model = load_model(given->path);
    if (fs::exists(given->path / "tokenizer.json")) {
      const Tokenizer own = Tokenizer::load(given->path);
      if (own.to_json() != tokenizer.to_json()) {
        model = change_vocabulary(*model, map_vocabulary(own, tokenizer));
        context.progress.line("  vocabulary of " + grouped_integer(own.vocab_size()) + " -> " +
                              grouped_integer(tokenizer.vocab_size()) + ": new rows are means of the old");
      }
    }
    if (model->config().vocab_size < tokenizer.vocab_size()) {
      throw Error(ErrorKind::kInput,
                  "the model has a vocabulary of " + std::to_string(model->config().vocab_size) + ", the tokenizer of " +
                      std::to_string(tokenizer.vocab_size()),
                  given->path.string(), "give the tokenizer that the model was made with, or put it beside the weights");
    }
    return model;
  }
  ModelConfig config = model_config(options, tokenizer.vocab_size());
  if (tokenizer.end_of_text() >= 0) {
    config.bos_id = tokenizer.end_of_text();
    config.eos_ids = {tokenizer.end_of_text()};
  }
  return make_model(config, static_cast<uint64_t>(options.seed));
}

void keep_last_checkpoint(const Run& run) {
  if (const auto last = find_resume_point(run.state())) {
    fs::copy(last->path, run.out_tmp() / "checkpoint", fs::copy_options::recursive);
  }
}

}  // namespace

nlohmann::json execute_pretrain(StageContext& context) {
  const auto options = load_options<PretrainOptions>(context.options);
  reset_peak_memory();  // the plan is for training, not for the steps before it in this process
  const Tokenizer tokenizer = Tokenizer::load(context.input("tokenizer").path);
  const TokenSet train_tokens = TokenSet::open(context.input("train").path);
  check_tokens(train_tokens, context.input("train"), tokenizer);
  std::optional<TokenSet> valid_tokens;
  if (const StageInput* valid = context.find("valid")) {
    valid_tokens = TokenSet::open(valid->path);
    check_tokens(*valid_tokens, *valid, tokenizer);
  }
  const auto model = begin_model(context, options, tokenizer);
  const ModelConfig config = model->config();
  model->set_precision(options.precision == "bf16" ? Precision::kBf16 : Precision::kFp32);

  make_dirs(context.run.state());
  const auto point = find_resume_point(context.run.state());
  const auto board = prepare_events(context.run, point);
  TimePrediction prediction(options.stop_at > 0 ? std::min(options.stop_at, options.steps) : options.steps);
  const TrainHooks hooks = make_hooks(context, *board, prediction);
  context.run.events().emit(point ? "resumed" : "started",
                            {{"step", point ? point->step : 0},
                             {"parameters", num_parameters(config)},
                             {"tokens", train_tokens.num_tokens()},
                             {"documents", train_tokens.num_documents()}});
  if (point) {
    context.progress.line("  resumed at step " + grouped_integer(point->step));
  }
  const TrainResult result = train(*model, train_tokens, valid_tokens ? &*valid_tokens : nullptr, options,
                                   context.run.state(), hooks);
  for (const auto& warning : result.warnings) {
    context.progress.line("  warning: " + warning);
    context.run.events().emit("warning", {{"what", warning}});
  }
  if (result.status == TrainStatus::kPaused) {
    if (interrupted()) {
      throw Error(ErrorKind::kInterrupted, "stopped at step " + grouped_integer(result.step) + "; the state is saved", "",
                  "run the same command again to go on");
    }
    return {{"paused", "stop_at step " + std::to_string(result.step)}};
  }
  save_model(*model, context.run.out_tmp());
  write_file_atomic(context.run.out_tmp() / "tokenizer.json", tokenizer.to_json());
  if (options.keep_state) {
    keep_last_checkpoint(context.run);
  }
  board->flush();
  nlohmann::json json = result_json(result, config, options);
  json["time"] = prediction.to_json();
  return json;
}

}  // namespace athanor
