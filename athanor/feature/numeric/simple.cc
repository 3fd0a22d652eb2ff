// Transforms of each number by itself: clip, log1p; and bins.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/feature/kinds.h"
#include "athanor/feature/numeric/columns.h"
#include "athanor/metric/bootstrap.h"

namespace athanor {

namespace {

struct ClipOptions {
  double from_quantile = 0.01, to_quantile = 0.99;
  static void fields(Fields<ClipOptions>& f) {
    f.add("from_quantile", &ClipOptions::from_quantile,
          "values below this quantile of the training rows become it")
        .range(0, 1);
    f.add("to_quantile", &ClipOptions::to_quantile, "values above this one become it").range(0, 1);
  }
};

std::vector<double> stored(const SavedReader& in, const char* name,
                           size_t size = SavedReader::kAny) {
  const auto values = in.doubles(name, size);
  return {values.begin(), values.end()};
}

class Clip : public Transform {
 public:
  explicit Clip(ClipOptions options) : options_(options) {
    if (options_.from_quantile >= options_.to_quantile) {
      throw Error(ErrorKind::kUsage, "from_quantile must be below to_quantile", "clip");
    }
  }
  Matrix fit(Matrix x, const Target*, FitContext& context) override {
    expect_dense(x, "clip", "leave it out of this group");
    low_.assign(x.columns, -std::numeric_limits<double>::max());
    high_.assign(x.columns, std::numeric_limits<double>::max());
    for_each_column(x, context.pool, [&](uint64_t column, std::vector<double>& values) {
      if (!values.empty()) {
        std::sort(values.begin(), values.end());
        low_[column] = quantile_of_sorted(values, options_.from_quantile);
        high_[column] = quantile_of_sorted(values, options_.to_quantile);
      }
    });
    return apply(std::move(x), context.pool);
  }
  Matrix apply(Matrix x, ThreadPool& pool) const override {
    expect_dense(x, "clip", "");
    expect_columns(x, low_.size(), "clip");
    for_each_stretch(x.rows, pool, [&](uint64_t begin, uint64_t end) {
      for (uint64_t i = begin * x.columns; i < end * x.columns; ++i) {
        double& value = x.values[i];
        value = value < low_[i % x.columns]    ? low_[i % x.columns]
                : value > high_[i % x.columns] ? high_[i % x.columns]
                                               : value;
      }
    });
    return x;
  }
  void save(SavedWriter& out) const override {
    out.put("low", low_);
    out.put("high", high_);
  }
  void load(const SavedReader& in) override {
    low_ = stored(in, "low");
    high_ = stored(in, "high", low_.size());
  }

 private:
  ClipOptions options_;
  std::vector<double> low_, high_;
};

struct Log1pOptions {
  static void fields(Fields<Log1pOptions>&) {}
};

class Log1p : public Transform {
 public:
  explicit Log1p(Log1pOptions) {}
  Matrix fit(Matrix x, const Target*, FitContext& context) override {
    return apply(std::move(x), context.pool);
  }
  Matrix apply(Matrix x, ThreadPool&) const override {
    for (double& value : x.is_sparse ? x.sparse.values : x.values) {
      value = std::copysign(std::log1p(std::fabs(value)), value);
    }
    return x;
  }
  void save(SavedWriter&) const override {}
  void load(const SavedReader&) override {}
};

struct BinsOptions {
  int64_t bins = 5;
  std::string by = "quantile";
  bool onehot = false;
  static void fields(Fields<BinsOptions>& f) {
    f.add("bins", &BinsOptions::bins, "how many").range(2, 65536);
    f.add("by", &BinsOptions::by, "quantile: as many rows in each; uniform: equally wide")
        .choices({"quantile", "uniform"});
    f.add("onehot", &BinsOptions::onehot, "a column a bin; else the bin's number");
  }
};

// scikit-learn's KBinsDiscretizer (quantile_method linear). A missing value stays missing; as
// one-hot it is all zeros.
class Bins : public Transform {
 public:
  explicit Bins(BinsOptions options) : options_(std::move(options)) {}

  Matrix fit(Matrix x, const Target*, FitContext& context) override {
    expect_dense(x, "bins", "leave it out of this group");
    std::vector<std::vector<double>> inner(x.columns);
    for_each_column(x, context.pool, [&](uint64_t column, std::vector<double>& values) {
      inner[column] = edges_of(values);
    });
    edges_.clear();
    ends_.clear();
    for (const auto& edges : inner) {
      edges_.insert(edges_.end(), edges.begin(), edges.end());
      ends_.push_back(static_cast<int64_t>(edges_.size()));
    }
    return apply(std::move(x), context.pool);
  }

  Matrix apply(Matrix x, ThreadPool& pool) const override {
    expect_dense(x, "bins", "");
    expect_columns(x, ends_.size(), "bins");
    for_each_stretch(x.rows, pool, [&](uint64_t begin, uint64_t end) {
      for (uint64_t row = begin; row < end; ++row) {
        for (uint64_t column = 0; column < x.columns; ++column) {
          double& value = x.at(row, column);
          if (!std::isnan(value)) {
            const double* from = edges_.data() + first(column);
            const double* to = edges_.data() + ends_[column];
            value = static_cast<double>(std::upper_bound(from, to, value) - from);
          }
        }
      }
    });
    return options_.onehot ? one_hot(x) : x;
  }

  void save(SavedWriter& out) const override {
    out.put("edges", edges_);
    out.put("ends", std::span<const int64_t>(ends_));
  }

  void load(const SavedReader& in) override {
    edges_ = stored(in, "edges");
    const auto ends = in.int64s("ends");
    ends_.assign(ends.begin(), ends.end());
    int64_t last = 0;
    for (const int64_t end : ends_) {
      if (end < last || end > static_cast<int64_t>(edges_.size())) {
        in.fail("'ends' is out of range");
      }
      last = end;
    }
  }

 private:
  size_t first(uint64_t column) const {
    return column == 0 ? 0 : static_cast<size_t>(ends_[column - 1]);
  }
  size_t count(uint64_t column) const {
    return static_cast<size_t>(ends_[column]) - first(column) + 1;
  }

  // Edges between bins, without the outer ones.
  std::vector<double> edges_of(std::vector<double>& values) const {
    std::sort(values.begin(), values.end());
    if (values.empty() || values.front() == values.back()) {
      return {};
    }
    std::vector<double> all;
    const auto bins = static_cast<double>(options_.bins);
    for (int64_t i = 0; i <= options_.bins; ++i) {
      const double share = static_cast<double>(i) / bins;
      const double edge = options_.by == "quantile"
                              ? quantile_of_sorted(values, share)
                              : values.front() + (values.back() - values.front()) * share;
      if (all.empty() || options_.by == "uniform" || edge - all.back() > 1e-8) {
        all.push_back(edge);
      }
    }
    if (all.size() < 3) {
      return {};
    }
    return {all.begin() + 1, all.end() - 1};
  }

  Matrix one_hot(const Matrix& x) const {
    uint64_t width = 0;
    std::vector<uint64_t> offsets;
    std::vector<std::string> names;
    for (uint64_t column = 0; column < x.columns; ++column) {
      offsets.push_back(width);
      width += count(column);
      for (size_t bin = 0; bin < count(column); ++bin) {
        const std::string from =
            bin == 0 ? "" : human_number(edges_[first(column) + bin - 1]) + " <= ";
        const std::string to =
            bin + 1 == count(column) ? "" : " < " + human_number(edges_[first(column) + bin]);
        names.push_back(from + x.name_of(column) + to);
      }
    }
    Matrix out = Matrix::dense(x.rows, width);
    out.names = std::move(names);
    for (uint64_t row = 0; row < x.rows; ++row) {
      for (uint64_t column = 0; column < x.columns; ++column) {
        if (!std::isnan(x.at(row, column))) {
          out.at(row, offsets[column] + static_cast<uint64_t>(x.at(row, column))) = 1;
        }
      }
    }
    return out;
  }

  BinsOptions options_;
  std::vector<double> edges_;  // columns one behind another
  std::vector<int64_t> ends_;
};

}  // namespace

TransformKind clip_kind() {
  return make_transform_kind<Clip, ClipOptions>(
      "clip", "far values held at quantiles of the training rows");
}
TransformKind log1p_kind() {
  return make_transform_kind<Log1p, Log1pOptions>("log1p",
                                                  "log(1 + x), of negative numbers -log(1 - x)");
}
TransformKind bins_kind() {
  return make_transform_kind<Bins, BinsOptions>("bins", "numbers as the bins they fall into");
}

}  // namespace athanor
