// How good a clustering is: by itself (silhouette), and against known classes.
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/base/thread_pool.h"

namespace athanor {

// Mean silhouette (Rousseeuw 1987), Euclidean, in [-1, 1]; points: rows x columns. Clusters below 0 (noise) are left out; a
// row alone in its cluster counts 0. With more than `most` rows (the cost is quadratic) that many are drawn by a hash of
// (seed, row) as centres of the mean, measured against all drawn rows. NaN with fewer than two clusters.
double silhouette(const std::vector<double>& points, uint64_t columns, const std::vector<int32_t>& clusters, ThreadPool& pool,
                  uint64_t seed = 0, uint64_t most = 10'000);

// Of two ways to part the same rows: adjusted Rand index (Hubert, Arabie 1985) and mutual information normalised by the
// mean of the entropies (scikit-learn's default); 1: the same parts.
double adjusted_rand(const std::vector<int32_t>& a, const std::vector<int32_t>& b);
double normalized_mutual_information(const std::vector<int32_t>& a, const std::vector<int32_t>& b);

}  // namespace athanor
