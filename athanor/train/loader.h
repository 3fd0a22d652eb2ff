// Packs a token set into batches at load. Which tokens sample g holds is a pure function of
// (seed, g): a checkpoint stores only how many samples were consumed.
//
//   Loader loader(tokens, {.sequence_length = 256, .seed = 1});
//   Batch batch = loader.batch(first_sample, batch_size);   // samples first_sample, first_sample + 1, ...
//
// shuffled: epoch e cuts the set, read as a ring, into num_samples = num_tokens / T windows of T inputs and T
// targets (one token further), beginning at an offset in [0, T) drawn from (seed, e), and visits them in the
// order permute(i, num_samples, random_at(seed, e)). A window that runs past the end continues at the start.
// random: every window begins at a uniform place, as nanoGPT draws them (here from (seed, g), not from state).
//
// Which positions belong to one document: eval/document_marks.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "athanor/data/tokens/token_set.h"
#include "athanor/tensor/batch.h"

namespace athanor {

struct LoaderOptions {
  int64_t sequence_length = 256;
  int64_t seed = 1;
  bool random_windows = false;  // else shuffled
  bool document_mask = true;    // fill Batch::document_BT
};

class Loader {
 public:
  // tokens must outlive the loader. Throws Error(kInput) when the set is shorter than one window and its target.
  Loader(const TokenSet& tokens, const LoaderOptions& options);

  // Windows an epoch.
  uint64_t num_samples() const { return num_samples_; }
  uint64_t epoch_of(uint64_t sample) const { return sample / num_samples_; }

  // Where sample g's first input token stands in the set.
  uint64_t window_begin(uint64_t sample) const;

  // Samples [first, first + count) as tokens_BT and targets_BT (int64), and document_BT (int32) where asked and
  // where some row holds more than one document (else plain causal attention is the same, and faster).
  Batch batch(uint64_t first, int64_t count) const;

  // The ids of the documents that samples [first, first + count) touch, each once, in order of appearance;
  // at most max_ids, then a last entry "... and N more".
  std::vector<std::string> documents_of(uint64_t first, int64_t count, size_t max_ids = 32) const;

 private:
  const TokenSet& tokens_;
  LoaderOptions options_;
  uint64_t num_tokens_;
  uint64_t num_samples_;
};

}  // namespace athanor
