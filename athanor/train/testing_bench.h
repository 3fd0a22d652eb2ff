// What the tests of the training loop share: a tiny model and its options, and a run folder's worth of things.
#pragma once

#include <cstring>
#include <functional>
#include <string>

#include "athanor/train/objectives/causal.h"
#include "athanor/train/testing.h"
#include "athanor/train/trainer.h"

namespace athanor::testing_train {

inline ModelConfig tiny_config(double dropout = 0) {
  ModelConfig config;
  config.vocab_size = 32;
  config.hidden_size = 32;
  config.num_layers = 2;
  config.num_heads = 4;
  config.num_kv_heads = 2;
  config.intermediate_size = 64;
  config.max_positions = 32;
  config.dropout = dropout;
  return config;
}

inline TrainOptions tiny_options(int64_t steps) {
  TrainOptions options;
  options.steps = steps;
  options.batch_size = 4;
  options.sequence_length = 16;
  options.optimizer.lr = 1e-2;
  options.schedule.warmup_steps = 3;
  options.eval_every = 4;
  options.eval_batches = 2;
  options.checkpoint_every_steps = 5;
  options.mfu = false;
  options.threads = 1;  // matrices this small lose time on two
  return options;
}

// A run folder's worth of things: data, state and an event log of lines.
struct Bench {
  TemporaryFolder folder;
  TokenSet train_tokens = make_token_set(folder.path() / "train", counting_documents(40, 25, 32, 1), 32);
  TokenSet valid_tokens = make_token_set(folder.path() / "valid", counting_documents(10, 25, 32, 2), 32);
  fs::path state = folder.path() / "state";
  std::string log;
  std::function<bool()> stop_requested;
  std::function<void(const nlohmann::json&)> on_event;

  TrainHooks hooks() {
    TrainHooks hooks;
    hooks.emit = [this](const nlohmann::json& event) {
      nlohmann::json kept = event;
      for (const char* clock : {"seconds", "breakdown", "tokens_per_second", "mfu", "eta_seconds"}) {
        kept.erase(clock);
      }
      log += kept.dump() + "\n";
      if (on_event) {
        on_event(event);
      }
    };
    hooks.event_position = [this] { return log.size(); };
    hooks.stop_requested = stop_requested;
    return hooks;
  }

  // As a process would: cut the log to where the checkpoint stands, then go on with a model of whatever weights.
  TrainResult go(LanguageModel& model, const TrainOptions& options) {
    const auto point = find_resume_point(state);
    log.resize(point ? point->event_position : 0);
    CausalObjective objective(model, {{"train", &train_tokens}}, &valid_tokens, options);
    return train(objective, options, state, hooks());
  }
};

inline bool same_weights(const LanguageModel& a, const LanguageModel& b) {
  const auto left = a.named_parameters();
  const auto right = b.named_parameters();
  for (size_t i = 0; i < left.size(); ++i) {
    if (std::memcmp(left[i].tensor.const_data_ptr(), right[i].tensor.const_data_ptr(), left[i].tensor.nbytes()) != 0) {
      return false;
    }
  }
  return left.size() == right.size();
}

}  // namespace athanor::testing_train
