// Batches from one token set or several, at load. Which tokens sample g holds is a pure function of (options, g): a
// checkpoint stores only how many samples were consumed.
//
//   Loader loader({{"train", &tokens}}, {.sequence_length = 256, .seed = 1});
//   Batch batch = loader.batch(first_sample, batch_size);   // samples first_sample, first_sample + 1, ...
//
// How a set becomes rows: rows.h, packed_rows.h. How sets are mixed: mixture.h.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "athanor/tensor/batch.h"
#include "athanor/train/loading/mixture.h"
#include "athanor/train/loading/rows.h"

namespace athanor {

struct TokenSource {
  std::string name;
  const TokenSet* tokens;
};

class Loader {
 public:
  // The sets must outlive the loader. mixture: the recipe's; total_samples: of the whole run, for its stages.
  // Throws Error(kInput) when a set is shorter than one row, Error(kUsage) for a mixture that does not fit.
  Loader(const std::vector<TokenSource>& sources, const LoaderOptions& options, const nlohmann::json& mixture = {},
         uint64_t total_samples = 0);
  ~Loader();

  uint64_t num_samples() const;  // rows of one epoch of all sets

  // Samples [first, first + count) as tokens_BT and targets_BT (int64), and document_BT (int32) where asked and
  // where some row holds more than one document (else plain causal attention is the same, and faster). The samples of
  // the next step, as far from these as these are from the last, are then made in the background.
  Batch batch(uint64_t first, int64_t count);

  // The ids of the documents that samples [first, first + count) touch, each once, in order of appearance;
  // at most max_ids, then a last entry "... and N more".
  std::vector<std::string> documents_of(uint64_t first, int64_t count, size_t max_ids = 32) const;

  // [{"name", "rows", "padding", "samples", "epochs"}] over the first total_samples samples.
  nlohmann::json describe(uint64_t total_samples) const;

 private:
  Batch make(uint64_t first, int64_t count) const;

  std::vector<TokenSource> sources_;
  LoaderOptions options_;
  std::vector<std::unique_ptr<Rows>> rows_;
  std::unique_ptr<Mixture> mixture_;
  uint64_t last_first_ = 0;
  int64_t last_count_ = 0;
  uint64_t next_first_ = 0;
  int64_t next_count_ = 0;
  std::future<Batch> next_;
};

}  // namespace athanor
