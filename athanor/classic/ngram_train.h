// Interpolated modified Kneser-Ney language models (Chen and Goodman 1998; Heafield et al. 2013 for the out-of-core
// order of the passes): what KenLM's lmplz computes, from sentences of tokens.
//
//   NgramTrainer trainer({.order = 5}, scratch, pool);
//   trainer.add_sentence("the furnace feeds itself");
//   NgramTables tables = trainer.finish([](double done) {});
//   tables.write_arpa("model.arpa");
//
// Memory: options.memory_bytes for n-grams (the rest goes to files below scratch), and the vocabulary.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/classic/fasttext_corpus.h"
#include "athanor/classic/ngram_sort.h"

namespace athanor {

inline constexpr uint32_t kNgramUnknown = 0;  // "<unk>"
inline constexpr uint32_t kNgramBegin = 1;    // "<s>"
inline constexpr uint32_t kNgramEnd = 2;      // "</s>"
// The three above, in this order; as tokens of a text they are left out.
bool is_ngram_special(std::string_view token);

// A finished model, order by order. Probabilities and backoffs are logarithms to base 10.
class NgramTables {
 public:
  struct Weight {
    float log10_p = 0;
    float log10_backoff = 0;
  };
  struct Discounts {
    std::array<double, 3> amount{};  // for counts 1, 2, 3 and more
    bool fallback = false;           // counts of counts gave none: 0.5, 1, 1.5
  };

  int order = 1;
  std::vector<std::string> words;  // by id; the first three are special
  std::vector<Weight> unigrams;    // by id
  std::vector<Discounts> discounts;

  // n-grams of n >= 2 words, sorted by the last word, then the one before it, and so on: word(0) is the last.
  uint64_t size(int n) const;
  std::unique_ptr<NgramStream> read(int n) const;  // loads hold Weight as two floats
  // Adds the n-grams of the next order, sorted as above; loads as read() gives them.
  void append_order(std::unique_ptr<NgramList> list);

  void write_arpa(const fs::path& path) const;

 private:
  friend class NgramTrainer;
  struct Order {
    std::unique_ptr<NgramList> probabilities;  // plain, not yet logarithms, unless backoffs is null
    std::unique_ptr<NgramList> backoffs;       // plain, of n-grams that are contexts; null: loads are final
  };
  std::vector<Order> orders_;  // [n - 2]
};

struct NgramTrainOptions {
  int order = 5;
  std::vector<uint64_t> prune;  // [n - 1]: n-grams seen at most so often are left out; missing ones repeat the last
  uint64_t memory_bytes = uint64_t{1} << 30;
};

class NgramTrainer {
 public:
  // scratch: a folder that exists. Error(kUsage) for an order outside 1..5 or falling prune counts.
  NgramTrainer(NgramTrainOptions options, fs::path scratch, ThreadPool& pool);
  ~NgramTrainer();

  // Tokens parted by blanks; a sentence without tokens is left out.
  void add_sentence(std::string_view tokens);
  uint64_t num_tokens() const;  // "</s>" of each sentence included

  // Once. progress(share done). Error(kInput) when there was no sentence.
  NgramTables finish(const std::function<void(double)>& progress);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace athanor
