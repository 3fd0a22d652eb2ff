#include "athanor/feature/matrix.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/format.h"

namespace athanor {

Matrix Matrix::dense(uint64_t rows, uint64_t columns) {
  Matrix matrix;
  matrix.rows = rows;
  matrix.columns = columns;
  matrix.values.assign(rows * columns, 0.0);
  return matrix;
}

Matrix Matrix::from_sparse(SparseRows sparse, uint64_t columns) {
  Matrix matrix;
  matrix.rows = sparse.rows();
  matrix.columns = columns;
  matrix.is_sparse = true;
  matrix.sparse = std::move(sparse);
  return matrix;
}

std::string Matrix::name_of(uint64_t column) const {
  return column < names.size() ? names[column] : "column " + std::to_string(column);
}

uint64_t Matrix::bytes() const {
  return values.size() * sizeof(double) + sparse.offsets.size() * sizeof(uint64_t) +
         sparse.indices.size() * (sizeof(uint32_t) + sizeof(double));
}

Matrix take_rows(const Matrix& matrix, const std::vector<uint64_t>& rows) {
  Matrix out;
  out.rows = rows.size();
  out.columns = matrix.columns;
  out.is_sparse = matrix.is_sparse;
  out.names = matrix.names;
  if (!matrix.is_sparse) {
    out.values.reserve(rows.size() * matrix.columns);
  }
  for (const uint64_t row : rows) {
    if (!matrix.is_sparse) {
      out.values.insert(out.values.end(), matrix.row(row), matrix.row(row) + matrix.columns);
      continue;
    }
    matrix.for_each_in_row(row, [&](uint32_t column, double value) {
      out.sparse.indices.push_back(column);
      out.sparse.values.push_back(value);
    });
    out.sparse.offsets.push_back(out.sparse.indices.size());
  }
  return out;
}

Matrix side_by_side(std::vector<Matrix> parts) {
  if (parts.size() == 1) {
    return std::move(parts[0]);
  }
  Matrix out;
  bool named = true;
  for (const auto& part : parts) {
    out.rows = part.rows;
    out.columns += part.columns;
    out.is_sparse = out.is_sparse || part.is_sparse;
    named = named && part.names.size() == part.columns;
  }
  for (const auto& part : parts) {
    if (named) {
      out.names.insert(out.names.end(), part.names.begin(), part.names.end());
    }
  }
  if (!out.is_sparse) {
    out.values.reserve(out.rows * out.columns);
  }
  for (uint64_t r = 0; r < out.rows; ++r) {
    uint64_t begin = 0;
    for (const auto& part : parts) {
      if (!out.is_sparse) {
        out.values.insert(out.values.end(), part.row(r), part.row(r) + part.columns);
      } else {
        part.for_each_in_row(r, [&](uint32_t column, double value) {
          if (value != 0) {  // NaN is kept
            out.sparse.indices.push_back(static_cast<uint32_t>(begin + column));
            out.sparse.values.push_back(value);
          }
        });
      }
      begin += part.columns;
    }
    if (out.is_sparse) {
      out.sparse.offsets.push_back(out.sparse.indices.size());
    }
  }
  return out;
}

Matrix take_columns(const Matrix& x, std::span<const int32_t> columns) {
  Matrix out;
  out.rows = x.rows;
  out.columns = columns.size();
  out.is_sparse = x.is_sparse;
  for (const int32_t column : columns) {
    if (!x.names.empty()) {
      out.names.push_back(x.names[static_cast<size_t>(column)]);
    }
  }
  for (uint64_t r = 0; r < x.rows; ++r) {
    if (!x.is_sparse) {
      for (const int32_t column : columns) {
        out.values.push_back(x.at(r, static_cast<uint64_t>(column)));
      }
      continue;
    }
    x.for_each_in_row(r, [&](uint32_t c, double value) {
      const auto place = std::lower_bound(columns.begin(), columns.end(), static_cast<int32_t>(c));
      if (place != columns.end() && *place == static_cast<int32_t>(c)) {
        out.sparse.indices.push_back(static_cast<uint32_t>(place - columns.begin()));
        out.sparse.values.push_back(value);
      }
    });
    out.sparse.offsets.push_back(out.sparse.indices.size());
  }
  return out;
}

Matrix to_dense(const Matrix& matrix, uint64_t max_bytes) {
  if (!matrix.is_sparse) {
    return matrix;
  }
  const double bytes =
      static_cast<double>(matrix.rows) * static_cast<double>(matrix.columns) * sizeof(double);
  if (bytes > static_cast<double>(max_bytes)) {
    throw Error(ErrorKind::kResource,
                grouped_integer(static_cast<int64_t>(matrix.rows)) + " rows of " +
                    grouped_integer(static_cast<int64_t>(matrix.columns)) +
                    " sparse features would take " + human_bytes(bytes) + " as a dense matrix",
                "",
                "select features first, reduce them by truncated_svd, or take a model that reads "
                "sparse rows");
  }
  Matrix out = Matrix::dense(matrix.rows, matrix.columns);
  out.names = matrix.names;
  for (uint64_t r = 0; r < matrix.rows; ++r) {
    matrix.for_each_in_row(r, [&](uint32_t column, double value) { out.at(r, column) = value; });
  }
  return out;
}

}  // namespace athanor
