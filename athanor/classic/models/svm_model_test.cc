// Support vector machines, the perceptron and SGD against scikit-learn.
#include "athanor/base/error.h"
#include "athanor/classic/models/parity_test_data.h"

namespace athanor {
namespace {

using namespace classic_test;

TEST(SvmModels, EqualScikitLearn) {
  for (const auto& one : fixture("machines")) {
    SCOPED_TRACE(one["name"].get<std::string>());
    expect_case(one);
    if (one.contains("supports")) {
      const Data data = data_set(one["data"]);
      EXPECT_EQ(fitted("svm", one["options"], data.x, data.target)->description({})["support_vectors"], one["supports"]);
    }
  }
}

TEST(SgdModels, EqualScikitLearnInTheSameOrder) {
  for (const auto& one : fixture("online")) {
    SCOPED_TRACE(one["name"].get<std::string>());
    expect_case(one);
  }
}

TEST(SgdModels, TheSeedDecidesTheOrder) {
  const Data data = data_set("wine");
  for (const char* kind : {"perceptron", "sgd", "linear_svm"}) {
    const auto one = predicted(*fitted(kind, {}, data.x, data.target, 1), data.x);
    EXPECT_EQ(one.values, predicted(*fitted(kind, {}, data.x, data.target, 3), data.x).values) << kind;
    size_t right = 0;
    for (size_t r = 0; r < data.x.rows; ++r) {
      right += std::max_element(one.row(r), one.row(r) + 3) - one.row(r) == data.target.classes[r] ? 1 : 0;
    }
    EXPECT_GE(right, 170u) << kind;
  }
}

TEST(SvmModels, WeightsOfClassesButNotOfRows) {
  Data data = data_set("cancer");
  for (const int32_t y : data.target.classes) {
    data.target.weights.push_back(y == 1 ? 5 : 0.5);
  }
  const auto heavy = predicted(*fitted("svm", {}, data.x, data.target), data.x);
  const auto plain = predicted(*fitted("svm", {}, data.x, data_set("cancer").target), data.x);
  size_t more = 0;
  for (size_t r = 0; r < data.x.rows; ++r) {
    more += heavy.at(r, 1) > plain.at(r, 1) ? 1 : 0;
  }
  EXPECT_GT(more, data.x.rows / 2);
  data.target.weights[0] *= 2;
  EXPECT_THROW(fitted("svm", {}, data.x, data.target), Error);
  try {
    fitted("svm", {{"by", "nu"}, {"nu", 0.999}}, data_set("cancer").x, data_set("cancer").target);
    FAIL();
  } catch (const Error& error) {  // 2 * 117 / 240
    EXPECT_NE(std::string(error.what()).find("classes of 117 and 123 rows allow at most 0.975"), std::string::npos) << error.what();
  }
}

TEST(SvmModels, LittleMemoryGivesTheSameMachine) {  // rows are left aside, and kernel rows computed again
  Data data = data_set("pima");
  for (const Task task : {Task::kClasses, Task::kRegression, Task::kAnomaly}) {
    Target target = data.target;
    target.task = task;
    if (task == Task::kRegression) {
      target.values.assign(target.classes.begin(), target.classes.end());
    }
    nlohmann::json options{{"cache_mb", 1}, {"tolerance", 1e-9}, {"c", 3}};
    const auto small = predicted(*fitted("svm", options, data.x, target), data.x);
    options["cache_mb"] = 200;
    const auto large = predicted(*fitted("svm", options, data.x, target), data.x);
    expect_near(small.values, large.values, name_of(task), 1e-6);
  }
}

TEST(SvmModels, TheSameBytesForAnyNumberOfThreads) {
  const Data data = data_set("wine");
  const auto one = predicted(*fitted("svm", {}, data.x, data.target, 1), data.x);
  for (const int threads : {2, 8}) {
    EXPECT_EQ(predicted(*fitted("svm", {}, data.x, data.target, threads), data.x).values, one.values);
  }
}

// A tolerance below what rounding leaves: ten million steps of few rows.
TEST(SvmModels, TellsWhenItStoppedTooEarly) {
  Data data = data_set("pima");
  std::vector<uint64_t> few;
  for (uint64_t r = 0; r < 24; ++r) {
    few.push_back(r * (data.x.rows - 1) / 23);
  }
  const Matrix x = take_rows(data.x, few);
  for (const Task task : {Task::kClasses, Task::kRegression}) {
    for (const char* by : {"margin", "nu"}) {
      Target target = take_rows(data.target, few);
      target.task = task;
      if (task == Task::kRegression) {
        target.values.assign(target.classes.begin(), target.classes.end());
        target.classes.clear();
      }
      nlohmann::json options{{"by", by}, {"kernel", "linear"}, {"c", 1e6}, {"nu", 0.3}, {"tolerance", 1e-14}};
      std::vector<std::string> warnings;
      fitted("svm", options, x, target, 1, &warnings);
      ASSERT_EQ(warnings.size(), 1u) << by << " " << name_of(task);
      EXPECT_NE(warnings[0].find("tolerance"), std::string::npos) << by;
      warnings.clear();
      options.merge_patch({{"c", 1}, {"tolerance", 1e-3}, {"kernel", "rbf"}});
      fitted("svm", options, x, target, 1, &warnings);
      EXPECT_TRUE(warnings.empty()) << by << ": " << warnings[0];
    }
  }
}

TEST(SvmModels, CanBeStopped) {
  const Data data = data_set("pima");
  ThreadPool pool(1);
  FitContext context{pool, 1};
  context.progress = [](double) { throw Error(ErrorKind::kInterrupted, "stopped"); };
  auto model = make_model("svm", {{"c", 1e6}, {"kernel", "linear"}}, Task::kClasses, "test");
  EXPECT_THROW(model->fit(data.x, data.target, context), Error);
}

}  // namespace
}  // namespace athanor
