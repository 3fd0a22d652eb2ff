#include "athanor/classic/models/reference_rows.h"

#include <algorithm>
#include <cmath>

#include "athanor/classic/models/checks.h"

namespace athanor::classic {

ReferenceRows::ReferenceRows(Matrix rows) : rows_(std::move(rows)) { prepare(); }

void ReferenceRows::prepare() {
  if (!rows_.is_sparse) {
    blocks_ = PointBlocks(rows_.values.data(), rows_.rows, rows_.columns);
    return;
  }
  const auto& indices = rows_.sparse.indices;
  used_.clear();
  if (rows_.columns > 4 * indices.size() + 4096) {  // mostly columns that hold nothing
    used_.assign(indices.begin(), indices.end());
    std::sort(used_.begin(), used_.end());
    used_.erase(std::unique(used_.begin(), used_.end()), used_.end());
  }
  const auto place = [&](uint32_t column) -> size_t {
    return used_.empty() ? column : static_cast<size_t>(std::lower_bound(used_.begin(), used_.end(), column) - used_.begin());
  };
  begin_.assign((rows_.columns > 4 * indices.size() + 4096 ? used_.size() : rows_.columns) + 1, 0);
  for (const uint32_t column : indices) {
    ++begin_[place(column) + 1];
  }
  for (size_t j = 0; j + 1 < begin_.size(); ++j) {
    begin_[j + 1] += begin_[j];
  }
  row_.resize(indices.size());
  value_.resize(row_.size());
  squares_.assign(rows_.rows, 0.0);
  absolutes_.assign(rows_.rows, 0.0);
  std::vector<size_t> next(begin_.begin(), begin_.end() - 1);
  for (uint64_t r = 0; r < rows_.rows; ++r) {
    rows_.for_each_in_row(r, [&](uint32_t column, double value) {
      const size_t at = next[place(column)]++;
      row_[at] = static_cast<uint32_t>(r);
      value_[at] = value;
      squares_[r] += value * value;
      absolutes_[r] += std::fabs(value);
    });
  }
}

std::pair<size_t, size_t> ReferenceRows::entries(uint32_t column) const {
  if (used_.empty()) {
    return column + 1 < begin_.size() ? std::pair(begin_[column], begin_[column + 1]) : std::pair(size_t{0}, size_t{0});
  }
  const auto found = std::lower_bound(used_.begin(), used_.end(), column);
  if (found == used_.end() || *found != column) {
    return {0, 0};
  }
  const auto at = static_cast<size_t>(found - used_.begin());
  return {begin_[at], begin_[at + 1]};
}

void ReferenceRows::measure_sparse(Metric metric, const Matrix& x, uint64_t row, double* out) const {
  std::fill(out, out + rows_.rows, 0.0);
  double square = 0;
  double absolute = 0;
  x.for_each_in_row(row, [&](uint32_t column, double value) {
    if (value == 0) {
      return;
    }
    square += value * value;
    absolute += std::fabs(value);
    const auto [begin, end] = entries(column);
    for (size_t i = begin; i < end; ++i) {
      out[row_[i]] += metric == Metric::kManhattan ? std::fabs(value - value_[i]) - std::fabs(value_[i]) - std::fabs(value)
                                                   : value * value_[i];
    }
  });
  for (size_t i = 0; i < rows_.rows && metric != Metric::kDot; ++i) {
    const double far = metric == Metric::kManhattan ? absolute + absolutes_[i] + out[i] : square + squares_[i] - 2 * out[i];
    const double size = metric == Metric::kManhattan ? absolute + absolutes_[i] : square + squares_[i];
    out[i] = far > 1e-14 * size ? far : 0;  // equal rows are at 0, whatever was rounded
  }
}

void ReferenceRows::measure(Metric metric, const Matrix& x, uint64_t first, size_t num, double* out) const {
  if (rows_.is_sparse) {
    for (size_t q = 0; q < num; ++q) {
      measure_sparse(metric, x, first + q, out + q * stride());
    }
    return;
  }
  std::vector<double> unpacked;
  const double* queries[kQueries];
  if (x.is_sparse) {
    unpacked.assign(num * rows_.columns, 0.0);
    for (size_t q = 0; q < num; ++q) {
      x.for_each_in_row(first + q, [&](uint32_t column, double value) { unpacked[q * rows_.columns + column] = value; });
    }
  }
  for (size_t q = 0; q < num; ++q) {
    queries[q] = x.is_sparse ? unpacked.data() + q * rows_.columns : x.row(first + q);
  }
  double found[kQueries * PointBlocks::kBlock];
  for (size_t block = 0; block < blocks_.num_blocks(); ++block) {
    blocks_.measure(metric, queries, num, block, found);
    for (size_t q = 0; q < num; ++q) {
      std::copy(found + q * PointBlocks::kBlock, found + (q + 1) * PointBlocks::kBlock,
                out + q * stride() + block * PointBlocks::kBlock);
    }
  }
}

void ReferenceRows::save(SavedWriter out) const {
  out.json()["rows"] = rows_.rows;
  out.json()["sparse"] = rows_.is_sparse;
  if (!rows_.is_sparse) {
    out.put("values", std::span<const double>(rows_.values));
    return;
  }
  const std::vector<int64_t> offsets(rows_.sparse.offsets.begin(), rows_.sparse.offsets.end());
  const std::vector<int64_t> indices(rows_.sparse.indices.begin(), rows_.sparse.indices.end());
  out.put("offsets", std::span<const int64_t>(offsets));
  out.put("indices", std::span<const int64_t>(indices));
  out.put("stored", std::span<const double>(rows_.sparse.values));
}

void ReferenceRows::load(const SavedReader& in, size_t columns) {
  const auto count = static_cast<size_t>(read_count(in, "rows", 0, int64_t{1} << 32));
  if (!in.get<bool>("sparse")) {
    rows_.values = read_finite(in, "values", checked_product(in, static_cast<int64_t>(count), static_cast<int64_t>(columns)));
    rows_.rows = count;
    rows_.columns = columns;
    prepare();
    return;
  }
  SparseRows sparse;
  const auto offsets = in.int64s("offsets", count + 1);
  const auto indices = in.int64s("indices");
  sparse.values = read_finite(in, "stored", indices.size());
  sparse.offsets.clear();
  for (size_t i = 0; i < offsets.size(); ++i) {
    const int64_t before = i == 0 ? 0 : offsets[i - 1];
    if (offsets[i] < before || (i == 0 && offsets[i] != 0) || offsets[i] > static_cast<int64_t>(indices.size())) {
      in.fail("the offsets of the rows are out of order");
    }
    sparse.offsets.push_back(static_cast<uint64_t>(offsets[i]));
  }
  if (sparse.offsets.back() != indices.size()) {
    in.fail("the rows end before their values do");
  }
  for (const int64_t index : indices) {
    if (index < 0 || index >= static_cast<int64_t>(columns)) {
      in.fail("a column is out of range: " + std::to_string(index));
    }
    sparse.indices.push_back(static_cast<uint32_t>(index));
  }
  rows_ = Matrix::from_sparse(std::move(sparse), columns);
  prepare();
}

}  // namespace athanor::classic
