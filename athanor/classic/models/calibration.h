// From scores of one class to its probability. Platt's sigmoid (Platt 1999, with the targets and the Newton steps of Lin, Lin,
// Weng 2007) and isotonic regression (pool adjacent violators), as scikit-learn's.
#pragma once

#include <span>
#include <vector>

namespace athanor::classic {

struct Sigmoid {
  double a = 0;  // p = 1 / (1 + exp(a score + b))
  double b = 0;
  double at(double score) const;
};
// yes: 1 or 0 a row. weights empty: all 1.
Sigmoid fit_sigmoid(std::span<const double> scores, std::span<const uint8_t> yes, std::span<const double> weights);

struct Isotonic {
  std::vector<double> x;  // ascending
  std::vector<double> y;  // not descending
  double at(double score) const;  // straight between the points, level outside
};
Isotonic fit_isotonic(std::span<const double> scores, std::span<const double> values, std::span<const double> weights);

}  // namespace athanor::classic
