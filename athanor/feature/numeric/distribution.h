// Scaling that changes the shape of a distribution: to uniform or normal by quantiles
// (scikit-learn's QuantileTransformer, without its sampling of rows), to near normal by a power
// (Yeo and Johnson 2000; Box and Cox 1964), then mean 0 and deviation 1 (PowerTransformer). Private
// to this room.
#pragma once

#include "athanor/feature/numeric/scale.h"

namespace athanor {

class DistributionScale {
 public:
  explicit DistributionScale(const ScaleOptions& options) : options_(options) {}

  void fit(const Matrix& x, FitContext& context);
  void apply(Matrix& x, ThreadPool& pool) const;
  void save(SavedWriter& out) const;
  void load(const SavedReader& in, uint64_t columns);

 private:
  double by_quantiles(const double* quantiles, double value) const;

  ScaleOptions options_;
  uint64_t num_quantiles_ = 0;
  std::vector<double> quantiles_;              // columns x num_quantiles_
  std::vector<double> lambda_, mean_, width_;  // powers
};

// The power with the highest likelihood under a normal distribution, and the transforms.
double yeo_johnson(double value, double lambda);
double box_cox(double value, double lambda);  // value > 0
double best_power(const std::vector<double>& values, bool is_box_cox);

}  // namespace athanor
