#include "athanor/classic/models/design.h"

#include "athanor/base/error.h"
#include "athanor/classic/models/checks.h"

namespace athanor::classic {

namespace {

constexpr size_t kRowPiece = 1024;  // a piece of a column of sums stays in the first cache
constexpr size_t kColumnPiece = 64;

}  // namespace

Design::Design(const Matrix& x) : x_(x) {
  if (!x.is_sparse) {
    by_column_.resize(x.rows * x.columns);
    for (size_t block = 0; block < x.rows; block += 32) {  // blocks keep both sides in cache
      const size_t end = std::min<size_t>(block + 32, x.rows);
      for (size_t j = 0; j < x.columns; ++j) {
        for (size_t r = block; r < end; ++r) {
          by_column_[j * x.rows + r] = x.at(r, j);
        }
      }
    }
    return;
  }
  if (x.rows > UINT32_MAX) {
    throw Error(ErrorKind::kResource, "too many rows for a sparse model", "", "fit it on a sample");
  }
  begin_.assign(x.columns + 1, 0);
  for (const uint32_t column : x.sparse.indices) {
    if (column >= x.columns) {
      throw Error(ErrorKind::kInput, "a sparse row holds column " + std::to_string(column) + " of " +
                                         std::to_string(x.columns), "", "");
    }
    ++begin_[column + 1];
  }
  for (size_t j = 0; j < x.columns; ++j) {
    begin_[j + 1] += begin_[j];
  }
  row_.resize(x.sparse.indices.size());
  stored_.resize(row_.size());
  std::vector<size_t> next(begin_.begin(), begin_.end() - 1);
  for (size_t r = 0; r < x.rows; ++r) {
    x.for_each_in_row(r, [&](uint32_t column, double value) {
      const size_t at = next[column]++;
      row_[at] = static_cast<uint32_t>(r);
      stored_[at] = value;
    });
  }
}

void Design::times(std::span<const double> w, ThreadPool& pool, std::span<double> z) const {
  for_pieces(pool, rows(), kRowPiece, [&](size_t, size_t begin, size_t end) {
    if (!is_sparse()) {
      std::fill(z.begin() + static_cast<ptrdiff_t>(begin), z.begin() + static_cast<ptrdiff_t>(end), 0.0);
      for (size_t j = 0; j < columns(); ++j) {
        if (w[j] != 0) {
          add_scaled(z.data() + begin, column(j) + begin, w[j], end - begin);
        }
      }
      return;
    }
    const auto& sparse = x_.sparse;
    for (size_t r = begin; r < end; ++r) {
      double sum = 0;
      for (size_t i = sparse.offsets[r]; i < sparse.offsets[r + 1]; ++i) {
        sum += sparse.values[i] * w[sparse.indices[i]];
      }
      z[r] = sum;
    }
  });
}

void Design::transposed(std::span<const double> r, ThreadPool& pool, std::span<double> g) const {
  const size_t piece = is_sparse() ? std::max<size_t>(kColumnPiece, columns() / 64) : 1;
  for_pieces(pool, columns(), piece, [&](size_t, size_t begin, size_t end) {
    for (size_t j = begin; j < end; ++j) {
      g[j] = column_dot(j, r.data());
    }
  });
}

double Design::column_square(size_t j, const double* h) const {
  if (!is_sparse()) {
    return h == nullptr ? dot(column(j), column(j), rows()) : weighted_dot(column(j), column(j), h, rows());
  }
  double sum = 0;
  for (size_t i = begin_[j]; i < begin_[j + 1]; ++i) {
    sum += stored_[i] * stored_[i] * (h == nullptr ? 1.0 : h[row_[i]]);
  }
  return sum;
}

void Design::add_column(size_t j, double factor, const double* h, double* r) const {
  if (is_sparse()) {
    for (size_t i = begin_[j]; i < begin_[j + 1]; ++i) {
      r[row_[i]] += factor * stored_[i] * (h == nullptr ? 1.0 : h[row_[i]]);
    }
    return;
  }
  const double* values = column(j);
  if (h == nullptr) {
    add_scaled(r, values, factor, rows());
    return;
  }
  for (size_t i = 0; i < rows(); ++i) {
    r[i] += factor * values[i] * h[i];
  }
}

std::vector<double> weighted_means(const Design& design, std::span<const double> weights, double total, ThreadPool& pool) {
  std::vector<double> means(design.columns());
  const std::vector<double> ones(weights.empty() ? design.rows() : 0, 1.0);
  design.transposed(weights.empty() ? std::span<const double>(ones) : weights, pool, means);
  for (double& mean : means) {
    mean /= total;
  }
  return means;
}

bool compacted(const Matrix& x, Matrix& out) {
  constexpr double kWorth = 0.25;
  if (x.is_sparse) {
    return false;
  }
  const auto zeros = static_cast<size_t>(std::count(x.values.begin(), x.values.end(), 0.0));
  const size_t stored = x.values.size() - zeros;
  if (static_cast<double>(stored) > kWorth * static_cast<double>(x.values.size())) {
    return false;
  }
  out = Matrix{};
  out.rows = x.rows;
  out.columns = x.columns;
  out.is_sparse = true;
  out.sparse.indices.reserve(stored);
  out.sparse.values.reserve(stored);
  for (size_t r = 0; r < x.rows; ++r) {
    x.for_each_in_row(r, [&](uint32_t column, double value) {
      if (value != 0) {
        out.sparse.indices.push_back(column);
        out.sparse.values.push_back(value);
      }
    });
    out.sparse.offsets.push_back(out.sparse.indices.size());
  }
  return true;
}

}  // namespace athanor::classic
