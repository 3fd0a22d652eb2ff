// Numbers brought to one scale: scikit-learn's StandardScaler, MinMaxScaler, RobustScaler,
// MaxAbsScaler and Normalizer. Quantile and power scaling: distribution.cc. Missing values are not
// counted and stay missing.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/feature/kinds.h"
#include "athanor/feature/numeric/columns.h"
#include "athanor/feature/numeric/distribution.h"
#include "athanor/feature/numeric/scale.h"
#include "athanor/metric/bootstrap.h"

namespace athanor {

namespace {

constexpr double kEpsilon = 2.220446049250313e-16;
constexpr double kLargest = 0x1p480;  // squares of larger values, added up, would be infinite

// The power of two that brings values too large to square near 1; else 1.
double unit_of(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) {
    largest = std::max(largest, std::fabs(value));
  }
  return largest > kLargest && std::isfinite(largest) ? std::ldexp(1.0, std::ilogb(largest)) : 1;
}

bool by_rows(const std::string& by) {
  return by == "l1" || by == "l2" || by == "max";
}

}  // namespace

void ScaleOptions::fields(Fields<ScaleOptions>& f) {
  f.add("by", &ScaleOptions::by,
        "zscore: mean 0 and deviation 1; minmax; robust: median 0 and quartile distance 1; maxabs; "
        "quantile; power "
        "(Yeo-Johnson, mean 0 and deviation 1), boxcox; l1, l2, max: each row to length 1")
      .choices({"zscore", "minmax", "robust", "maxabs", "quantile", "power", "boxcox", "l1", "l2",
                "max"});
  f.add("center", &ScaleOptions::center,
        "zscore, robust: subtract the middle; sparse features want false");
  f.add("low", &ScaleOptions::low, "minmax: smallest value of the result").range(-1e12, 1e12);
  f.add("high", &ScaleOptions::high, "minmax: largest value of the result").range(-1e12, 1e12);
  f.add("from_quantile", &ScaleOptions::from_quantile, "robust: the distance between this quantile")
      .range(0, 1);
  f.add("to_quantile", &ScaleOptions::to_quantile, "robust: and this one is 1").range(0, 1);
  f.add("quantiles", &ScaleOptions::quantiles, "quantile: how many are kept").range(2, 1e6);
  f.add("distribution", &ScaleOptions::distribution, "quantile: what the values become")
      .choices({"uniform", "normal"});
}

Scale::Scale(ScaleOptions options) : options_(std::move(options)) {
  if (options_.low >= options_.high) {
    throw Error(ErrorKind::kUsage, "low must be below high", "scale");
  }
  if (options_.from_quantile >= options_.to_quantile) {
    throw Error(ErrorKind::kUsage, "from_quantile must be below to_quantile", "scale");
  }
  if (options_.by == "quantile" || options_.by == "power" || options_.by == "boxcox") {
    shape_ = std::make_unique<DistributionScale>(options_);
  }
}
Scale::~Scale() = default;

Matrix Scale::fit(Matrix x, const Target*, FitContext& context) {
  columns_ = x.columns;
  if (shape_ != nullptr) {
    expect_dense(x, "scale by quantile or power", "take by: maxabs");
    shape_->fit(x, context);
  } else if (x.is_sparse && !by_rows(options_.by)) {
    learn_sparse(x);
  } else if (!by_rows(options_.by)) {
    middle_.assign(columns_, 0);
    width_.assign(columns_, 1);
    for_each_column(x, context.pool,
                    [&](uint64_t column, std::vector<double>& values) { learn(column, values); });
  }
  return apply(std::move(x), context.pool);
}

void Scale::learn(uint64_t column, std::vector<double>& values) {
  double& middle = middle_[column];
  double& width = width_[column];
  if (values.empty()) {
    return;
  }
  if (options_.by == "zscore") {
    const double unit = unit_of(values);
    for (size_t i = 0; unit != 1 && i < values.size(); ++i) {
      values[i] /= unit;
    }
    const double mean = mean_of(values);
    const double variance = variance_of(values, mean);
    const auto n = static_cast<double>(values.size());
    // What rounding leaves of a constant column is no deviation (the bound of scikit-learn's
    // _is_constant_feature).
    const bool constant = variance <= n * kEpsilon * variance + std::pow(n * mean * kEpsilon, 2);
    middle = options_.center ? mean * unit : 0;
    width = (constant ? 1 : std::sqrt(variance)) * unit;
  } else if (options_.by == "robust") {
    std::sort(values.begin(), values.end());
    middle = options_.center ? quantile_of_sorted(values, 0.5) : 0;
    width = quantile_of_sorted(values, options_.to_quantile) -
            quantile_of_sorted(values, options_.from_quantile);
  } else if (options_.by == "minmax") {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    width = (*high - *low) / (options_.high - options_.low);
    width = width < 10 * kEpsilon ? 1 / (options_.high - options_.low) : width;
    middle = *low - options_.low * width;
  } else {
    width = 0;
    for (const double value : values) {
      width = std::max(width, std::fabs(value));
    }
  }
  width = width < 10 * kEpsilon && options_.by != "zscore" ? 1 : width;
}

// Deviation, distance or largest value of sparse columns; what is not stored is 0.
void Scale::learn_sparse(const Matrix& x) {
  if ((options_.by == "zscore" && options_.center) || options_.by == "robust" ||
      options_.by == "minmax") {
    throw Error(ErrorKind::kUsage, "scale by " + options_.by + " would make sparse features dense",
                "scale", "take {scale: {by: maxabs}}, or {scale: {by: zscore, center: false}}");
  }
  middle_.assign(columns_, 0);
  width_.assign(columns_, 0);
  std::vector<double> sum(columns_, 0);
  const auto rows = static_cast<double>(x.rows);
  const bool zscore = options_.by == "zscore";
  for (size_t i = 0; i < x.sparse.indices.size(); ++i) {
    const uint32_t column = x.sparse.indices[i];
    const double value = x.sparse.values[i];
    sum[column] += value;
    width_[column] =
        zscore ? width_[column] + value * value : std::max(width_[column], std::fabs(value));
  }
  for (uint64_t column = 0; column < columns_; ++column) {
    if (zscore) {
      const double mean = sum[column] / rows;
      width_[column] = std::sqrt(std::max(0.0, width_[column] / rows - mean * mean));
    }
    width_[column] = width_[column] < 10 * kEpsilon ? 1 : width_[column];
  }
}

Matrix Scale::apply(Matrix x, ThreadPool& pool) const {
  expect_columns(x, columns_, "scale");
  if (shape_ != nullptr) {
    expect_dense(x, "scale by quantile or power", "take by: maxabs");
    shape_->apply(x, pool);
    return x;
  }
  if (by_rows(options_.by)) {
    normalize_rows(x, pool);
    return x;
  }
  if (x.is_sparse) {
    for (size_t i = 0; i < x.sparse.indices.size(); ++i) {
      x.sparse.values[i] /= width_[x.sparse.indices[i]];
    }
    return x;
  }
  for_each_stretch(x.rows, pool, [&](uint64_t begin, uint64_t end) {
    for (uint64_t row = begin; row < end; ++row) {
      double* values = x.row(row);
      for (uint64_t column = 0; column < columns_; ++column) {
        values[column] = (values[column] - middle_[column]) / width_[column];
      }
    }
  });
  return x;
}

void Scale::normalize_rows(Matrix& x, ThreadPool& pool) const {
  const int kind = options_.by == "l1" ? 1 : options_.by == "l2" ? 2 : 0;
  for_each_stretch(x.rows, pool, [&](uint64_t begin, uint64_t end) {
    for (uint64_t row = begin; row < end; ++row) {
      double* values = x.is_sparse ? x.sparse.values.data() + x.sparse.offsets[row] : x.row(row);
      const uint64_t count =
          x.is_sparse ? x.sparse.offsets[row + 1] - x.sparse.offsets[row] : x.columns;
      double length = 0;
      for (uint64_t i = 0; i < count; ++i) {
        const double size = std::fabs(values[i]);
        if (!std::isnan(size)) {
          length = kind == 1   ? length + size
                   : kind == 2 ? length + size * size
                               : std::max(length, size);
        }
      }
      length = kind == 2 ? std::sqrt(length) : length;
      for (uint64_t i = 0; i < count && length > 0; ++i) {
        values[i] /= length;
      }
    }
  });
}

void Scale::save(SavedWriter& out) const {
  out.json()["columns"] = columns_;
  out.put("middle", middle_);
  out.put("width", width_);
  if (shape_ != nullptr) {
    shape_->save(out);
  }
}

void Scale::load(const SavedReader& in) {
  columns_ = in.get<uint64_t>("columns");
  const bool learnt = shape_ == nullptr && !by_rows(options_.by);
  const auto middle = in.doubles("middle", learnt ? columns_ : 0);
  const auto width = in.doubles("width", learnt ? columns_ : 0);
  middle_.assign(middle.begin(), middle.end());
  width_.assign(width.begin(), width.end());
  if (shape_ != nullptr) {
    shape_->load(in, columns_);
  }
}

TransformKind scale_kind() {
  return make_transform_kind<Scale, ScaleOptions>(
      "scale", "numbers to one scale: z-score, range, quantiles, power, rows of length 1");
}

}  // namespace athanor
