// Every kind of model: stored, damaged, read again. Also writes the seeds of fuzz/saved_model_fuzz.cc
// (ATHANOR_WRITE_CORPUS=fuzz/corpus/saved_model).
#include "athanor/base/rng.h"
#include "athanor/classic/models/parity_test_data.h"
#include "athanor/classic/models/saved_bytes.h"

namespace athanor {
namespace {

using namespace classic_test;

struct Seed {
  std::string name;
  std::string kind;
  nlohmann::json options;
  Task task;
  bool sparse = false;
};

std::vector<Seed> seeds() {
  const nlohmann::json none = nlohmann::json::object();
  std::vector<Seed> list = {
      {"svm-many", "svm", none, Task::kClasses},
      {"svm-numbers-sparse", "svm", {{"kernel", "poly"}}, Task::kRegression, true},
      {"svm-anomaly", "svm", {{"nu", 0.2}}, Task::kAnomaly},
      {"linear-svm-numbers", "linear_svm", none, Task::kRegression},
      {"bayes-bernoulli", "naive_bayes", {{"by", "bernoulli"}}, Task::kMultiLabel},
      {"knn-sparse", "knn", {{"metric", "cosine"}, {"weights", "distance"}}, Task::kClasses, true},
      {"knn-tree", "knn", {{"search", "tree"}}, Task::kRegression},
      {"isotonic", "calibrated", {{"of", "logistic"}, {"by", "isotonic"}}, Task::kClasses},
      {"sigmoid-labels", "calibrated", {{"of", "perceptron"}, {"folds", 2}}, Task::kMultiLabel},
      {"dbscan", "dbscan", {{"radius", 0.8}}, Task::kClusters},
      {"kmeans", "kmeans", {{"clusters", 3}}, Task::kClusters},
      {"mixture-anomaly", "gaussian_mixture", {{"components", 2}, {"shape", "diag"}}, Task::kAnomaly},
      {"mixture-tied", "gaussian_mixture", {{"components", 2}, {"shape", "tied"}}, Task::kClusters},
  };
  for (const char* kind : {"constant", "logistic", "linear", "ridge", "lasso", "elastic_net", "perceptron", "sgd", "linear_svm",
                           "naive_bayes", "knn", "svm"}) {
    const auto& tasks = model_kind(kind, "test").tasks;
    list.push_back({kind, kind, none, tasks[0]});
    list.push_back({std::string(kind) + "-other", kind, none, tasks.back()});
  }
  return list;
}

// 40 rows of iris: all its classes, its last column as the number, two labels.
std::string stored(const Seed& seed, const fs::path& dir) {
  const Data iris = data_set("iris");
  std::vector<uint64_t> rows;
  for (uint64_t r = 0; r < 40; ++r) {
    rows.push_back(r * 149 / 39);
  }
  const Matrix x = take_rows(iris.x, rows);
  Target target = take_rows(iris.target, rows);
  target.task = seed.task;
  for (uint64_t r = 0; r < x.rows; ++r) {
    if (seed.task == Task::kRegression) {
      target.values.push_back(x.at(r, 3));
    } else if (seed.task == Task::kMultiLabel) {
      target.marks.insert(target.marks.end(), {static_cast<uint8_t>(target.classes[r] == 0), static_cast<uint8_t>(x.at(r, 0) > 5.5)});
    }
  }
  if (seed.task == Task::kMultiLabel) {
    target.labels.resize(2);
  }
  if (seed.task != Task::kClasses) {
    target.classes.clear();
  }
  const auto model = fitted(seed.kind, seed.options, seed.sparse ? sparse_of(x) : x, target, 1);
  SavedWriter out;
  save_model(*model, seed.kind, seed.options, seed.task, out);
  out.write(dir);
  return stored_bytes(dir);
}

TEST(SavedModels, DamageIsAnErrorOrFiniteNumbers) {
  const auto dir = scratch("saved");
  const char* corpus = std::getenv("ATHANOR_WRITE_CORPUS");
  Rng rng(7);
  for (const auto& seed : seeds()) {
    const std::string whole = stored(seed, dir);
    ASSERT_TRUE(survives_opening(whole, dir)) << seed.name;
    ASSERT_NO_THROW(load_model(SavedReader::open(dir))) << seed.name;
    if (corpus != nullptr) {
      fs::create_directories(corpus);
      write_file_atomic(fs::path(corpus) / seed.name, whole);
    }
    for (int i = 0; i < 40; ++i) {
      std::string bytes = whole;
      const size_t at = rng.below(bytes.size());
      if (i % 4 == 0) {
        bytes.resize(at);
      } else {
        const uint64_t old = static_cast<unsigned char>(bytes[at]);
        bytes[at] = static_cast<char>(i % 4 == 1 ? rng.below(256) : old ^ (uint64_t{1} << rng.below(8)));
      }
      ASSERT_TRUE(survives_opening(bytes, dir)) << seed.name << ", byte " << at;
    }
    // Every number of saved.json in turn as others.
    const size_t end = whole.find('\0');
    for (size_t at = 0; at < end; ++at) {
      if (whole[at] < '0' || whole[at] > '9' || (at > 0 && whole[at - 1] != ':' && whole[at - 1] != '[' && whole[at - 1] != ',')) {
        continue;
      }
      size_t stop = at;
      while (stop < end && whole.find_first_of("0123456789.e+-", stop) == stop) {
        ++stop;
      }
      for (const char* other : {"0", "-1", "3", "4294967296", "1e300", "9223372036854775807", "null", "[]", "\"x\""}) {
        ASSERT_TRUE(survives_opening(whole.substr(0, at) + other + whole.substr(stop), dir)) << seed.name << ", " << other << " at " << at;
      }
    }
  }
  fs::remove_all(dir);
}

}  // namespace
}  // namespace athanor
