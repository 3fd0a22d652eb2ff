// Training tokenizers: text in (any order, any number of calls), Tokenizer out.
//
//   BpeTrainer trainer({.vocab_size = 8192});
//   trainer.add(text);                       // for each document
//   Tokenizer tokenizer = trainer.train();   // vocabulary and merges equal those of HF tokenizers' BpeTrainer
//   trainer.report();
//
// The result depends only on the multiset of pre-tokens: not on the order of texts nor on the number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

struct BpeTrainOptions {
  // Tokens in all: special tokens, the 256 bytes, then merges. Fewer when no pair is frequent enough.
  int64_t vocab_size = 8192;
  // A pair seen less often becomes no token.
  int64_t min_frequency = 2;
  // They get the first ids.
  std::vector<std::string> special_tokens = {"<|endoftext|>"};
  // Where text is cut: "gpt2", "llama3", "qwen2" (this one also normalises to NFC).
  std::string pre_tokenizer = "gpt2";
};

// Byte-pair encoding over bytes (Sennrich, Haddow, Birch 2016). Ties as HF tokenizers has them: higher count first,
// then the smaller pair of ids.
class BpeTrainer {
 public:
  // Error(kUsage) for options that cannot be.
  explicit BpeTrainer(BpeTrainOptions options = {});
  ~BpeTrainer();
  BpeTrainer(BpeTrainer&&) noexcept;
  BpeTrainer& operator=(BpeTrainer&&) noexcept;

  void add(std::string_view text);
  void add(std::span<const std::string_view> texts, ThreadPool& pool);

  // progress (may be empty) gets fractions in [0, 1]. Once only. Error(kInput) when there was no text.
  Tokenizer train(const std::function<void(double fraction)>& progress = nullptr);

  // After train(): {"vocab_size", "num_merges", "num_bytes", "num_tokens", "bytes_per_token", "num_pieces",
  // "num_unused_tokens"}: of the training text as the trained tokenizer encodes it; special tokens do not count
  // as unused.
  const nlohmann::json& report() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One id a code point: <unk>, the special tokens, then the code points seen, in order. Ill-formed bytes count as
// U+FFFD.
class CharTrainer {
 public:
  explicit CharTrainer(std::vector<std::string> special_tokens = {"<|endoftext|>"});

  void add(std::string_view text);
  Tokenizer train();
  const nlohmann::json& report() const { return report_; }  // as BpeTrainer's

 private:
  std::vector<std::string> special_tokens_;
  std::vector<bool> seen_;
  uint64_t num_bytes_ = 0;
  uint64_t num_characters_ = 0;
  nlohmann::json report_;
};

}  // namespace athanor
