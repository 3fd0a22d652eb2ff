// From .bin to .ftz (Joulin et al. 2016, "FastText.zip"): the rows that matter are kept, and each is product-quantised.
//
//   FastTextModel small = quantise(model, {.cutoff = 100000}, pool);
//   small.write("model.ftz");                                          // about dim / 2 + 1 bytes a row
//
// Deterministic for a seed, whatever the number of threads.
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/classic/fasttext_format.h"

namespace athanor {

// Which rows stay when only `cutoff` of them may: "</s>", then those with the largest norm. cutoff <= 0 or not below the
// number of rows: all stay, and the model comes back unpruned.
FastTextModel prune_rows(const FastTextModel& model, int64_t cutoff);

// Both matrices dense; the input comes back quantised in parts of part_dim floats, norms apart. A pruned model with
// dense matrices (from prune_rows) becomes a valid file only by this.
FastTextModel quantise(FastTextModel model, int32_t part_dim, uint64_t seed, ThreadPool& pool);

// 256 centroids of `count` points of `dim` floats by Lloyd's algorithm; points beyond 32768 are sampled.
std::vector<float> k_means(const float* points, size_t count, size_t stride, size_t dim, uint64_t seed);

}  // namespace athanor
