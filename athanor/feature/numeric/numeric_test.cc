#include "athanor/base/rng.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/feature/numeric/columns.h"
#include "athanor/feature/test_fixture.h"
#include "athanor/metric/bootstrap.h"

namespace athanor {
namespace {

TEST(Numeric, AsScikitLearn) {
  const nlohmann::json fixture = read_fixture("transforms.json");
  const size_t train = fixture["train"];
  const fs::path dir = scratch("numeric");
  for (const auto& one : fixture["cases"]) {
    SCOPED_TRACE(one["kind"].get<std::string>() + " " + one["options"].dump() + " " +
                 one["data"].get<std::string>());
    const auto& rows = fixture[one["data"].get<std::string>()];
    const size_t columns = one["columns"];
    ThreadPool pool(2);
    FitContext context{pool};
    auto step = make_transform(one["kind"], one["options"], "test");
    const double tolerance =
        one["options"].value("by", "") == "power" || one["options"].value("by", "") == "boxcox"
            ? 2e-6
            : 1e-6;
    expect_near(step->fit(matrix_of(rows, 0, train, columns), nullptr, context),
                matrix_of(one["fit"]), tolerance);
    const Matrix applied = step->apply(matrix_of(rows, train, SIZE_MAX, columns), pool);
    expect_near(applied, matrix_of(one["apply"]), tolerance);

    auto again = make_transform(one["kind"], one["options"], "test");
    save_and_load(*step, *again, dir);
    ThreadPool alone(1);
    const Matrix reloaded = again->apply(matrix_of(rows, train, SIZE_MAX, columns), alone);
    ASSERT_EQ(reloaded.values.size(), applied.values.size());
    EXPECT_EQ(std::memcmp(reloaded.values.data(), applied.values.data(),
                          applied.values.size() * sizeof(double)),
              0);
    EXPECT_THROW(again->apply(Matrix::dense(3, columns + 1), pool), Error);
  }
}

// Squares of these are infinite, they themselves are not.
TEST(Numeric, LargeFiniteValuesAreScaled) {
  Matrix x = Matrix::dense(4, 3);
  const double column[] = {1e308, -1e308, 5e307, 3};
  for (uint64_t r = 0; r < 4; ++r) {
    x.at(r, 0) = column[r];
    x.at(r, 1) = column[r] / 1e308;
    x.at(r, 2) = 1e308;
  }
  ThreadPool pool(1);
  FitContext context{pool};
  const Matrix scaled = make_transform("scale", {{"by", "zscore"}}, "")->fit(std::move(x), nullptr, context);
  for (uint64_t r = 0; r < 4; ++r) {
    EXPECT_NEAR(scaled.at(r, 0), scaled.at(r, 1), 1e-12);
    EXPECT_NEAR(scaled.at(r, 2), 0, 1e-12);
  }
}

// Like the density of wine: the best power is about -40, where all values are one number to the last bits, and what is left
// of their differences is rounding (columns to -13858). scikit-learn 1.9 gives 0.
TEST(Numeric, APowerThatMakesAllValuesOneGivesZeroAndSaysSo) {
  Matrix x = Matrix::dense(500, 1);
  Rng rng(1);
  for (uint64_t r = 0; r < x.rows; ++r) {
    x.at(r, 0) = 0.9967 * std::exp(0.0018 * rng.normal() + 0.0006 * std::pow(rng.normal(), 2)) * 40;
  }
  ThreadPool pool(1);
  std::vector<std::string> warnings;
  FitContext context{.pool = pool, .warn = [&](const std::string& what) { warnings.push_back(what); }};
  const auto scale = make_transform("scale", {{"by", "power"}}, "");
  const Matrix scaled = scale->fit(x, nullptr, context);
  for (const double value : scaled.values) {
    EXPECT_NEAR(value, 0, 1e-6);
  }
  Matrix far = Matrix::dense(1, 1);
  far.at(0, 0) = 37;
  EXPECT_NEAR(scale->apply(far, pool).at(0, 0), 0, 1e-3);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("which makes all its values the same"), std::string::npos) << warnings[0];
}

TEST(Numeric, SparseRowsStaySparse) {
  SparseRows rows;
  rows.offsets = {0, 2, 2, 3};
  rows.indices = {0, 3, 0};
  rows.values = {-4, 2, 1};
  ThreadPool pool(1);
  FitContext context{pool};
  const Matrix scaled = make_transform("scale", {{"by", "maxabs"}}, "")
                            ->fit(Matrix::from_sparse(rows, 5), nullptr, context);
  EXPECT_TRUE(scaled.is_sparse);
  EXPECT_EQ(scaled.sparse.values, (std::vector<double>{-1, 1, 0.25}));
  const Matrix unit = make_transform("scale", {{"by", "l2"}}, "")
                          ->fit(Matrix::from_sparse(rows, 5), nullptr, context);
  EXPECT_NEAR(unit.sparse.values[0], -4 / std::sqrt(20), 1e-15);
  for (const char* kind : {"impute", "clip", "bins", "polynomial"}) {
    EXPECT_THROW(make_transform(kind, nlohmann::json::object(), "")
                     ->fit(Matrix::from_sparse(rows, 5), nullptr, context),
                 Error)
        << kind;
  }
  const Error error = error_of([&] {
    make_transform("scale", {{"by", "zscore"}}, "")
        ->fit(Matrix::from_sparse(rows, 5), nullptr, context);
  });
  EXPECT_NE(error.hint().find("maxabs"), std::string::npos);
}

TEST(Numeric, ColumnsWithoutValuesAndRowsWithout) {
  const double nan = std::nan("");
  ThreadPool pool(2);
  FitContext context{pool};
  for (const char* by : {"mean", "median", "mode", "knn", "model"}) {
    Matrix x = Matrix::dense(4, 2);
    x.values = {nan, 1, nan, 2, nan, nan, nan, 4};
    const Matrix out = make_transform("impute", {{"by", by}}, "")->fit(x, nullptr, context);
    for (const double value : out.values) {
      EXPECT_TRUE(std::isfinite(value)) << by;
    }
  }
  for (const char* by :
       {"zscore", "minmax", "robust", "maxabs", "quantile", "power", "boxcox", "l1", "l2", "max"}) {
    Matrix x = Matrix::dense(3, 3);
    x.values = {nan, 5, 1, nan, 5, nan, nan, 5, 3};
    const Matrix out = make_transform("scale", {{"by", by}}, "")->fit(x, nullptr, context);
    for (uint64_t row = 0; row < 3; ++row) {
      EXPECT_TRUE(std::isnan(out.at(row, 0))) << by;  // missing stays missing
      EXPECT_TRUE(std::isfinite(out.at(row, 1))) << by;
    }
  }
  EXPECT_THROW(
      make_transform("scale", {{"by", "boxcox"}}, "")->fit(Matrix::dense(3, 1), nullptr, context),
      Error);
}

TEST(Numeric, OptionsAreChecked) {
  EXPECT_EQ(error_of([] { make_transform("skale", nlohmann::json::object(), "fit"); }).hint(),
            "did you mean 'scale'?");
  EXPECT_THROW(make_transform("scale", {{"by", "zscor"}}, "fit"), Error);
  EXPECT_THROW(make_transform("scale", {{"by", "minmax"}, {"low", 1}, {"high", 1}}, "fit"), Error);
  EXPECT_THROW(make_transform("clip", {{"from_quantile", 0.9}, {"to_quantile", 0.1}}, "fit"),
               Error);
  EXPECT_THROW(make_transform("impute", {{"neighbors", 0}}, "fit"), Error);
}

TEST(Numeric, ClipAndLog) {
  ThreadPool pool(1);
  FitContext context{pool};
  Matrix x = Matrix::dense(101, 1);
  for (uint64_t i = 0; i <= 100; ++i) {
    x.at(i, 0) = static_cast<double>(i);
  }
  auto clip = make_transform("clip", {{"from_quantile", 0.05}, {"to_quantile", 0.9}}, "");
  clip->fit(x, nullptr, context);
  Matrix far = Matrix::dense(3, 1);
  far.values = {-1e9, 50, 1e9};
  EXPECT_EQ(clip->apply(far, pool).values, (std::vector<double>{5, 50, 90}));
  const Matrix logs =
      make_transform("log1p", nlohmann::json::object(), "")->fit(far, nullptr, context);
  EXPECT_DOUBLE_EQ(logs.at(0, 0), -std::log1p(1e9));
}

TEST(Numeric, NormalQuantile) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
  EXPECT_NEAR(normal_quantile(1e-12), -7.034483825301131, 1e-12);
  EXPECT_EQ(normal_quantile(0.5), 0);
}

}  // namespace
}  // namespace athanor
