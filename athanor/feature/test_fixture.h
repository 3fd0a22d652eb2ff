// For the tests of this room: fixtures of scikit-learn as matrices and tables.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/feature/transform.h"

namespace athanor {

inline nlohmann::json read_fixture(const std::string& name) {
  return nlohmann::json::parse(
      read_file(fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/feature" / name, 1 << 26));
}

inline double number_of(const nlohmann::json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

// Rows [begin, end), the first `columns` columns (0: all).
inline Matrix matrix_of(const nlohmann::json& rows, size_t begin = 0, size_t end = SIZE_MAX,
                        size_t columns = 0) {
  end = std::min(end, rows.size());
  columns = columns == 0 ? rows[0].size() : columns;
  Matrix x = Matrix::dense(end - begin, columns);
  for (size_t r = begin; r < end; ++r) {
    for (size_t c = 0; c < columns; ++c) {
      x.at(r - begin, c) = number_of(rows[r][c]);
    }
  }
  return x;
}

inline void expect_near(const Matrix& given, const Matrix& expected, double relative = 1e-6) {
  ASSERT_EQ(given.rows, expected.rows);
  ASSERT_EQ(given.columns, expected.columns);
  const Matrix dense = to_dense(given);
  for (uint64_t r = 0; r < given.rows; ++r) {
    for (uint64_t c = 0; c < given.columns; ++c) {
      const double a = dense.at(r, c), b = expected.at(r, c);
      if (std::isnan(b)) {
        ASSERT_TRUE(std::isnan(a)) << "row " << r << ", column " << c;
      } else {
        ASSERT_NEAR(a, b, relative * std::max(1.0, std::fabs(b)))
            << "row " << r << ", column " << c;
      }
    }
  }
}

inline TableColumn category_column(const std::string& name,
                                   const std::vector<std::string>& cells) {  // "": missing
  TableColumn column;
  column.name = name;
  column.kind = ColumnKind::kCategory;
  column.levels = cells;
  std::sort(column.levels.begin(), column.levels.end());
  column.levels.erase(std::unique(column.levels.begin(), column.levels.end()), column.levels.end());
  std::erase(column.levels, "");
  for (const auto& cell : cells) {
    const auto found = std::lower_bound(column.levels.begin(), column.levels.end(), cell);
    column.codes.push_back(cell.empty() ? -1 : static_cast<int32_t>(found - column.levels.begin()));
  }
  return column;
}

inline TableColumn number_column(const std::string& name, std::vector<double> numbers,
                                 ColumnKind kind = ColumnKind::kNumber) {
  TableColumn column;
  column.name = name;
  column.kind = kind;
  column.numbers = std::move(numbers);
  return column;
}

inline TableColumn text_column(const std::string& name, std::vector<std::string> texts) {
  TableColumn column;
  column.name = name;
  column.kind = ColumnKind::kText;
  column.texts = std::move(texts);
  return column;
}

// What was fitted, written and read again.
template <class Step>
void save_and_load(const Step& fitted, Step& fresh, const fs::path& dir) {
  SavedWriter out;
  fitted.save(out);
  out.write(dir);
  fresh.load(SavedReader::open(dir));
}

}  // namespace athanor
