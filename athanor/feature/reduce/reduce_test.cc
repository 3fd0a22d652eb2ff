#include "athanor/base/rng.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/feature/test_fixture.h"

namespace athanor {
namespace {

TEST(Reduce, AsScikitLearn) {
  const nlohmann::json fixture = read_fixture("selection.json");
  const size_t train = fixture["train"];
  const fs::path dir = scratch("reduce");
  for (const auto& one : fixture["cases"]) {
    SCOPED_TRACE(one["kind"].get<std::string>() + " " + one["options"].dump() + " " +
                 one["data"].get<std::string>());
    const auto& rows = fixture[one["data"].get<std::string>()];
    ThreadPool pool(2), alone(1);
    FitContext context{pool, 5};
    auto step = make_transform(one["kind"], one["options"], "test");
    const Matrix fitted = step->fit(matrix_of(rows, 0, train), nullptr, context);
    const Matrix applied = step->apply(matrix_of(rows, train), pool);
    expect_near(applied, matrix_of(one["apply"]));

    FitContext single{alone, 5};
    auto other = make_transform(one["kind"], one["options"], "test");
    EXPECT_EQ(other->fit(matrix_of(rows, 0, train), nullptr, single).values,
              fitted.values);  // any number of threads
    auto again = make_transform(one["kind"], one["options"], "test");
    save_and_load(*step, *again, dir);
    EXPECT_EQ(again->apply(matrix_of(rows, train), alone).values, applied.values);
  }
}

TEST(Reduce, SparseRowsAsDense) {
  SparseRows rows;
  Rng rng(3);
  for (int row = 0; row < 300; ++row) {
    for (uint32_t column = 0; column < 400; ++column) {
      if (rng.uniform() < 0.03) {
        rows.indices.push_back(column);
        rows.values.push_back(rng.normal() + (column < 5 ? 10 : 0));
      }
    }
    rows.offsets.push_back(rows.indices.size());
  }
  const Matrix sparse = Matrix::from_sparse(rows, 400), dense = to_dense(sparse);
  ThreadPool pool(2);
  FitContext context{pool};
  const nlohmann::json options{{"components", 4}, {"iterations", 60}};
  const Matrix a = make_transform("truncated_svd", options, "")->fit(sparse, nullptr, context);
  const Matrix b = make_transform("truncated_svd", options, "")->fit(dense, nullptr, context);
  expect_near(a, b, 1e-9);
}

TEST(Reduce, FewRowsAndColumns) {
  ThreadPool pool(1);
  FitContext context{pool};
  std::vector<std::string> warnings;
  context.warn = [&](const std::string& warning) { warnings.push_back(warning); };
  Matrix x = Matrix::dense(3, 2);
  x.values = {1, 1, 2, 2, 3, 3};
  const Matrix out =
      make_transform("pca", {{"components", 10}, {"whiten", true}}, "")->fit(x, nullptr, context);
  EXPECT_EQ(out.columns, 2u);
  EXPECT_EQ(warnings.size(), 1u);
  for (const double value : out.values) {
    EXPECT_TRUE(std::isfinite(value));
  }
  EXPECT_EQ(
      make_transform("truncated_svd", {{"components", 10}}, "")->fit(x, nullptr, context).columns,
      2u);
  EXPECT_THROW(make_transform("pca", nlohmann::json::object(), "")
                   ->fit(Matrix::dense(1, 2), nullptr, context),
               Error);
  EXPECT_THROW(make_transform("pca", {{"components", 2.5}}, ""), Error);
  x.at(0, 0) = std::nan("");
  EXPECT_THROW(make_transform("pca", nlohmann::json::object(), "")->fit(x, nullptr, context),
               Error);
}

}  // namespace
}  // namespace athanor
