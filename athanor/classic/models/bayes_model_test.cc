// Naive Bayes and nearest neighbours against scikit-learn.
#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/models/neighbour_tree.h"
#include "athanor/classic/models/parity_test_data.h"

namespace athanor {
namespace {

using namespace classic_test;

void expect_group(const std::string& group) {
  for (const auto& one : fixture(group)) {
    SCOPED_TRACE(one["name"].get<std::string>());
    expect_case(one);
  }
}

TEST(BayesModels, EqualScikitLearn) { expect_group("bayes"); }
TEST(NeighbourModels, EqualScikitLearn) { expect_group("neighbours"); }

TEST(BayesModels, CountsAreNotNegative) {
  const Data data = data_set("wine");
  EXPECT_THROW(fitted("naive_bayes", {{"by", "multinomial"}}, data.x, data.target), Error);
}

TEST(BayesModels, AConstantTableStillHasVariance) {
  Matrix x = Matrix::dense(6, 2);
  const auto model = fitted("naive_bayes", {}, x, classes_of({0, 0, 1, 1, 1, 1}));
  EXPECT_NEAR(predicted(*model, x).at(0, 1), 4.0 / 6, 1e-12);
}

TEST(NeighbourModels, TheTreeFindsWhatAllRowsGive) {
  Matrix x = Matrix::dense(3000, 3);
  Rng rng(5);
  std::vector<double> y;
  for (double& value : x.values) {
    value = static_cast<double>(rng.below(12));  // many equal distances
  }
  for (uint64_t r = 0; r < x.rows; ++r) {
    y.push_back(rng.uniform());
  }
  for (const char* metric : {"euclidean", "manhattan"}) {
    const nlohmann::json tree{{"search", "tree"}, {"metric", metric}, {"neighbours", 7}};
    const nlohmann::json brute{{"search", "brute"}, {"metric", metric}, {"neighbours", 7}};
    EXPECT_EQ(predicted(*fitted("knn", tree, x, numbers_of(y)), x).values,
              predicted(*fitted("knn", brute, x, numbers_of(y)), x).values);
    EXPECT_EQ(predicted(*fitted("knn", brute, sparse_of(x), numbers_of(y)), sparse_of(x)).values,
              predicted(*fitted("knn", brute, x, numbers_of(y)), x).values);
  }
}

TEST(NeighbourModels, MoreNeighboursThanRows) {
  std::vector<std::string> warnings;
  const auto model = fitted("knn", {{"neighbours", 10}}, Matrix::dense(3, 1), numbers_of({1, 2, 6}), 2, &warnings);
  EXPECT_EQ(warnings.size(), 1u);
  EXPECT_EQ(predicted(*model, Matrix::dense(1, 1)).values[0], 3);
}

TEST(NeighbourModels, LabelsAreShares) {
  Target marks;
  marks.task = Task::kMultiLabel;
  marks.labels = {"a", "b"};
  marks.marks = {1, 0, 1, 1, 0, 1, 0, 0};
  const auto model = fitted("knn", {{"neighbours", 2}}, Matrix::dense(4, 1), marks);
  EXPECT_EQ(predicted(*model, Matrix::dense(1, 1)).values, (std::vector<double>{1, 0.5}));
}

}  // namespace
}  // namespace athanor
