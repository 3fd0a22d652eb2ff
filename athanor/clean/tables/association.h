// How strongly two columns go together, each kind of pair by the measure of its field.
//
//   number, number        Pearson's r and Spearman's rho (ranks, ties in the middle): -1 .. 1
//   category, category    Cramer's V (of the chi-squared of their table, uncorrected): 0 .. 1
//   category, number      eta, the root of the share of the number's variance that lies between the categories: 0 .. 1
//
// Rows where either is missing are left out, as pandas and SciPy do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "athanor/base/thread_pool.h"

namespace athanor {

// A column as the measures read it.
struct AssociationColumn {
  std::string name;
  std::vector<double> numbers;  // NaN: missing; empty for a category
  std::vector<int32_t> codes;   // -1: missing; empty for numbers
  int32_t levels = 0;
};

// None where fewer than 3 rows have both, or one of the two never changes there.
std::optional<double> pearson(const std::vector<double>& a, const std::vector<double>& b);
std::optional<double> spearman(const std::vector<double>& a, const std::vector<double>& b);
std::optional<double> cramers_v(const std::vector<int32_t>& a, int32_t levels_a, const std::vector<int32_t>& b, int32_t levels_b);
std::optional<double> eta(const std::vector<int32_t>& codes, int32_t levels, const std::vector<double>& numbers);

struct Association {
  size_t a = 0, b = 0;  // columns, a < b
  std::string measure;  // "pearson", "cramers_v", "eta"
  double value = 0;
  std::optional<double> rank;  // numbers: Spearman's
  double strength() const;     // the greatest of their absolute values
};

// All pairs that have a value, strongest first; the same for any number of threads.
std::vector<Association> all_associations(const std::vector<AssociationColumn>& columns, ThreadPool& pool);

}  // namespace athanor
