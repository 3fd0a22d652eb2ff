#include "athanor/base/machine.h"
#include "athanor/train/trainer.h"

#include <ATen/Parallel.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/eval/language_model_eval.h"
#include "athanor/tensor/autograd.h"
#include "athanor/train/loader.h"
#include "athanor/train/optimizer.h"
#include "athanor/train/schedule.h"
#include "athanor/train/spike.h"
#include "athanor/train/throughput.h"

namespace athanor {

namespace {

constexpr uint64_t kDropoutDraw = 3;  // place for random_at; the loader uses 1 and 2
constexpr int64_t kMaxSkipsInARow = 20;

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  // Seconds since the last lap.
  double lap() {
    const double elapsed = seconds();
    start_ = std::chrono::steady_clock::now();
    return elapsed;
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

nlohmann::json without_clocks(nlohmann::json event) {
  for (const char* key : {"seconds", "tokens_per_second", "mfu", "eta_seconds"}) {
    event.erase(key);
  }
  return event;
}

NamedTensors named_tensors(LanguageModel& model) {
  NamedTensors tensors;
  for (const NamedParameter& parameter : model.named_parameters()) {
    tensors.emplace_back(parameter.name, parameter.tensor);
  }
  return tensors;
}

struct StepOutcome {
  double loss = 0;
  double grad_norm = 0;
  double lr = 0;
};

class Run {
 public:
  Run(LanguageModel& model, const TokenSet& train_tokens, const TokenSet* valid_tokens, const TrainOptions& options,
      const fs::path& state_dir, const TrainHooks& hooks)
      : model_(model),
        valid_tokens_(valid_tokens),
        options_(options),
        hooks_(hooks),
        precision_(options.precision == "bf16" ? Precision::kBf16 : Precision::kFp32),
        loader_(train_tokens, {options.sequence_length, options.seed, options.sampling == "random",
                               options.document_mask}),
        schedule_(options.optimizer.lr, options.schedule, options.steps),
        optimizer_(model.named_parameters(), options.optimizer),
        guard_(options.spike_zscore, options.spike_zscore_grad),
        flops_per_token_(flops_per_token(model.config(), options.sequence_length)) {
    fingerprint_ = {{"options", to_json(options)},
                    {"model", to_hf_config(model.config())},
                    {"data", {{"num_tokens", train_tokens.num_tokens()},
                              {"num_documents", train_tokens.num_documents()},
                              {"tokenizer", train_tokens.tokenizer_digest()}}}};
    model_.set_precision(precision_);
    result_.memory = plan_memory(model.config(), options);
    resume(state_dir);
  }

  TrainResult run() {
    const Stopwatch whole;
    const int64_t last = options_.stop_at > 0 ? std::min(options_.stop_at, options_.steps) : options_.steps;
    bool stopped = false;
    step_watch_.lap();
    while (result_.step < last && !stopped) {
      const StepOutcome outcome = train_step();
      report_step(outcome);
      const bool improved = evaluate_if_due();
      writer_->poll();
      stopped = hooks_.stop_requested && hooks_.stop_requested();
      if (checkpoint_due(improved) || stopped) {
        save_checkpoint();
      }
    }
    save_checkpoint();
    writer_->wait();
    model_.set_training(false);
    result_.status = result_.step < options_.steps ? TrainStatus::kPaused : TrainStatus::kDone;
    result_.seconds = whole.seconds();
    finish_rates();
    return result_;
  }

 private:
  void resume(const fs::path& state_dir) {
    const auto point = find_resume_point(state_dir, &result_.warnings);
    writer_ = std::make_unique<CheckpointWriter>(state_dir, options_.keep_last, options_.keep_best,
                                                 point ? std::optional(point->step) : std::nullopt);
    result_.loss = std::numeric_limits<double>::quiet_NaN();
    if (!point) {
      return;
    }
    require_same_run(*point);
    load_tensors(point->path / "model.safetensors", named_tensors(model_));
    load_tensors(point->path / "optimizer.safetensors", optimizer_.state());
    try {
      const nlohmann::json& saved = point->trainer;
      result_.step = result_.resumed_from = point->step;
      samples_ = saved.at("samples").get<uint64_t>();
      optimizer_.set_num_updates(saved.at("num_updates").get<int64_t>());
      skips_in_a_row_ = saved.at("skips_in_a_row").get<int64_t>();
      guard_.restore(saved.at("guard"));
      if (saved.contains("best")) {
        result_.best_metric = saved.at("best").at("metric").get<double>();
        result_.best_step = saved.at("best").at("step").get<int64_t>();
      }
      if (saved.contains("last_eval")) {
        result_.last_eval = saved.at("last_eval");
      }
    } catch (const nlohmann::json::exception& error) {
      throw Error(ErrorKind::kInput, std::string("lacks a field: ") + error.what(),
                  (point->path / "trainer.json").string());
    }
    result_.num_tokens = samples_ * static_cast<uint64_t>(options_.sequence_length);
  }

  // A checkpoint of another run must not be continued in silence: names the first field that differs.
  void require_same_run(const ResumePoint& point) const {
    const nlohmann::json saved = point.trainer.value("fingerprint", nlohmann::json::object()).flatten();
    const nlohmann::json ours = fingerprint_.flatten();
    for (const auto& [key, value] : ours.items()) {
      const auto old = saved.find(key);
      if (old == saved.end() || *old != value) {
        throw Error(ErrorKind::kInput,
                    "the checkpoint was made with another " + key.substr(1) + ": " +
                        (old == saved.end() ? "none" : old->dump()) + " there, " + value.dump() + " now",
                    point.path.string(), "use the same recipe and data, or another run folder");
      }
    }
  }

  StepOutcome train_step() {
    StepOutcome outcome;
    const int64_t step = result_.step;
    const Batch batch = loader_.batch(samples_, options_.batch_size);
    outcome.lr = schedule_.lr(step);
    model_.set_training(true);
    model_.begin_step();
    outcome.loss = accumulate_gradients(batch);
    outcome.grad_norm = optimizer_.grad_norm();
    const SpikeGuard::Verdict verdict = guard_.judge(outcome.loss, outcome.grad_norm);
    if (verdict.spike && handle_spike(verdict, outcome)) {
      ++skips_in_a_row_;
      ++result_.num_skipped;
    } else {
      skips_in_a_row_ = 0;
      optimizer_.step(outcome.lr, clip_scale(outcome.grad_norm, options_.grad_clip));
    }
    optimizer_.zero_grad();
    samples_ += static_cast<uint64_t>(options_.batch_size);
    result_.step = step + 1;
    result_.loss = outcome.loss;
    result_.num_tokens = samples_ * static_cast<uint64_t>(options_.sequence_length);
    return outcome;
  }

  // Sums of token losses of the pieces, each divided by the whole batch's count before its backward pass. Every
  // target of a training window counts, so the count is known before the first piece.
  double accumulate_gradients(const Batch& batch) {
    const int64_t rows = options_.batch_size;
    const int64_t piece = options_.micro_batch > 0 ? std::min(options_.micro_batch, rows) : rows;
    const double scale = 1.0 / static_cast<double>(batch.targets_BT.numel());
    double loss = 0;
    for (int64_t begin = 0; begin < rows; begin += piece) {
      const int64_t count = std::min(piece, rows - begin);
      Batch part{batch.tokens_BT.narrow(0, begin, count), batch.targets_BT.narrow(0, begin, count), {}};
      if (batch.document_BT.defined()) {
        part.document_BT = batch.document_BT.narrow(0, begin, count);
      }
      const uint64_t dropout_seed = random_at(static_cast<uint64_t>(options_.seed), kDropoutDraw,
                                              samples_ + static_cast<uint64_t>(begin), 2);
      const at::Tensor mean = model_.loss_sum(part, dropout_seed).mul(scale);
      backward(mean);
      loss += mean.item<double>();
    }
    return loss;
  }

  // True: leave the update out. Throws where the run must stop.
  bool handle_spike(const SpikeGuard::Verdict& verdict, const StepOutcome& outcome) {
    const bool stuck = skips_in_a_row_ >= kMaxSkipsInARow;
    const bool skip = options_.on_spike == "skip" && !stuck;
    const bool ignore = options_.on_spike == "ignore" && verdict.finite;
    const std::vector<std::string> documents = loader_.documents_of(samples_, options_.batch_size);
    emit({{"type", "spike"},
          {"step", result_.step + 1},
          {"loss", outcome.loss},
          {"grad_norm", outcome.grad_norm},
          {"loss_zscore", verdict.loss_zscore},
          {"grad_zscore", verdict.grad_zscore},
          {"reason", verdict.reason},
          {"action", ignore ? "ignore" : skip ? "skip" : "stop"},
          {"documents", documents}});
    if (skip || ignore) {
      return skip;
    }
    std::string names;
    for (const std::string& id : documents) {
      names += (names.empty() ? "" : ", ") + id;
    }
    throw Error(ErrorKind::kInput,
                verdict.reason + (stuck ? ", after " + std::to_string(kMaxSkipsInARow) + " skipped updates in a row" : "") +
                    "; the batch holds documents " + names,
                "step " + std::to_string(result_.step + 1),
                "look at these documents, lower optimizer.lr, or set on_spike=skip");
  }

  void report_step(const StepOutcome& outcome) {
    ++steps_since_report_;
    const bool due = result_.step == 1 || result_.step == options_.steps ||
                     (options_.log_every > 0 && result_.step % options_.log_every == 0);
    if (!due) {
      return;
    }
    const double seconds = step_watch_.lap();
    const double tokens = static_cast<double>(steps_since_report_ * options_.batch_size * options_.sequence_length);
    training_seconds_ += seconds;
    training_tokens_ += tokens;
    steps_since_report_ = 0;
    nlohmann::json event = {{"type", "step"},
                            {"step", result_.step},
                            {"loss", outcome.loss},
                            {"lr", outcome.lr},
                            {"grad_norm", outcome.grad_norm},
                            {"tokens", result_.num_tokens},
                            {"seconds", seconds},
                            {"tokens_per_second", tokens / seconds}};
    if (result_.gemm_peak > 0) {
      event["mfu"] = tokens / seconds * flops_per_token_ / result_.gemm_peak;
    }
    emit(event);
    if (hooks_.progress) {
      const auto left = static_cast<double>((options_.steps - result_.step) * options_.batch_size *
                                            options_.sequence_length);
      event["eta_seconds"] = left * training_seconds_ / training_tokens_;
      hooks_.progress(static_cast<double>(result_.step) / static_cast<double>(options_.steps), event);
    }
    if (options_.mfu && result_.gemm_peak == 0) {  // after the first step, so that it does not delay it
      result_.gemm_peak = measure_gemm_peak(precision_);
    }
    step_watch_.lap();
  }

  // True when this step has the lowest validation loss so far.
  bool evaluate_if_due() {
    metric_.reset();
    const bool due = result_.step == options_.steps ||
                     (options_.eval_every > 0 && result_.step % options_.eval_every == 0);
    if (valid_tokens_ == nullptr || !due) {
      return false;
    }
    const Stopwatch watch;
    const LanguageModelScore score = score_language_model(
        model_, *valid_tokens_,
        {options_.sequence_length, options_.micro_batch > 0 ? options_.micro_batch : options_.batch_size,
         options_.eval_batches * options_.batch_size, options_.document_mask});
    const nlohmann::json event = {{"type", "eval"},
                                  {"step", result_.step},
                                  {"loss", score.loss()},
                                  {"standard_error", score.standard_error},
                                  {"perplexity", score.perplexity()},
                                  {"bits_per_byte", score.bits_per_byte()},
                                  {"num_tokens", score.num_tokens},
                                  {"seconds", watch.seconds()}};
    emit(event);
    result_.last_eval = without_clocks(event);
    metric_ = score.loss();
    const bool improved = std::isfinite(*metric_) && (!result_.best_metric || *metric_ < *result_.best_metric);
    if (improved) {
      result_.best_metric = metric_;
      result_.best_step = result_.step;
    }
    step_watch_.lap();
    return improved;
  }

  bool checkpoint_due(bool improved) const {
    const bool by_steps =
        options_.checkpoint_every_steps > 0 && result_.step % options_.checkpoint_every_steps == 0;
    const bool by_clock = options_.checkpoint_every_minutes > 0 &&
                          since_checkpoint_.seconds() >= 60 * options_.checkpoint_every_minutes;
    return by_steps || by_clock || (improved && options_.keep_best);
  }

  void save_checkpoint() {
    if (writer_->last_step() == result_.step) {
      return;
    }
    nlohmann::json trainer = {{"format", 1},
                              {"step", result_.step},
                              {"samples", samples_},
                              {"num_updates", optimizer_.num_updates()},
                              {"skips_in_a_row", skips_in_a_row_},
                              {"event_position", hooks_.event_position ? hooks_.event_position() : 0},
                              {"guard", guard_.to_json()},
                              {"fingerprint", fingerprint_},
                              {"conditions", {{"threads", at::get_num_threads()}}}};
    if (result_.best_metric) {
      trainer["best"] = {{"metric", *result_.best_metric}, {"step", result_.best_step}};
    }
    if (metric_) {
      trainer["metric"] = *metric_;
    }
    if (result_.last_eval) {
      trainer["last_eval"] = *result_.last_eval;
    }
    ::malloc_trim(0);  // the step's freed memory, so that the copy does not come on top of it
    writer_->save(result_.step, named_tensors(model_), optimizer_.state(), std::move(trainer));
    since_checkpoint_.lap();
    step_watch_.lap();
  }

  void finish_rates() {
    result_.peak_bytes = peak_memory_bytes();
    if (training_seconds_ > 0) {
      result_.tokens_per_second = training_tokens_ / training_seconds_;
      result_.mfu = result_.gemm_peak > 0 ? result_.tokens_per_second * flops_per_token_ / result_.gemm_peak : 0;
    }
  }

  void emit(const nlohmann::json& event) const {
    if (hooks_.emit) {
      hooks_.emit(event);
    }
  }

  LanguageModel& model_;
  const TokenSet* valid_tokens_;
  const TrainOptions& options_;
  const TrainHooks& hooks_;
  Precision precision_;
  Loader loader_;
  Schedule schedule_;
  AdamW optimizer_;
  SpikeGuard guard_;
  double flops_per_token_;
  nlohmann::json fingerprint_;
  std::unique_ptr<CheckpointWriter> writer_;
  TrainResult result_;
  uint64_t samples_ = 0;
  int64_t skips_in_a_row_ = 0;
  std::optional<double> metric_;  // the validation loss of this very step
  Stopwatch step_watch_;
  Stopwatch since_checkpoint_;
  int64_t steps_since_report_ = 0;
  double training_seconds_ = 0;
  double training_tokens_ = 0;
};

}  // namespace

TrainResult train(LanguageModel& model, const TokenSet& train_tokens, const TokenSet* valid_tokens,
                  const TrainOptions& options, const fs::path& state_dir, const TrainHooks& hooks) {
  check_options(options);
  if (train_tokens.vocab_size() > model.config().vocab_size) {
    throw Error(ErrorKind::kUsage,
                "the tokens are of a vocabulary of " + std::to_string(train_tokens.vocab_size()) +
                    ", the model's is " + std::to_string(model.config().vocab_size),
                "", "encode the documents with the model's own tokenizer");
  }
  if (options.threads > 0) {
    at::set_num_threads(static_cast<int>(options.threads));
  }
  Run run(model, train_tokens, valid_tokens, options, state_dir, hooks);
  return run.run();
}

}  // namespace athanor
