#include "athanor/metric/clusters.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "athanor/base/rng.h"

namespace athanor {

namespace {

constexpr size_t kChunk = 64;

struct Contingency {
  std::map<int32_t, double> rows;
  std::map<int32_t, double> columns;
  std::map<std::pair<int32_t, int32_t>, double> cells;
  double total = 0;
};

Contingency contingency(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  Contingency table;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    ++table.rows[a[i]];
    ++table.columns[b[i]];
    ++table.cells[{a[i], b[i]}];
    ++table.total;
  }
  return table;
}

double pairs(double n) { return n * (n - 1) / 2; }

double entropy(const std::map<int32_t, double>& counts, double total) {
  double sum = 0;
  for (const auto& [value, count] : counts) {
    sum -= count / total * std::log(count / total);
  }
  return sum;
}

}  // namespace

double silhouette(const std::vector<double>& points, uint64_t columns, const std::vector<int32_t>& clusters, ThreadPool& pool,
                  uint64_t seed, uint64_t most) {
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < clusters.size(); ++i) {
    if (clusters[i] >= 0) {
      rows.push_back(i);
    }
  }
  if (rows.size() > most) {
    std::sort(rows.begin(), rows.end(),
              [&](uint32_t a, uint32_t b) { return std::pair(random_at(seed, a), a) < std::pair(random_at(seed, b), b); });
    rows.resize(most);
  }
  std::map<int32_t, size_t> index;
  for (const uint32_t row : rows) {
    index.emplace(clusters[row], index.size());
  }
  if (index.size() < 2) {
    return std::nan("");
  }
  std::vector<double> sizes(index.size(), 0.0);
  std::vector<size_t> cluster_of;
  for (const uint32_t row : rows) {
    cluster_of.push_back(index[clusters[row]]);
    ++sizes[cluster_of.back()];
  }
  std::vector<double> values(rows.size(), 0.0);
  pool.parallel_for((rows.size() + kChunk - 1) / kChunk, [&](size_t chunk) {
    std::vector<double> sums(sizes.size());
    for (size_t i = chunk * kChunk; i < std::min(rows.size(), (chunk + 1) * kChunk); ++i) {
      std::fill(sums.begin(), sums.end(), 0.0);
      const double* p = &points[rows[i] * columns];
      for (size_t j = 0; j < rows.size(); ++j) {
        const double* q = &points[rows[j] * columns];
        double squares = 0;
        for (uint64_t c = 0; c < columns; ++c) {
          squares += (p[c] - q[c]) * (p[c] - q[c]);
        }
        sums[cluster_of[j]] += std::sqrt(squares);
      }
      const size_t own = cluster_of[i];
      if (sizes[own] < 2) {
        continue;
      }
      const double inside = sums[own] / (sizes[own] - 1);
      double nearest = INFINITY;
      for (size_t c = 0; c < sizes.size(); ++c) {
        nearest = c == own ? nearest : std::min(nearest, sums[c] / sizes[c]);
      }
      const double larger = std::max(inside, nearest);
      values[i] = larger > 0 ? (nearest - inside) / larger : 0;
    }
  });
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double adjusted_rand(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  const Contingency table = contingency(a, b);
  double together = 0;
  double in_a = 0;
  double in_b = 0;
  for (const auto& [cell, count] : table.cells) {
    together += pairs(count);
  }
  for (const auto& [value, count] : table.rows) {
    in_a += pairs(count);
  }
  for (const auto& [value, count] : table.columns) {
    in_b += pairs(count);
  }
  const double expected = table.total > 1 ? in_a * in_b / pairs(table.total) : 0;
  const double highest = (in_a + in_b) / 2;
  return highest == expected ? 1.0 : (together - expected) / (highest - expected);
}

double normalized_mutual_information(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  const Contingency table = contingency(a, b);
  double shared = 0;
  for (const auto& [cell, count] : table.cells) {
    shared += count / table.total *
              std::log(count * table.total / (table.rows.at(cell.first) * table.columns.at(cell.second)));
  }
  const double mean = (entropy(table.rows, table.total) + entropy(table.columns, table.total)) / 2;
  return mean > 0 ? std::max(0.0, shared) / mean : 1.0;
}

}  // namespace athanor
