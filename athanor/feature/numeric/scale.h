// The transform `scale`. Private to this room.
#pragma once

#include "athanor/feature/transform.h"

namespace athanor {

struct ScaleOptions {
  std::string by = "zscore";
  bool center = true;
  double low = 0, high = 1;
  double from_quantile = 0.25, to_quantile = 0.75;
  int64_t quantiles = 1000;
  std::string distribution = "uniform";
  static void fields(Fields<ScaleOptions>& f);
};

class DistributionScale;

class Scale : public Transform {
 public:
  explicit Scale(ScaleOptions options);
  ~Scale() override;

  Matrix fit(Matrix x, const Target* target, FitContext& context) override;
  Matrix apply(Matrix x, ThreadPool& pool) const override;
  void save(SavedWriter& out) const override;
  void load(const SavedReader& in) override;

 private:
  void learn(uint64_t column, std::vector<double>& values);
  void learn_sparse(const Matrix& x);
  void normalize_rows(Matrix& x, ThreadPool& pool) const;

  ScaleOptions options_;
  uint64_t columns_ = 0;
  std::vector<double> middle_, width_;  // (value - middle) / width
  std::unique_ptr<DistributionScale> shape_;
};

}  // namespace athanor
