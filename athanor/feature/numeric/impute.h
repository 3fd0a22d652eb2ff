// The transform `impute`: missing numbers filled in. Private to this room.
#pragma once

#include "athanor/feature/transform.h"

namespace athanor {

struct ImputeOptions {
  std::string by = "median";
  double value = 0;
  int64_t neighbors = 5;
  std::string weights = "uniform";
  int64_t max_rows = 20000;
  int64_t iterations = 10;
  double alpha = 1;
  double tolerance = 1e-3;
  bool indicators = false;
  static void fields(Fields<ImputeOptions>& f);
};

// How rows with gaps are filled from what the others are.
class GapFiller {
 public:
  virtual ~GapFiller() = default;
  // x still has its gaps; middle: the mean of each column.
  virtual void fit(Matrix& x, const std::vector<double>& middle, FitContext& context) = 0;
  virtual void fill(Matrix& x, const std::vector<double>& middle, ThreadPool& pool) const = 0;
  virtual void save(SavedWriter& out) const = 0;
  virtual void load(const SavedReader& in, uint64_t columns) = 0;
};
// The mean of the nearest training rows that have the value (scikit-learn's KNNImputer).
std::unique_ptr<GapFiller> make_neighbor_filler(const ImputeOptions& options);
// Ridge regression of each column on the others, in rounds (IterativeImputer with Ridge).
std::unique_ptr<GapFiller> make_model_filler(const ImputeOptions& options);

}  // namespace athanor
