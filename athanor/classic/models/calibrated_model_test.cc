// Calibration: its two pieces against scikit-learn's, and the wrapper.
#include "athanor/base/error.h"
#include "athanor/classic/models/calibration.h"
#include "athanor/classic/models/parity_test_data.h"

namespace athanor {
namespace {

using namespace classic_test;

TEST(Calibration, PiecesAreScikitLearns) {
  for (const auto& one : fixture("calibration")) {
    const auto score = flat(one["score"]);
    const auto yes = one["yes"].get<std::vector<uint8_t>>();
    std::vector<double> weights;
    for (size_t i = 0; i < score.size() && one["weighted"].get<bool>(); ++i) {
      weights.push_back(std::vector<double>{0.5, 1, 2}[i % 3]);
    }
    const auto steps = classic::fit_isotonic(score, std::vector<double>(yes.begin(), yes.end()), weights);
    std::vector<double> found;
    for (const double point : flat(one["points"])) {
      found.push_back(steps.at(point));
    }
    expect_near(found, flat(one["isotonic"]), one["name"], 1e-12);
    expect_near(steps.x, flat(one["x"]), one["name"], 1e-12);
    expect_near(steps.y, flat(one["y"]), one["name"], 1e-12);
    // scikit-learn stops its L-BFGS early, so its own loss is the measure: ours is never higher, and no farther below.
    const auto ours = classic::fit_sigmoid(score, yes, weights);
    const classic::Sigmoid peer{one["sigmoid"][0].get<double>(), one["sigmoid"][1].get<double>()};
    for (const double point : flat(one["points"])) {
      EXPECT_NEAR(ours.at(point), peer.at(point), 1e-4) << one["name"];
    }
  }
}

// Mean squared distance of the probability of the true class from 1.
double brier(const Matrix& scores, const Target& target) {
  double sum = 0;
  for (uint64_t r = 0; r < scores.rows; ++r) {
    for (uint64_t k = 0; k < scores.columns; ++k) {
      const double far = scores.at(r, k) - (target.classes[r] == static_cast<int32_t>(k) ? 1 : 0);
      sum += far * far;
    }
  }
  return sum / static_cast<double>(scores.rows);
}

TEST(Calibration, GivesProbabilitiesToAnyModel) {
  for (const char* by : {"sigmoid", "isotonic"}) {
    for (const char* set : {"cancer", "wine", "pima"}) {
      const Data data = data_set(set);
      const nlohmann::json options{{"of", {{"kind", "linear_svm"}, {"c", 0.1}}}, {"by", by}};
      const nlohmann::json bayes{{"of", "naive_bayes"}, {"by", by}};
      const auto model = fitted("calibrated", options, data.x, data.target);
      const auto scores = predicted(*model, data.x);
      for (uint64_t r = 0; r < scores.rows; ++r) {
        double sum = 0;
        for (uint64_t k = 0; k < scores.columns; ++k) {
          ASSERT_GE(scores.at(r, k), 0);
          sum += scores.at(r, k);
        }
        ASSERT_NEAR(sum, 1, 1e-12);
      }
      if (std::string(set) != "pima") {  // whose unscaled columns a linear SVM does not like
        EXPECT_LT(brier(scores, data.target), 0.1) << set;
      } else {
        EXPECT_LT(brier(predicted(*fitted("calibrated", bayes, data.x, data.target), data.x), data.target),
                  brier(predicted(*fitted("naive_bayes", {}, data.x, data.target), data.x), data.target));
      }
      const auto dir = scratch("calibrated");
      EXPECT_EQ(predicted(*reopened(*model, "calibrated", options, Task::kClasses, dir), data.x).values, scores.values);
      fs::remove_all(dir);
    }
  }
}

TEST(Calibration, LabelsAndWhatIsRefused) {
  const Data data = data_set("wine");
  Target marks;
  marks.task = Task::kMultiLabel;
  marks.labels = {"a", "b"};
  for (const int32_t y : data.target.classes) {
    marks.marks.push_back(y == 0 ? 1 : 0);
    marks.marks.push_back(y == 1 ? 1 : 0);
  }
  const auto scores = predicted(*fitted("calibrated", {{"of", "svm"}}, data.x, marks), data.x);
  Matrix missing = data.x;  // trees know what to do with it
  missing.at(0, 0) = NAN;
  EXPECT_GT(predicted(*fitted("calibrated", {{"of", {{"kind", "boosting"}}}}, missing, marks), missing).at(0, 0), 0.5);
  EXPECT_GT(scores.at(0, 0), 0.9);
  EXPECT_LT(scores.at(0, 1), 0.1);
  EXPECT_THROW(make_model("calibrated", {{"of", "kmeans"}}, Task::kClasses, "test"), Error);
  EXPECT_THROW(make_model("calibrated", {{"of", {{"kind", "svm"}, {"cc", 1}}}}, Task::kClasses, "test"), Error);
  EXPECT_THROW(make_model("calibrated", {{"of", "calibrated"}}, Task::kClasses, "test"), Error);
  EXPECT_THROW(make_model("calibrated", {{"of", 3}}, Task::kClasses, "test"), Error);
  EXPECT_THROW(fitted("calibrated", {}, Matrix::dense(3, 1), classes_of({0, 0, 1})), Error);
}

}  // namespace
}  // namespace athanor
