// The rows of a table by what stands in one of its columns: scores are told apart over them.
#pragma once

#include <string>
#include <vector>

#include "athanor/data/tables/table.h"

namespace athanor {

struct Slice {
  std::string name;
  std::vector<uint64_t> rows;
};

// Categories and texts: a slice a value, the largest first. Numbers and dates: at most 10 different values are a slice each,
// more are quarters ("quarter 1: 17 to 28", its smallest and largest value), in ascending order. Rows without a value are
// "missing".
std::vector<Slice> slices_of(const TableColumn& column, uint64_t rows);

// A cell as a page shows it: a number with six digits, at most 80 characters of a text; "" for a missing one.
std::string cell_text(const TableColumn& column, uint64_t row);

}  // namespace athanor
