// Doubles in ascending order, by radix (11 bits a pass, passes in which all digits agree are left
// out): several times std::sort for the columns of a table.
#pragma once

#include <cstdint>
#include <vector>

namespace athanor {

// No NaN inside. -0.0 comes out as 0.0.
void sort_values(std::vector<double>& values);

// The distinct values, ascending, and how often each occurs.
struct DistinctValues {
  std::vector<double> values;
  std::vector<uint32_t> counts;
};
DistinctValues distinct_values(std::vector<double> values);

// Between a < b: the middle, or a where no double lies between them. a <= it < b.
double cut_between(double a, double b);

}  // namespace athanor
