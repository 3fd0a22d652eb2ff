#include "athanor/classic/fasttext_quantise.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "athanor/base/rng.h"
#include "athanor/classic/fasttext_line.h"

namespace athanor {

namespace {

constexpr size_t kCentroids = 256;
constexpr size_t kMaxPoints = 32768;
constexpr int kRounds = 20;

uint8_t nearest(const float* point, const float* centroids, size_t dim, size_t num_centroids = kCentroids) {
  float best = std::numeric_limits<float>::infinity();
  size_t at = 0;
  for (size_t c = 0; c < num_centroids; ++c) {
    float distance = 0;
    for (size_t i = 0; i < dim; ++i) {
      const float d = point[i] - centroids[c * dim + i];
      distance += d * d;
    }
    if (distance < best) {
      best = distance;
      at = c;
    }
  }
  return static_cast<uint8_t>(at);
}

FastTextQuantizer shape_of(int32_t dim, int32_t part_dim) {
  FastTextQuantizer q;
  q.dim = dim;
  q.part_dim = std::min(dim, part_dim);
  q.num_parts = (dim + q.part_dim - 1) / q.part_dim;
  q.last_dim = dim - (q.num_parts - 1) * q.part_dim;
  q.centroids.resize(static_cast<size_t>(dim) * kCentroids);
  return q;
}

// Centroids and codes of all parts, a part a task.
void learn(FastTextQuantizer& q, std::vector<uint8_t>& codes, const std::vector<float>& rows, size_t count, uint64_t seed,
           ThreadPool& pool) {
  const auto dim = static_cast<size_t>(q.dim);
  const auto parts = static_cast<size_t>(q.num_parts);
  codes.resize(count * parts);
  pool.parallel_for(parts, [&](size_t part) {
    const auto width = static_cast<size_t>(q.width(static_cast<int32_t>(part)));
    const size_t begin = part * static_cast<size_t>(q.part_dim);
    const auto centroids = k_means(rows.data() + begin, count, dim, width, random_at(seed, part));
    std::copy(centroids.begin(), centroids.end(), q.centroids.begin() + static_cast<ptrdiff_t>(begin * kCentroids));
    for (size_t row = 0; row < count; ++row) {
      codes[row * parts + part] = nearest(rows.data() + row * dim + begin, centroids.data(), width);
    }
  });
}

}  // namespace

std::vector<float> k_means(const float* points, size_t count, size_t stride, size_t dim, uint64_t seed) {
  const size_t used = std::min(count, kMaxPoints);
  std::vector<float> sample(used * dim);
  for (size_t i = 0; i < used; ++i) {
    const float* point = points + permute(i, count, seed) * stride;
    std::copy(point, point + dim, sample.begin() + static_cast<ptrdiff_t>(i * dim));
  }
  std::vector<float> centroids(kCentroids * dim, 0.0f);
  if (used == 0) {
    return centroids;
  }
  for (size_t c = 0; c < kCentroids; ++c) {  // distinct points, or repeated ones when there are too few
    std::copy_n(sample.begin() + static_cast<ptrdiff_t>((c % used) * dim), dim,
                centroids.begin() + static_cast<ptrdiff_t>(c * dim));
  }
  std::vector<uint8_t> codes(used);
  for (int round = 0; used > kCentroids && round < kRounds; ++round) {
    std::vector<double> sums(kCentroids * dim, 0.0);
    std::vector<size_t> sizes(kCentroids, 0);
    for (size_t i = 0; i < used; ++i) {
      codes[i] = nearest(sample.data() + i * dim, centroids.data(), dim);
      ++sizes[codes[i]];
      for (size_t j = 0; j < dim; ++j) {
        sums[codes[i] * dim + j] += sample[i * dim + j];
      }
    }
    for (size_t c = 0; c < kCentroids; ++c) {
      for (size_t j = 0; j < dim; ++j) {
        // An empty cluster starts again at some point.
        const size_t again = random_at(seed, static_cast<uint64_t>(round), c) % used;
        centroids[c * dim + j] = sizes[c] > 0 ? static_cast<float>(sums[c * dim + j] / static_cast<double>(sizes[c]))
                                              : sample[again * dim + j];
      }
    }
  }
  return centroids;
}

FastTextModel prune_rows(const FastTextModel& model, int64_t cutoff) {
  if (cutoff <= 0 || cutoff >= model.input.rows) {
    return model;
  }
  const auto dim = static_cast<size_t>(model.args.dim);
  const auto rows = static_cast<size_t>(model.input.rows);
  std::vector<float> norms(rows);
  for (size_t i = 0; i < rows; ++i) {
    const float* row = model.input.values.data() + i * dim;
    norms[i] = std::inner_product(row, row + dim, row, 0.0f);
  }
  for (int32_t i = 0; i < model.num_words; ++i) {
    if (model.entries[static_cast<size_t>(i)].word == kFastTextEnd) {
      norms[static_cast<size_t>(i)] = std::numeric_limits<float>::infinity();
    }
  }
  std::vector<int32_t> order(rows);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return norms[static_cast<size_t>(a)] > norms[static_cast<size_t>(b)];
  });
  order.resize(static_cast<size_t>(cutoff));
  std::sort(order.begin(), order.end());  // words stand before buckets
  FastTextModel small = model;
  small.entries.clear();
  small.input.values.clear();
  small.prune_size = 0;
  for (const int32_t row : order) {
    if (row < model.num_words) {
      small.entries.push_back(model.entries[static_cast<size_t>(row)]);
    } else {
      small.pruned.emplace_back(row - model.num_words, static_cast<int32_t>(small.prune_size++));
    }
    const float* values = model.input.values.data() + static_cast<size_t>(row) * dim;
    small.input.values.insert(small.input.values.end(), values, values + dim);
  }
  small.num_words = static_cast<int32_t>(small.entries.size());
  small.entries.insert(small.entries.end(), model.entries.begin() + model.num_words, model.entries.end());
  small.input.rows = cutoff;
  return small;
}

FastTextModel quantise(FastTextModel model, int32_t part_dim, uint64_t seed, ThreadPool& pool) {
  FastTextMatrix& input = model.input;
  const auto dim = static_cast<size_t>(model.args.dim);
  const auto rows = static_cast<size_t>(input.rows);
  std::vector<float> norms(rows);
  for (size_t i = 0; i < rows; ++i) {
    float* row = input.values.data() + i * dim;
    norms[i] = std::sqrt(std::inner_product(row, row + dim, row, 0.0f));
    for (size_t j = 0; j < dim && norms[i] > 0; ++j) {
      row[j] /= norms[i];
    }
  }
  input.quantised = true;
  input.has_norms = true;
  input.norm_quantizer = shape_of(1, 1);
  learn(input.norm_quantizer, input.norm_codes, norms, rows, random_at(seed, 1), pool);
  input.quantizer = shape_of(model.args.dim, part_dim);
  learn(input.quantizer, input.codes, input.values, rows, random_at(seed, 2), pool);
  input.values.clear();
  input.values.shrink_to_fit();
  return model;
}

}  // namespace athanor
