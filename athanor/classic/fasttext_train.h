// Trains fastText classifiers (Joulin et al. 2016, "Bag of Tricks"): the same model, losses, learning-rate schedule and
// file as fastText's `supervised`.
//
//   FastTextTrainer trainer(options);
//   trainer.add({{"sport"}}, "the match ended two to one");
//   FastTextModel model = trainer.train(pool, [](double done, double loss) {});
//
// One thread writes the weights, so the result depends on the options, the seed and the order of add() alone, never on
// the number of threads (fastText's own threads race). Documents are visited in a new order each epoch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/classic/fasttext_format.h"
#include "athanor/run/fields.h"

namespace athanor {

struct FastTextTrainOptions {
  std::string loss = "softmax";
  int64_t dim = 32;
  int64_t epochs = 5;
  double learning_rate = 0.5;
  int64_t word_ngrams = 1;
  int64_t minn = 0;
  int64_t maxn = 0;
  int64_t bucket = 200000;
  int64_t min_count = 1;
  int64_t min_label_count = 1;
  bool quantise = false;
  int64_t cutoff = 0;
  int64_t seed = 1;
  static void fields(Fields<FastTextTrainOptions>& f);
};

class FastTextTrainer {
 public:
  explicit FastTextTrainer(const FastTextTrainOptions& options);
  ~FastTextTrainer();
  FastTextTrainer(const FastTextTrainer&) = delete;
  FastTextTrainer& operator=(const FastTextTrainer&) = delete;

  // Tokens are what stands between blanks; newlines are blanks. Tokens that begin with "__label__" are left out.
  // A document without labels counts words only. Error(kInput) for a label with a NUL in it.
  void add(std::span<const std::string_view> labels, std::string_view text);

  // progress(share done, mean loss of late), often. Error(kInput) when there are no labels or no tokens.
  // quantise: product-quantised (.ftz), see fasttext_quantise.h.
  FastTextModel train(ThreadPool& pool, const std::function<void(double, double)>& progress);

  uint64_t num_documents() const;
  uint64_t num_tokens() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace athanor
