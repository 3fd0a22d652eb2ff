#include "athanor/feature/numeric/impute.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/feature/kinds.h"
#include "athanor/feature/numeric/columns.h"
#include "athanor/metric/bootstrap.h"

namespace athanor {

namespace {

// The most frequent value; of several the smallest.
double mode_of(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  double best = values[0];
  size_t best_count = 0;
  for (size_t begin = 0; begin < values.size();) {
    size_t end = begin;
    while (end < values.size() && values[end] == values[begin]) {
      ++end;
    }
    if (end - begin > best_count) {
      best = values[begin], best_count = end - begin;
    }
    begin = end;
  }
  return best;
}

class Impute : public Transform {
 public:
  explicit Impute(ImputeOptions options) : options_(std::move(options)) {
    if (options_.by == "knn") {
      filler_ = make_neighbor_filler(options_);
    } else if (options_.by == "model") {
      filler_ = make_model_filler(options_);
    }
  }

  Matrix fit(Matrix x, const Target*, FitContext& context) override {
    expect_dense(x, "impute", "sparse features have no missing values: what is not stored is 0");
    columns_ = x.columns;
    middle_.assign(columns_, options_.by == "constant" ? options_.value : 0);
    std::vector<uint8_t> gaps(columns_, 0);
    for_each_column(x, context.pool, [&](uint64_t column, std::vector<double>& values) {
      gaps[column] = values.size() < x.rows ? 1 : 0;
      if (!values.empty() && options_.by != "constant") {
        middle_[column] = middle_of(values);
      }
    });
    marked_.clear();
    for (uint64_t column = 0; column < columns_ && options_.indicators; ++column) {
      if (gaps[column] != 0) {
        marked_.push_back(static_cast<int64_t>(column));
      }
    }
    Matrix marks = indicators(x);
    if (filler_ != nullptr) {
      filler_->fit(x, middle_, context);
    }
    fill(x, context.pool);
    return with(std::move(x), std::move(marks));
  }

  Matrix apply(Matrix x, ThreadPool& pool) const override {
    expect_dense(x, "impute", "");
    expect_columns(x, columns_, "impute");
    Matrix marks = indicators(x);
    fill(x, pool);
    return with(std::move(x), std::move(marks));
  }

  void save(SavedWriter& out) const override {
    out.put("middle", middle_);
    out.put("marked", std::span<const int64_t>(marked_));
    if (filler_ != nullptr) {
      filler_->save(out);
    }
  }

  void load(const SavedReader& in) override {
    const auto middle = in.doubles("middle");
    const auto marked = in.int64s("marked");
    middle_.assign(middle.begin(), middle.end());
    marked_.assign(marked.begin(), marked.end());
    columns_ = middle_.size();
    for (const int64_t column : marked_) {
      if (column < 0 || static_cast<uint64_t>(column) >= columns_) {
        in.fail("a column of 'marked' is out of range");
      }
    }
    if (filler_ != nullptr) {
      filler_->load(in, columns_);
    }
  }

 private:
  double middle_of(std::vector<double>& values) const {
    if (options_.by == "mode") {
      return mode_of(values);
    }
    if (options_.by == "median") {
      std::sort(values.begin(), values.end());
      return quantile_of_sorted(values, 0.5);
    }
    return mean_of(values);
  }

  Matrix indicators(const Matrix& x) const {
    Matrix marks = Matrix::dense(x.rows, marked_.size());
    for (size_t i = 0; i < marked_.size(); ++i) {
      const auto column = static_cast<uint64_t>(marked_[i]);
      for (uint64_t row = 0; row < x.rows; ++row) {
        marks.at(row, i) = std::isnan(x.at(row, column)) ? 1 : 0;
      }
      marks.names.push_back(x.name_of(column) + " is missing");
    }
    return marks;
  }

  void fill(Matrix& x, ThreadPool& pool) const {
    if (filler_ != nullptr) {
      filler_->fill(x, middle_, pool);
    }
    for_each_stretch(x.rows, pool, [&](uint64_t begin, uint64_t end) {
      for (uint64_t row = begin; row < end; ++row) {
        for (uint64_t column = 0; column < columns_; ++column) {
          double& value = x.at(row, column);
          value = std::isnan(value) ? middle_[column] : value;
        }
      }
    });
  }

  static Matrix with(Matrix x, Matrix marks) {
    if (marks.columns == 0) {
      return x;
    }
    std::vector<Matrix> parts;
    parts.push_back(std::move(x));
    parts.push_back(std::move(marks));
    return side_by_side(std::move(parts));
  }

  ImputeOptions options_;
  uint64_t columns_ = 0;
  std::vector<double> middle_;   // of each column: what fills it when nothing better is known
  std::vector<int64_t> marked_;  // columns with gaps in training
  std::unique_ptr<GapFiller> filler_;
};

}  // namespace

void ImputeOptions::fields(Fields<ImputeOptions>& f) {
  f.add("by", &ImputeOptions::by,
        "constant, mean, median, mode; knn: the mean of the nearest rows that have the value; "
        "model: ridge regression on "
        "the other columns, in rounds")
      .choices({"constant", "mean", "median", "mode", "knn", "model"});
  f.add("value", &ImputeOptions::value, "constant: what fills the gaps").range(-1e300, 1e300);
  f.add("neighbors", &ImputeOptions::neighbors, "knn: how many rows").range(1, 1000);
  f.add("weights", &ImputeOptions::weights, "knn: near rows count more by distance")
      .choices({"uniform", "distance"});
  f.add("max_rows", &ImputeOptions::max_rows,
        "knn: training rows that are kept, evenly spread over all")
      .range(1, 1e7);
  f.add("iterations", &ImputeOptions::iterations, "model: rounds at most").range(1, 1000);
  f.add("alpha", &ImputeOptions::alpha, "model: strength of the ridge").range(0, 1e12);
  f.add("tolerance", &ImputeOptions::tolerance,
        "model: a round that changes less, in parts of the largest value, is the last")
      .range(0, 1);
  f.add("indicators", &ImputeOptions::indicators,
        "a column of 0 and 1 beside each one that had gaps in training");
}

TransformKind impute_kind() {
  return make_transform_kind<Impute, ImputeOptions>("impute", "missing numbers filled in");
}

}  // namespace athanor
