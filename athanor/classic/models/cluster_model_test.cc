// Clusters against scikit-learn from the same start.
#include "athanor/base/error.h"
#include "athanor/classic/models/gaussian_mixture.h"
#include "athanor/classic/models/kmeans.h"
#include "athanor/classic/models/parity_test_data.h"

namespace athanor {
namespace {

using namespace classic_test;

Target without_truth(Task task = Task::kClusters) {
  Target target;
  target.task = task;
  return target;
}

TEST(ClusterModels, KmeansFromTheSameStartIsScikitLearns) {
  for (const auto& one : fixture("groups")) {
    if (one["kind"] != "kmeans") {
      continue;
    }
    const Data data = data_set(one["data"]);
    std::vector<double> centres;
    for (const uint64_t row : one["start"].get<std::vector<uint64_t>>()) {
      centres.insert(centres.end(), data.x.row(row), data.x.row(row) + data.x.columns);
    }
    ThreadPool pool(2);
    FitContext context{pool, 1};
    const auto found = classic::kmeans_from(data.x, {}, centres, {}, context);
    EXPECT_NEAR(found.inertia, one["inertia"].get<double>(), 1e-9 * found.inertia) << one["name"];
    EXPECT_EQ(found.iterations, one["iterations"].get<int64_t>()) << one["name"];
    EXPECT_EQ(found.labels, one["labels"].get<std::vector<int32_t>>()) << one["name"];
    expect_near(found.centres, flat(one["centres"]), one["name"]);
  }
}

TEST(ClusterModels, KmeansFindsTheDigits) {
  const Data data = data_set("digits");
  const nlohmann::json options{{"clusters", 10}};
  const auto model = fitted("kmeans", options, data.x, without_truth(), 1);
  const auto scores = predicted(*model, data.x);
  EXPECT_EQ(predicted(*fitted("kmeans", options, data.x, without_truth(), 3), data.x).values, scores.values);
  for (const auto& one : fixture("groups")) {
    if (one["name"] == "kmeans digits") {  // from three starts of our own not worse than from rows 0, 25, ...
      EXPECT_LT(model->description({})["inertia"].get<double>(), one["inertia"].get<double>() * 1.02);
    }
  }
  for (uint64_t r = 0; r < data.x.rows; ++r) {
    const double* row = scores.row(r);
    ASSERT_EQ(row[0], static_cast<double>(std::min_element(row + 1, row + 11) - row - 1));
  }
  const auto dir = scratch("kmeans");
  EXPECT_EQ(predicted(*reopened(*model, "kmeans", options, Task::kClusters, dir), data.x).values, scores.values);
  fs::remove_all(dir);
  EXPECT_THROW(fitted("kmeans", {{"clusters", 300}}, data.x, without_truth()), Error);
  std::vector<std::string> warnings;
  fitted("kmeans", {{"clusters", 3}}, Matrix::dense(10, 2), without_truth(), 1, &warnings);
  EXPECT_EQ(warnings.size(), 1u);
}

TEST(ClusterModels, DbscanIsScikitLearns) {
  for (const auto& one : fixture("groups")) {
    if (one["kind"] != "dbscan") {
      continue;
    }
    const Data data = data_set(one["data"]);
    const auto model = fitted("dbscan", one["options"], data.x, without_truth());
    EXPECT_EQ(predicted(*model, data.x).values, flat(one["labels"])) << one["name"];
    const auto dir = scratch("dbscan");
    EXPECT_EQ(predicted(*reopened(*model, "dbscan", one["options"], Task::kClusters, dir), data.x).values, flat(one["labels"]));
    fs::remove_all(dir);
  }
  std::vector<std::string> warnings;
  const Data iris = data_set("iris");
  const auto noise = predicted(*fitted("dbscan", {{"radius", 1e-6}}, iris.x, without_truth(), 1, &warnings), iris.x);
  EXPECT_EQ(noise.values, std::vector<double>(iris.x.rows, -1.0));
  EXPECT_EQ(warnings.size(), 1u);
}

TEST(ClusterModels, MixtureFromTheSameStartIsScikitLearns) {
  for (const auto& one : fixture("groups")) {
    if (one["kind"] != "gaussian_mixture") {
      continue;
    }
    const Data data = data_set(one["data"]);
    std::vector<double> share(data.x.rows * 3, 0.0);
    for (uint64_t r = 0; r < data.x.rows; ++r) {
      share[r * 3 + static_cast<size_t>(data.target.classes[r])] = 1;
    }
    classic::MixtureOptions options;
    options.components = 3;
    options.shape = one["shape"].get<std::string>();
    options.tolerance = 1e-6;
    options.max_iterations = 500;
    ThreadPool pool(2);
    FitContext context{pool, 1};
    const auto found = classic::mixture_from(data.x, share, options, context);
    EXPECT_EQ(found.iterations, one["iterations"].get<int64_t>()) << one["name"];
    EXPECT_NEAR(found.bound, one["bound"].get<double>(), 1e-8 * std::fabs(found.bound)) << one["name"];
    expect_near(found.weights, flat(one["weights"]), one["name"]);
    expect_near(found.means, flat(one["means"]), one["name"]);
    std::vector<double> responsibilities;
    std::vector<double> log_likelihood;
    for (const uint64_t row : one["rows"].get<std::vector<uint64_t>>()) {
      std::vector<double> joint(3);
      found.log_joint(data.x.row(row), joint.data());
      double all = 0;
      for (const double value : joint) {
        all += std::exp(value);
      }
      log_likelihood.push_back(std::log(all));
      for (const double value : joint) {
        responsibilities.push_back(std::exp(value) / all);
      }
    }
    expect_near(responsibilities, flat(one["responsibilities"]), one["name"]);
    expect_near(log_likelihood, flat(one["log_likelihood"]), one["name"]);
  }
}

TEST(ClusterModels, MixtureAsClustersAndAsAnomalies) {
  const Data data = data_set("wine");
  for (const char* shape : {"full", "tied", "diag", "spherical"}) {
    const nlohmann::json options{{"components", 3}, {"shape", shape}, {"contamination", 0.05}};
    for (const Task task : {Task::kClusters, Task::kAnomaly}) {
      const auto model = fitted("gaussian_mixture", options, data.x, without_truth(task), 1);
      const auto scores = predicted(*model, data.x);
      EXPECT_EQ(predicted(*fitted("gaussian_mixture", options, data.x, without_truth(task), 3), data.x).values, scores.values);
      const auto dir = scratch("mixture");
      const auto copy = reopened(*model, "gaussian_mixture", options, task, dir);
      EXPECT_EQ(predicted(*copy, data.x).values, scores.values);
      EXPECT_EQ(copy->threshold(), model->threshold());
      fs::remove_all(dir);
      if (task == Task::kAnomaly) {
        const auto odd = std::count_if(scores.values.begin(), scores.values.end(), [&](double v) { return v > model->threshold(); });
        EXPECT_NEAR(static_cast<double>(odd), 0.05 * 178, 1.5);
      }
    }
  }
  EXPECT_THROW(fitted("gaussian_mixture", {{"added", 0}}, Matrix::dense(10, 2), without_truth()), Error);
}

}  // namespace
}  // namespace athanor
