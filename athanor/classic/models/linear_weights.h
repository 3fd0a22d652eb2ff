// Coefficients and intercepts: all that a linear model is once it is fitted.
#pragma once

#include <string>
#include <vector>

#include "athanor/feature/matrix.h"
#include "athanor/feature/saved.h"
#include "athanor/feature/transform.h"

namespace athanor::classic {

struct LinearWeights {
  size_t outputs = 0;
  size_t columns = 0;
  std::vector<double> coefficients;  // outputs x columns
  std::vector<double> intercepts;    // outputs

  static LinearWeights zeros(size_t outputs, size_t columns);
  std::span<double> of(size_t output) { return {coefficients.data() + output * columns, columns}; }
  std::span<const double> of(size_t output) const { return {coefficients.data() + output * columns, columns}; }

  // rows x outputs: x w + intercept.
  Matrix scores(const Matrix& x, ThreadPool& pool) const;
  // Mean absolute coefficient of each column.
  std::vector<double> importances(std::string* what) const;
  // Of each output (names in `labels`): intercept, and the largest coefficients by size, at most 50.
  nlohmann::json description(const std::vector<std::string>& names, const std::vector<std::string>& labels) const;
  void save(SavedWriter& out) const;
  void load(const SavedReader& in, size_t outputs, size_t columns);
  void check() const;  // Error(kInput) where one is not finite
};

// (-d, d) a row from one column of decision values.
Matrix two_sided(const Matrix& scores);

}  // namespace athanor::classic
