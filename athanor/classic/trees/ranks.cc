#include "athanor/classic/trees/ranks.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/classic/trees/sort_values.h"

namespace athanor {

namespace {

constexpr uint64_t kMostBytes = uint64_t{16} << 30;
constexpr size_t kInsertion = 48;
constexpr size_t kRadix = 300;

}  // namespace

RankedMatrix RankedMatrix::of(const Matrix& given, ThreadPool& pool) {
  const Matrix dense = given.is_sparse ? to_dense(given) : Matrix{};
  const Matrix& x = given.is_sparse ? dense : given;
  const double bytes =
      static_cast<double>(x.rows) * static_cast<double>(x.columns) * sizeof(uint32_t);
  if (bytes > static_cast<double>(kMostBytes) || x.rows >= kMissingRank) {
    throw Error(ErrorKind::kResource, "the features' ranks would take " + human_bytes(bytes), "",
                "select features first, or use boosting, which keeps a byte a value");
  }
  RankedMatrix out;
  out.rows = x.rows;
  out.columns = x.columns;
  out.values.resize(x.columns);
  out.ranks.resize(x.columns);
  pool.parallel_for(x.columns, [&](size_t c) {
    std::vector<double> present;
    for (uint64_t r = 0; r < x.rows; ++r) {
      const double value = x.at(r, c);
      if (std::isinf(value)) {
        throw Error(ErrorKind::kInput, "the feature '" + x.name_of(c) + "' holds an infinity", "",
                    "clip it, or count it as missing");
      }
      if (!std::isnan(value)) {
        present.push_back(value);
      }
    }
    out.values[c] = distinct_values(std::move(present)).values;
    out.ranks[c].resize(x.rows);
    for (uint64_t r = 0; r < x.rows; ++r) {
      const auto place = std::lower_bound(out.values[c].begin(), out.values[c].end(), x.at(r, c));
      out.ranks[c][r] = std::isnan(x.at(r, c))
                            ? kMissingRank
                            : static_cast<uint32_t>(place - out.values[c].begin());
    }
  });
  return out;
}

void sort_by_rank(std::vector<uint64_t>& keys, std::vector<uint64_t>& scratch, uint32_t range) {
  const size_t count = keys.size();
  if (count <= kInsertion) {
    for (size_t i = 1; i < count; ++i) {
      const uint64_t key = keys[i];
      size_t at = i;
      for (; at > 0 && keys[at - 1] > key; --at) {
        keys[at] = keys[at - 1];
      }
      keys[at] = key;
    }
    return;
  }
  if (count < kRadix) {
    std::sort(keys.begin(), keys.end());
    return;
  }
  scratch.resize(count);
  const int bits = std::bit_width(range);
  for (int shift = 32; shift < 32 + bits; shift += 8) {
    uint32_t starts[257] = {};
    for (const uint64_t key : keys) {
      ++starts[(key >> shift & 255) + 1];
    }
    for (int d = 0; d < 256; ++d) {
      starts[d + 1] += starts[d];
    }
    for (const uint64_t key : keys) {
      scratch[starts[key >> shift & 255]++] = key;
    }
    keys.swap(scratch);
  }
}

}  // namespace athanor
