#include "athanor/classic/trees/bins.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/rng.h"
#include "athanor/classic/trees/sort_values.h"

namespace athanor {

namespace {

constexpr uint64_t kMostRows = 200'000;  // for the quantiles of larger sets
constexpr uint64_t kSampleSeed = 0x62696e73;
constexpr uint64_t kMostBytes = uint64_t{16} << 30;
constexpr uint64_t kRowsATask = 4096;

// Cuts that part `distinct` into at most max_bins groups of about as many rows; a value that holds
// a whole group's worth gets a bin of its own.
std::vector<double> cuts_of(const DistinctValues& distinct, uint32_t max_bins) {
  const size_t count = distinct.values.size();
  std::vector<double> cuts;
  if (count <= max_bins) {
    for (size_t i = 1; i < count; ++i) {
      cuts.push_back(cut_between(distinct.values[i - 1], distinct.values[i]));
    }
    return cuts;
  }
  uint64_t rest = 0;
  for (const uint32_t n : distinct.counts) {
    rest += n;
  }
  uint64_t held = 0;
  for (size_t i = 0; i + 1 < count && cuts.size() + 1 < max_bins; ++i) {
    held += distinct.counts[i];
    const uint64_t bins_left = max_bins - cuts.size();
    const uint64_t share = (rest + bins_left - 1) / bins_left;
    // Full, or the next value would fill a bin of its own.
    if (held >= share || (distinct.counts[i + 1] >= share && held * 2 >= share)) {
      cuts.push_back(cut_between(distinct.values[i], distinct.values[i + 1]));
      rest -= held;
      held = 0;
    }
  }
  return cuts;
}

// The finite values of each column; of a sparse matrix the zeros, too.
std::vector<std::vector<double>> columns_of(const Matrix& x, std::vector<uint8_t>& has_missing,
                                            ThreadPool& pool) {
  std::vector<uint64_t> sample;
  for (uint64_t r = 0; x.rows > kMostRows && r < x.rows; ++r) {
    if (to_unit(random_at(kSampleSeed, r)) * static_cast<double>(x.rows) <
        static_cast<double>(kMostRows)) {
      sample.push_back(r);
    }
  }
  const uint64_t rows = sample.empty() ? x.rows : sample.size();
  std::vector<std::vector<double>> columns(x.columns);
  const auto keep = [&](uint64_t c, double value) {
    if (std::isinf(value)) {
      throw Error(ErrorKind::kInput, "the feature '" + x.name_of(c) + "' holds an infinity", "",
                  "clip it, or count it as missing");
    }
    if (!std::isnan(value)) {
      columns[c].push_back(value);
    }
  };
  if (x.is_sparse) {
    std::vector<uint64_t> stored(x.columns, 0);
    for (uint64_t i = 0; i < rows; ++i) {
      x.for_each_in_row(sample.empty() ? i : sample[i], [&](uint32_t c, double value) {
        keep(c, value);
        ++stored[c];
      });
    }
    for (uint64_t c = 0; c < x.columns; ++c) {
      columns[c].resize(columns[c].size() + rows - stored[c], 0.0);
    }
    for (size_t i = 0; i < x.sparse.values.size(); ++i) {
      has_missing[x.sparse.indices[i]] |= std::isnan(x.sparse.values[i]) ? 1 : 0;
    }
    return columns;
  }
  pool.parallel_for(x.columns, [&](size_t c) {
    columns[c].reserve(rows);
    for (uint64_t r = 0; r < x.rows; ++r) {
      has_missing[c] |= std::isnan(x.at(r, c)) ? 1 : 0;
      if (sample.empty()) {
        keep(c, x.at(r, c));
      }
    }
    for (const uint64_t r : sample) {
      keep(c, x.at(r, c));
    }
  });
  return columns;
}

// The most frequent values, ascending; of equally frequent ones the smaller.
std::vector<double> categories_of(const DistinctValues& distinct) {
  std::vector<size_t> order(distinct.values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return distinct.counts[a] > distinct.counts[b]; });
  order.resize(std::min<size_t>(order.size(), kMostCategories));
  std::vector<double> out;
  for (const size_t i : order) {
    out.push_back(distinct.values[i]);
  }
  std::sort(out.begin(), out.end());
  return out;
}

uint8_t place(const std::vector<double>& cuts, double value) {
  if (std::isnan(value)) {
    return static_cast<uint8_t>(cuts.size() + 1);
  }
  const double* base = cuts.data();
  size_t length = cuts.size();
  while (length > 1) {  // the number of cuts below the value, without a branch that depends on it
    const size_t half = length / 2;
    base += base[half - 1] < value ? half : 0;
    length -= half;
  }
  return static_cast<uint8_t>(static_cast<size_t>(base - cuts.data()) +
                              (length == 1 && *base < value ? 1 : 0));
}

}  // namespace

uint8_t BinCuts::bin_of(uint64_t column, double value) const {
  if (!is_category(column)) {
    return place(cuts[column], value);
  }
  const auto& known = categories[column];
  const auto found = std::lower_bound(known.begin(), known.end(), value);
  return static_cast<uint8_t>(found != known.end() && *found == value ? found - known.begin()
                                                                      : static_cast<ptrdiff_t>(known.size()));
}

BinCuts BinCuts::learn(const Matrix& x, uint32_t max_bins, ThreadPool& pool,
                       const std::vector<uint8_t>& of_categories) {
  BinCuts out;
  out.cuts.resize(x.columns);
  out.has_missing.assign(x.columns, 0);
  out.categories.resize(x.columns);
  auto columns = columns_of(x, out.has_missing, pool);
  pool.parallel_for(x.columns, [&](size_t c) {
    const DistinctValues distinct = distinct_values(std::move(columns[c]));
    if (!of_categories.empty() && of_categories[c] != 0) {
      out.categories[c] = categories_of(distinct);
      out.has_missing[c] |= distinct.values.size() > kMostCategories || x.rows > kMostRows ? 1 : 0;
      return;
    }
    out.cuts[c] = cuts_of(distinct, std::min(max_bins, kMaxValueBins));
  });
  return out;
}

BinnedMatrix BinCuts::apply(const Matrix& x, ThreadPool& pool) const {
  const double bytes = static_cast<double>(x.rows) * static_cast<double>(x.columns);
  if (bytes > static_cast<double>(kMostBytes)) {
    throw Error(ErrorKind::kResource, "the features' bins would take " + human_bytes(bytes), "",
                "select features first, or reduce them by truncated_svd");
  }
  BinnedMatrix out;
  out.rows = x.rows;
  out.columns = x.columns;
  const uint64_t blocks = (x.columns + kBlockColumns - 1) / kBlockColumns;
  out.columns_a_block = blocks == 0 ? 1 : static_cast<uint32_t>((x.columns + blocks - 1) / blocks);
  std::vector<uint8_t> of_zero(x.columns);
  for (uint64_t first = 0; first < x.columns; first += out.columns_a_block) {
    const auto width =
        static_cast<uint32_t>(std::min<uint64_t>(out.columns_a_block, x.columns - first));
    out.blocks.push_back(
        {static_cast<uint32_t>(first), width, std::vector<uint8_t>(x.rows * width)});
  }
  for (uint64_t c = 0; c < x.columns; ++c) {
    of_zero[c] = bin_of(c, 0.0);
  }
  pool.parallel_for((x.rows + kRowsATask - 1) / kRowsATask, [&](size_t task) {
    const uint64_t end = std::min<uint64_t>(x.rows, (task + 1) * kRowsATask);
    for (auto& block : out.blocks) {
      for (uint64_t r = task * kRowsATask; r < end; ++r) {
        uint8_t* to = block.bins.data() + r * block.width;
        for (uint32_t k = 0; k < block.width; ++k) {
          to[k] = x.is_sparse ? of_zero[block.first + k]
                              : bin_of(block.first + k, x.at(r, block.first + k));
        }
      }
    }
    for (uint64_t r = task * kRowsATask; x.is_sparse && r < end; ++r) {
      x.for_each_in_row(r, [&](uint32_t c, double value) {
        auto& block = out.blocks[c / out.columns_a_block];
        block.bins[r * block.width + (c - block.first)] = bin_of(c, value);
      });
    }
  });
  return out;
}

}  // namespace athanor
