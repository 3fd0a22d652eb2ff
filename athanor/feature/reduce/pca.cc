// Principal components: scikit-learn's PCA (exact and randomised) and IncrementalPCA (Ross et al.
// 2008).
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/feature/kinds.h"
#include "athanor/feature/numeric/columns.h"
#include "athanor/feature/reduce/decompose.h"
#include "athanor/feature/select/scores.h"

namespace athanor {

namespace {

constexpr uint64_t kExactUpTo = 1500;  // rows or columns, whichever are fewer

struct PcaOptions {
  double components = 0;
  std::string solver = "auto";
  bool whiten = false;
  int64_t iterations = 7;
  int64_t batch_rows = 0;
  static void fields(Fields<PcaOptions>& f) {
    f.add("components", &PcaOptions::components,
          "how many; below 1: as many as explain this share of the variance; 0: all")
        .range(0, 1e6);
    f.add("solver", &PcaOptions::solver,
          "exact; randomized: the first ones of wide tables; incremental: a stretch of rows at a "
          "time")
        .choices({"auto", "exact", "randomized", "incremental"});
    f.add("whiten", &PcaOptions::whiten, "each component to deviation 1");
    f.add("iterations", &PcaOptions::iterations, "randomized: more bring it nearer to exact")
        .range(0, 1000);
    f.add("batch_rows", &PcaOptions::batch_rows,
          "incremental: rows at a time; 0: five times the columns")
        .range(0, 1e9);
  }
};

class Pca : public Transform {
 public:
  explicit Pca(PcaOptions options) : options_(std::move(options)) {
    if (options_.components >= 1 && options_.components != std::floor(options_.components)) {
      throw Error(ErrorKind::kUsage, "components is a whole number, or a share below 1",
                  "pca.components");
    }
  }

  Matrix fit(Matrix x, const Target*, FitContext& context) override {
    expect_no_gaps(x, "pca");
    if (x.rows < 2 || x.columns == 0) {
      throw Error(ErrorKind::kInput, "pca needs at least two rows and one feature");
    }
    x = to_dense(x);
    const uint64_t most = std::min(x.rows, x.columns);
    const uint64_t wanted =
        options_.components < 1 ? most : std::min(most, static_cast<uint64_t>(options_.components));
    if (options_.components >= 1 && wanted < static_cast<uint64_t>(options_.components)) {
      context.warn("pca: " + std::to_string(wanted) + " components are all there are");
    }
    const bool randomized =
        options_.solver == "randomized" || (options_.solver == "auto" && most > kExactUpTo &&
                                            options_.components >= 1 && wanted < most * 8 / 10);
    total_variance_ = 0;
    if (options_.solver == "incremental") {
      fit_incremental(x, wanted);
    } else {
      fit_whole(x, wanted, randomized, context);
    }
    keep(options_.components > 0 && options_.components < 1 ? explaining(options_.components)
                                                            : wanted);
    columns_ = x.columns;
    return apply(std::move(x), context.pool);
  }

  Matrix apply(Matrix x, ThreadPool& pool) const override {
    expect_columns(x, columns_, "pca");
    Matrix out = project(x, center_, axes_, pool);
    for (Eigen::Index i = 0; i < axes_.rows(); ++i) {
      out.names.push_back("component " + std::to_string(i + 1));
    }
    if (!options_.whiten) {
      return out;
    }
    for (uint64_t row = 0; row < out.rows; ++row) {
      for (uint64_t i = 0; i < out.columns; ++i) {
        const double variance = variances_[static_cast<Eigen::Index>(i)];
        out.at(row, i) /= std::sqrt(variance > 0 ? variance : 1);
      }
    }
    return out;
  }

  void save(SavedWriter& out) const override {
    out.json()["columns"] = columns_;
    out.json()["total_variance"] = total_variance_;
    out.put("center", std::span<const double>(center_.data(), static_cast<size_t>(center_.size())));
    out.put("variances",
            std::span<const double>(variances_.data(), static_cast<size_t>(variances_.size())));
    save_matrix(out, "axes", axes_);
  }

  void load(const SavedReader& in) override {
    columns_ = in.get<uint64_t>("columns");
    total_variance_ = in.get<double>("total_variance");
    axes_ = load_matrix(in, "axes", columns_);
    const auto center = in.doubles("center", columns_);
    const auto variances = in.doubles("variances", static_cast<size_t>(axes_.rows()));
    center_ = Eigen::Map<const Eigen::RowVectorXd>(center.data(),
                                                   static_cast<Eigen::Index>(center.size()));
    variances_ = Eigen::Map<const Eigen::VectorXd>(variances.data(),
                                                   static_cast<Eigen::Index>(variances.size()));
  }

 private:
  static Eigen::Map<const RowMajor> view(const Matrix& x, uint64_t begin, uint64_t end) {
    return {x.row(begin), static_cast<Eigen::Index>(end - begin),
            static_cast<Eigen::Index>(x.columns)};
  }

  void fit_whole(const Matrix& x, uint64_t wanted, bool randomized, FitContext& context) {
    center_ = view(x, 0, x.rows).colwise().mean();
    RowMajor centred = view(x, 0, x.rows);
    centred.rowwise() -= center_;
    total_variance_ = centred.squaredNorm() / static_cast<double>(x.rows - 1);
    const Decomposition found =
        randomized ? random_svd(map_of(x, center_, context.pool), wanted, options_.iterations,
                                context.seed, context.progress)
                   : exact_svd(std::move(centred));
    axes_ = found.axes;
    variances_ = found.values.array().square() / static_cast<double>(x.rows - 1);
  }

  // The rows so far stand as components times singular values, with one row for the shift of the
  // mean.
  void fit_incremental(const Matrix& x, uint64_t wanted) {
    const auto d = static_cast<Eigen::Index>(x.columns);
    const uint64_t batch = std::max<uint64_t>(
        options_.batch_rows > 0 ? static_cast<uint64_t>(options_.batch_rows) : 5 * x.columns,
        wanted);
    Eigen::VectorXd values;
    double seen = 0;
    for (uint64_t begin = 0; begin < x.rows;) {
      uint64_t end = std::min(x.rows, begin + batch);
      end = x.rows - end < wanted ? x.rows
                                  : end;  // the last batch has at least as many rows as components
      const auto rows = view(x, begin, end);
      const auto n = static_cast<double>(end - begin);
      const Eigen::RowVectorXd mean = rows.colwise().mean();
      const Eigen::Index before = values.size();
      RowMajor stacked(before + rows.rows() + (before > 0 ? 1 : 0), d);
      if (before > 0) {
        stacked.topRows(before) = values.asDiagonal() * axes_;
        stacked.bottomRows(1) = std::sqrt(seen / (seen + n) * n) * (center_ - mean);
      }
      stacked.middleRows(before, rows.rows()) = rows.rowwise() - mean;
      center_ = before > 0 ? Eigen::RowVectorXd((center_ * seen + mean * n) / (seen + n)) : mean;
      const Decomposition found = exact_svd(std::move(stacked));
      const Eigen::Index kept = std::min(static_cast<Eigen::Index>(wanted), found.values.size());
      values = found.values.head(kept);
      axes_ = found.axes.topRows(kept);
      seen += n;
      begin = end;
    }
    variances_ = values.array().square() / (seen - 1);
    total_variance_ = 0;
    for (uint64_t row = 0; row < x.rows; ++row) {
      total_variance_ += (view(x, row, row + 1) - center_).squaredNorm() / (seen - 1);
    }
  }

  uint64_t explaining(double share) const {
    double sum = 0;
    uint64_t count = 0;
    while (count < static_cast<uint64_t>(variances_.size()) &&
           (count == 0 || sum <= share * total_variance_)) {
      sum += variances_[static_cast<Eigen::Index>(count++)];
    }
    return count;
  }

  void keep(uint64_t count) {
    const Eigen::Index kept = std::min(static_cast<Eigen::Index>(count), axes_.rows());
    axes_ = RowMajor(axes_.topRows(kept));
    variances_ = Eigen::VectorXd(variances_.head(kept));
  }

  PcaOptions options_;
  uint64_t columns_ = 0;
  Eigen::RowVectorXd center_;
  RowMajor axes_;
  Eigen::VectorXd variances_;
  double total_variance_ = 0;
};

struct SvdOptions {
  int64_t components = 100;
  int64_t iterations = 7;
  static void fields(Fields<SvdOptions>& f) {
    f.add("components", &SvdOptions::components, "how many").range(1, 1e5);
    f.add("iterations", &SvdOptions::iterations, "more bring them nearer to exact").range(0, 1000);
  }
};

// scikit-learn's TruncatedSVD: no mean is subtracted, so sparse rows stay sparse (latent semantic
// analysis).
class TruncatedSvd : public Transform {
 public:
  explicit TruncatedSvd(SvdOptions options) : options_(options) {}

  Matrix fit(Matrix x, const Target*, FitContext& context) override {
    expect_no_gaps(x, "truncated_svd");
    if (x.rows == 0 || x.columns == 0) {
      throw Error(ErrorKind::kInput, "truncated_svd needs rows and features");
    }
    const auto wanted = static_cast<uint64_t>(options_.components);
    if (std::min(x.rows, x.columns) < wanted) {
      context.warn("truncated_svd: " + std::to_string(std::min(x.rows, x.columns)) +
                   " components are all there are");
    }
    columns_ = x.columns;
    axes_ = random_svd(map_of(x, {}, context.pool), wanted, options_.iterations, context.seed,
                       context.progress)
                .axes;
    return apply(std::move(x), context.pool);
  }

  Matrix apply(Matrix x, ThreadPool& pool) const override {
    expect_columns(x, columns_, "truncated_svd");
    Matrix out = project(x, {}, axes_, pool);
    for (Eigen::Index i = 0; i < axes_.rows(); ++i) {
      out.names.push_back("component " + std::to_string(i + 1));
    }
    return out;
  }

  void save(SavedWriter& out) const override {
    out.json()["columns"] = columns_;
    save_matrix(out, "axes", axes_);
  }
  void load(const SavedReader& in) override {
    columns_ = in.get<uint64_t>("columns");
    axes_ = load_matrix(in, "axes", columns_);
  }

 private:
  SvdOptions options_;
  uint64_t columns_ = 0;
  RowMajor axes_;
};

}  // namespace

TransformKind pca_kind() {
  return make_transform_kind<Pca, PcaOptions>(
      "pca", "principal components: the directions in which the rows differ most");
}
TransformKind truncated_svd_kind() {
  return make_transform_kind<TruncatedSvd, SvdOptions>(
      "truncated_svd",
      "the largest singular directions; for sparse features, such as those of texts");
}

}  // namespace athanor
