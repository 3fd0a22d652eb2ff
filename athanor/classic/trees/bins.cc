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
constexpr uint64_t kSparseBelow = 16;  // one value in so many stored: rows keep only these
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

// The rows that quantiles are taken from; empty: all.
std::vector<uint64_t> sample_of(const Matrix& x) {
  std::vector<uint64_t> sample;
  for (uint64_t r = 0; x.rows > kMostRows && r < x.rows; ++r) {
    if (to_unit(random_at(kSampleSeed, r)) * static_cast<double>(x.rows) <
        static_cast<double>(kMostRows)) {
      sample.push_back(r);
    }
  }
  return sample;
}

void refuse_infinity(const Matrix& x, uint64_t column, double value) {
  if (std::isinf(value)) {
    throw Error(ErrorKind::kInput, "the feature '" + x.name_of(column) + "' holds an infinity", "",
                "clip it, or count it as missing");
  }
}

// The finite values of each column of a dense matrix.
std::vector<std::vector<double>> columns_of(const Matrix& x, std::vector<uint8_t>& has_missing,
                                            ThreadPool& pool) {
  const std::vector<uint64_t> sample = sample_of(x);
  std::vector<std::vector<double>> columns(x.columns);
  const auto keep = [&](uint64_t c, double value) {
    refuse_infinity(x, c, value);
    if (!std::isnan(value)) {
      columns[c].push_back(value);
    }
  };
  pool.parallel_for(x.columns, [&](size_t c) {
    columns[c].reserve(sample.empty() ? x.rows : sample.size());
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

// What a sparse matrix stores, by kept column. Zeros are counted, never written out.
struct SparseColumns {
  std::vector<std::vector<double>> values;  // finite, not 0; of the sampled rows
  std::vector<uint64_t> zeros;              // of the sampled rows
};

constexpr uint32_t kLeftOut = UINT32_MAX;

std::vector<uint32_t> places_of(const BinCuts& cuts) {
  std::vector<uint32_t> places(cuts.given, kLeftOut);
  for (uint32_t c = 0; c < cuts.kept(); ++c) {
    places[cuts.given_column(c)] = c;
  }
  return places;
}

// A side of a split holds no zeros, so a column with fewer than least_rows other values has none.
std::vector<uint32_t> worth_splitting(const Matrix& x, uint64_t least_rows) {
  std::vector<uint32_t> others(x.columns, 0);
  for (size_t i = 0; i < x.sparse.values.size(); ++i) {
    refuse_infinity(x, x.sparse.indices[i], x.sparse.values[i]);
    others[x.sparse.indices[i]] += x.sparse.values[i] != 0 ? 1 : 0;
  }
  std::vector<uint32_t> kept;
  for (uint32_t c = 0; c < x.columns; ++c) {
    if (others[c] >= std::max<uint64_t>(1, least_rows)) {
      kept.push_back(c);
    }
  }
  if (kept.empty() && x.columns > 0) {
    kept.push_back(0);  // a model of no splits
  }
  return kept;
}

SparseColumns sparse_columns_of(const Matrix& x, BinCuts& cuts) {
  const std::vector<uint32_t> places = places_of(cuts);
  const std::vector<uint64_t> sample = sample_of(x);
  const uint64_t rows = sample.empty() ? x.rows : sample.size();
  SparseColumns out;
  out.values.resize(cuts.kept());
  out.zeros.assign(cuts.kept(), rows);
  for (uint64_t i = 0; i < rows; ++i) {
    x.for_each_in_row(sample.empty() ? i : sample[i], [&](uint32_t c, double value) {
      if (places[c] == kLeftOut || value == 0) {
        return;
      }
      --out.zeros[places[c]];
      if (!std::isnan(value)) {
        out.values[places[c]].push_back(value);
      }
    });
  }
  for (size_t i = 0; i < x.sparse.values.size(); ++i) {
    const uint32_t place = places[x.sparse.indices[i]];
    if (place != kLeftOut) {
      cuts.has_missing[place] |= std::isnan(x.sparse.values[i]) ? 1 : 0;
    }
  }
  return out;
}

void add_zeros(DistinctValues& distinct, uint64_t zeros) {
  if (zeros > 0) {
    const auto at = std::lower_bound(distinct.values.begin(), distinct.values.end(), 0.0) - distinct.values.begin();
    distinct.values.insert(distinct.values.begin() + at, 0.0);
    distinct.counts.insert(distinct.counts.begin() + at, static_cast<uint32_t>(zeros));
  }
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

uint32_t BinCuts::kept_column(uint32_t given_column) const {
  return columns.empty() ? given_column
                         : static_cast<uint32_t>(std::lower_bound(columns.begin(), columns.end(), given_column) -
                                                 columns.begin());
}

uint32_t BinnedMatrix::sparse_at(uint64_t row, uint32_t column) const {
  const auto begin = entry_columns.begin() + static_cast<ptrdiff_t>(row_begin[row]);
  const auto end = entry_columns.begin() + static_cast<ptrdiff_t>(row_begin[row + 1]);
  const auto found = std::lower_bound(begin, end, column);
  return found != end && *found == column ? entry_bins[static_cast<size_t>(found - entry_columns.begin())]
                                          : of_zero[column];
}

BinCuts BinCuts::learn(const Matrix& x, uint32_t max_bins, ThreadPool& pool,
                       const std::vector<uint8_t>& of_categories, uint64_t least_rows) {
  BinCuts out;
  out.given = x.columns;
  uint64_t kept = x.columns;
  if (x.is_sparse) {
    out.columns = worth_splitting(x, least_rows);
    kept = out.columns.size();
    if (kept == x.columns) {
      out.columns.clear();
    }
  }
  out.cuts.resize(kept);
  out.has_missing.assign(kept, 0);
  out.categories.resize(kept);
  SparseColumns stored;
  std::vector<std::vector<double>> columns;
  if (x.is_sparse) {
    stored = sparse_columns_of(x, out);
  } else {
    columns = columns_of(x, out.has_missing, pool);
  }
  pool.parallel_for(kept, [&](size_t c) {
    DistinctValues distinct = distinct_values(std::move(x.is_sparse ? stored.values[c] : columns[c]));
    if (x.is_sparse) {
      add_zeros(distinct, stored.zeros[c]);
    }
    if (!of_categories.empty() && of_categories[out.given_column(static_cast<uint32_t>(c))] != 0) {
      out.categories[c] = categories_of(distinct);
      out.has_missing[c] |= distinct.values.size() > kMostCategories || x.rows > kMostRows ? 1 : 0;
      return;
    }
    out.cuts[c] = cuts_of(distinct, std::min(max_bins, kMaxValueBins));
  });
  return out;
}

namespace {

// Rows that store few of their values: entries whose bin is not that of 0, by column.
void apply_sparse(const BinCuts& cuts, const Matrix& x, const std::vector<uint32_t>& places, BinnedMatrix& out) {
  out.is_sparse = true;
  out.row_begin.assign(1, 0);
  std::vector<std::pair<uint32_t, uint8_t>> row;
  for (uint64_t r = 0; r < x.rows; ++r) {
    row.clear();
    x.for_each_in_row(r, [&](uint32_t c, double value) {
      const uint32_t place = places[c];
      const uint8_t bin = place == kLeftOut ? uint8_t{0} : cuts.bin_of(place, value);
      if (place != kLeftOut && bin != out.of_zero[place]) {
        row.emplace_back(place, bin);
      }
    });
    std::sort(row.begin(), row.end());
    for (const auto& [column, bin] : row) {
      out.entry_columns.push_back(column);
      out.entry_bins.push_back(bin);
    }
    out.row_begin.push_back(out.entry_columns.size());
  }
}

}  // namespace

BinnedMatrix BinCuts::apply(const Matrix& x, ThreadPool& pool) const {
  BinnedMatrix out;
  out.rows = x.rows;
  out.columns = kept();
  out.of_zero.resize(kept());
  for (uint64_t c = 0; c < kept(); ++c) {
    out.of_zero[c] = bin_of(c, 0.0);
  }
  const std::vector<uint32_t> places = x.is_sparse ? places_of(*this) : std::vector<uint32_t>{};
  const double bytes = static_cast<double>(x.rows) * static_cast<double>(kept());
  const auto entries = std::count_if(x.sparse.indices.begin(), x.sparse.indices.end(),
                                     [&](uint32_t c) { return places[c] != kLeftOut; });
  if (x.is_sparse && static_cast<double>(entries) * kSparseBelow < bytes) {
    apply_sparse(*this, x, places, out);
    return out;
  }
  if (bytes > static_cast<double>(kMostBinBytes)) {
    throw Error(ErrorKind::kResource, "the features' bins would take " + human_bytes(bytes), "",
                "select features first, or reduce them by truncated_svd");
  }
  const uint64_t blocks = (kept() + kBlockColumns - 1) / kBlockColumns;
  out.columns_a_block = blocks == 0 ? 1 : static_cast<uint32_t>((kept() + blocks - 1) / blocks);
  for (uint64_t first = 0; first < kept(); first += out.columns_a_block) {
    const auto width =
        static_cast<uint32_t>(std::min<uint64_t>(out.columns_a_block, kept() - first));
    out.blocks.push_back(
        {static_cast<uint32_t>(first), width, std::vector<uint8_t>(x.rows * width)});
  }
  pool.parallel_for((x.rows + kRowsATask - 1) / kRowsATask, [&](size_t task) {
    const uint64_t end = std::min<uint64_t>(x.rows, (task + 1) * kRowsATask);
    for (auto& block : out.blocks) {
      for (uint64_t r = task * kRowsATask; r < end; ++r) {
        uint8_t* to = block.bins.data() + r * block.width;
        for (uint32_t k = 0; k < block.width; ++k) {
          to[k] = x.is_sparse ? out.of_zero[block.first + k]
                              : bin_of(block.first + k, x.at(r, block.first + k));
        }
      }
    }
    for (uint64_t r = task * kRowsATask; x.is_sparse && r < end; ++r) {
      x.for_each_in_row(r, [&](uint32_t c, double value) {
        const uint32_t place = places[c];
        if (place != kLeftOut) {
          auto& block = out.blocks[place / out.columns_a_block];
          block.bins[r * block.width + (place - block.first)] = bin_of(place, value);
        }
      });
    }
  });
  return out;
}

}  // namespace athanor
