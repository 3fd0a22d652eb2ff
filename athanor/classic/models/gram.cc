#include "athanor/classic/models/gram.h"

#include <algorithm>
#include <cstring>

#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/dense_kernels.h"

namespace athanor::classic {

namespace {

constexpr size_t kSide = TileKernel::kSide;
constexpr size_t kTile = kSide * kSide;
constexpr size_t kGroup = 8;  // panels of a task: what they are multiplied with is read from memory once

}  // namespace

PackedColumns::PackedColumns(size_t rows, size_t columns)
    : rows_(rows), columns_(columns), panels_((columns + kPanel - 1) / kPanel), chunks_((rows + kChunk - 1) / kChunk) {
  static_assert(kPanel == kSide);
  values_ = std::make_unique_for_overwrite<double[]>(chunks_ * panels_ * kPanel * kChunk);
}

void PackedColumns::fill(ThreadPool& pool, const std::function<void(size_t row, double* to)>& row_of) {
  for_pieces(pool, rows_, kChunk, [&](size_t chunk, size_t begin, size_t end) {
    std::vector<double> row(panels_ * kPanel, 0.0);
    double* first = values_.get() + chunk * panels_ * kPanel * kChunk;
    for (size_t r = begin; r < end; ++r) {
      row_of(r, row.data());
      for (size_t i = 0; i < panels_; ++i) {
        std::memcpy(first + i * kPanel * kChunk + (r - begin) * kPanel, row.data() + i * kPanel, kPanel * sizeof(double));
      }
    }
  });
}

// The tiles of panels [begin, end) with all panels up to them: the lower half.
void PackedColumns::add_tiles(size_t begin, size_t end, std::vector<double>& out) const {
  const size_t stride = (end + 1) / 2 * 2;  // they come in pairs
  std::vector<double> sums((end - begin) * stride * kTile, 0.0);
  for (size_t chunk = 0; chunk < chunks_; ++chunk) {
    const size_t rows = std::min(kChunk, rows_ - chunk * kChunk);
    for (size_t j = 0; j < end; j += 2) {
      const double* pair[2] = {panel(chunk, j), panel(chunk, std::min(j + 1, panels_ - 1))};
      for (size_t i = std::max(begin, j); i < end; ++i) {
        TileKernel::add(panel(chunk, i), pair, rows, sums.data() + ((i - begin) * stride + j) * kTile);
      }
    }
  }
  for (size_t i = begin; i < end; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      const double* tile = sums.data() + ((i - begin) * stride + j) * kTile;
      for (size_t a = 0; a < kSide && i * kSide + a < columns_; ++a) {
        for (size_t b = 0; b < kSide && j * kSide + b < columns_; ++b) {
          const size_t row = i * kSide + a, column = j * kSide + b;
          out[row * columns_ + column] = out[column * columns_ + row] = tile[a * kSide + b];
        }
      }
    }
  }
}

std::vector<double> PackedColumns::gram(ThreadPool& pool) const {
  std::vector<double> out(columns_ * columns_);
  const size_t group = std::clamp<size_t>(panels_ / 16, 1, kGroup);
  const size_t groups = (panels_ + group - 1) / group;
  pool.parallel_for(groups, [&](size_t i) {
    const size_t from_last = groups - 1 - i;  // the longest first
    add_tiles(from_last * group, std::min(panels_, (from_last + 1) * group), out);
  });
  return out;
}

}  // namespace athanor::classic
