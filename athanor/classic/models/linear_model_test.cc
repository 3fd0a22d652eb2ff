// Linear models and logistic regression against scikit-learn, and what they refuse.
#include "athanor/base/error.h"
#include "athanor/base/rng.h"
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

TEST(LinearModels, EqualScikitLearn) { expect_group("linear"); }
TEST(LogisticModels, EqualScikitLearn) { expect_group("logistic"); }

TEST(ConstantModel, SaysTheSharesAndTheMean) {
  const Data iris = data_set("iris", true);
  const auto shares = predicted(*fitted("constant", {}, iris.x, iris.target), iris.x);
  expect_near({shares.values.begin(), shares.values.begin() + 3}, {57.5 / 174.5 * 174.5 / 175, 58.5 / 175, 59.0 / 175}, "shares", 0.02);
  const Data diabetes = data_set("diabetes");
  EXPECT_NEAR(predicted(*fitted("constant", {}, diabetes.x, diabetes.target), diabetes.x).values[0], 152.13348416289594, 1e-9);
  EXPECT_EQ(predicted(*fitted("constant", {{"by", "median"}}, diabetes.x, diabetes.target), diabetes.x).values[0], 140.5);
  EXPECT_THROW(make_model("constant", {{"by", "median"}}, Task::kClasses, "test"), Error);
}

TEST(LinearModels, TheSameBytesForAnyNumberOfThreads) {
  for (const char* kind : {"linear", "ridge", "lasso", "elastic_net"}) {
    const Data data = data_set("diabetes");
    EXPECT_EQ(predicted(*fitted(kind, {}, data.x, data.target, 1), data.x).values,
              predicted(*fitted(kind, {}, data.x, data.target, 3), data.x).values)
        << kind;
  }
  for (const double l1 : {0.0, 0.5}) {
    const Data data = data_set("digits");
    EXPECT_EQ(predicted(*fitted("logistic", {{"l1", l1}, {"tolerance", 1e-4}}, data.x, data.target, 1), data.x).values,
              predicted(*fitted("logistic", {{"l1", l1}, {"tolerance", 1e-4}}, data.x, data.target, 3), data.x).values);
  }
}

TEST(LinearModels, AConstantColumnSaysNothing) {
  Data data = data_set("diabetes");
  Matrix wider = Matrix::dense(data.x.rows, data.x.columns + 1);
  for (uint64_t r = 0; r < wider.rows; ++r) {
    std::copy(data.x.row(r), data.x.row(r) + data.x.columns, wider.row(r));
    wider.at(r, data.x.columns) = 1234567.1;
  }
  for (const char* kind : {"linear", "ridge", "lasso", "elastic_net"}) {
    const nlohmann::json tight{{"tolerance", 1e-12}};
    const nlohmann::json options = std::string(kind) == "lasso" || std::string(kind) == "elastic_net" ? tight : nlohmann::json::object();
    expect_near(predicted(*fitted(kind, options, wider, data.target), wider).values,
                predicted(*fitted(kind, options, data.x, data.target), data.x).values, kind);
  }
}

TEST(LinearModels, AWeightIsAsManyRows) {
  const Data data = data_set("pima");
  std::vector<uint64_t> twice;
  Target weighted = data.target;
  for (uint64_t r = 0; r < data.x.rows; ++r) {
    const uint64_t copies = r % 3;
    weighted.weights.push_back(static_cast<double>(copies));
    twice.insert(twice.end(), copies, r);
  }
  const nlohmann::json options{{"tolerance", 1e-11}};
  expect_near(predicted(*fitted("logistic", options, data.x, weighted), data.x).values,
              predicted(*fitted("logistic", options, take_rows(data.x, twice), take_rows(data.target, twice)), data.x).values, "logistic");
}

TEST(LogisticModels, LabelsAreAskedOneByOne) {
  Data data = data_set("wine");
  Target marks;
  marks.task = Task::kMultiLabel;
  marks.labels = {"first", "not second", "never", "always"};
  for (uint64_t r = 0; r < data.x.rows; ++r) {
    const int32_t y = data.target.classes[r];
    for (const bool mark : {y == 0, y != 1, false, true}) {
      marks.marks.push_back(mark ? 1 : 0);
    }
  }
  std::vector<std::string> warnings;
  const auto model = fitted("logistic", {}, data.x, marks, 2, &warnings);
  EXPECT_EQ(warnings.size(), 2u);
  const Matrix scores = predicted(*model, data.x);
  Target binary = classes_of(data.target.classes);
  binary.labels = {"no", "yes"};
  for (auto& value : binary.classes) {
    value = value == 0 ? 1 : 0;
  }
  const Matrix alone = predicted(*fitted("logistic", {}, data.x, binary), data.x);
  for (uint64_t r = 0; r < data.x.rows; ++r) {
    ASSERT_EQ(scores.at(r, 0), alone.at(r, 1));
    ASSERT_EQ(scores.at(r, 2), 0);
    ASSERT_EQ(scores.at(r, 3), 1);
  }
  const auto dir = scratch("labels");
  EXPECT_EQ(predicted(*reopened(*model, "logistic", {}, Task::kMultiLabel, dir), data.x).values, scores.values);
  fs::remove_all(dir);
}

TEST(LogisticModels, AClassWithoutRowsGetsNothing) {
  Data data = data_set("iris");
  data.target.labels.insert(data.target.labels.begin() + 1, "absent");
  for (auto& value : data.target.classes) {
    value += value > 0 ? 1 : 0;
  }
  const Matrix scores = predicted(*fitted("logistic", {}, data.x, data.target), data.x);
  for (uint64_t r = 0; r < data.x.rows; ++r) {
    ASSERT_EQ(scores.at(r, 1), 0);
    ASSERT_NEAR(scores.at(r, 0) + scores.at(r, 2) + scores.at(r, 3), 1, 1e-12);
  }
  for (auto& value : data.target.classes) {
    value = 2;
  }
  std::vector<std::string> warnings;
  const Matrix sure = predicted(*fitted("logistic", {}, data.x, data.target, 2, &warnings), data.x);
  EXPECT_EQ(warnings.size(), 1u);
  EXPECT_EQ(sure.at(0, 2), 1);
  EXPECT_EQ(sure.at(0, 0), 0);
}

TEST(LogisticModels, AMillionSparseColumns) {
  constexpr uint64_t kColumns = 1000000;
  SparseRows sparse;
  std::vector<int32_t> classes;
  Rng rng(3);
  for (uint64_t r = 0; r < 3000; ++r) {
    const bool yes = r % 2 == 0;
    std::vector<uint32_t> columns{yes ? 7u : 9u};
    for (int i = 0; i < 20; ++i) {
      columns.push_back(static_cast<uint32_t>(10 + rng.below(kColumns - 10)));
    }
    std::sort(columns.begin(), columns.end());
    columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
    sparse.indices.insert(sparse.indices.end(), columns.begin(), columns.end());
    sparse.values.insert(sparse.values.end(), columns.size(), 1.0);
    sparse.offsets.push_back(sparse.indices.size());
    classes.push_back(yes ? 1 : 0);
  }
  const Matrix x = Matrix::from_sparse(std::move(sparse), kColumns);
  for (const double l1 : {0.0, 1.0}) {
    const auto model = fitted("logistic", {{"l1", l1}}, x, classes_of(classes));
    const Matrix scores = predicted(*model, x);
    for (uint64_t r = 0; r < x.rows; ++r) {
      ASSERT_GT(scores.at(r, static_cast<uint64_t>(classes[r])), 0.9);
    }
    EXPECT_LE(model->description({}).dump().size(), 10000u);
  }
}

std::string message_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    return std::string(name_of(error.kind())) + ": " + error.message() + "; " + error.hint();
  }
  return "nothing was wrong";
}

TEST(LinearModels, BadInputIsNamed) {
  for (const char* kind : {"linear", "logistic", "lasso"}) {
    Data data = data_set(std::string(kind) == "logistic" ? "iris" : "diabetes");
    data.x.names.assign(data.x.columns, "some");
    data.x.names[2] = "height";
    auto with = [&](double value) {
      Matrix x = data.x;
      x.at(5, 2) = value;
      return message_of([&] { fitted(kind, {}, x, data.target); });
    };
    EXPECT_NE(with(NAN).find("input: 'height' has a missing value (row 5); impute"), std::string::npos) << with(NAN);
    EXPECT_NE(with(INFINITY).find("'height' has an infinite value"), std::string::npos);
    Target none = data.target;
    none.weights.assign(data.x.rows, 0.0);
    EXPECT_NE(message_of([&] { fitted(kind, {}, data.x, none); }).find("every row has weight 0"), std::string::npos);
    none.weights[3] = -1;
    EXPECT_NE(message_of([&] { fitted(kind, {}, data.x, none); }).find("the weight of row 3 is negative"), std::string::npos);
    none.weights.resize(2);
    EXPECT_NE(message_of([&] { fitted(kind, {}, data.x, none); }).find("2 weights"), std::string::npos);
    Target empty;
    empty.task = data.target.task;
    EXPECT_NE(message_of([&] { fitted(kind, {}, Matrix::dense(0, 3), empty); }).find("nothing to learn from"), std::string::npos);
    const auto model = fitted(kind, {}, data.x, data.target);
    EXPECT_NE(message_of([&] { predicted(*model, Matrix::dense(2, 2)); }).find("the rows have 2"), std::string::npos);
    Matrix missing = data.x;
    missing.at(1, 2) = NAN;
    EXPECT_NE(message_of([&] { predicted(*model, missing); }).find("'height' has a missing value"), std::string::npos);
    Matrix huge = data.x;
    std::fill(huge.values.begin(), huge.values.end(), 1e308);
    EXPECT_NE(message_of([&] { predicted(*model, huge); }).find("not a finite number"), std::string::npos) << kind;
  }
  Target target = numbers_of({1, 2, NAN});
  EXPECT_NE(message_of([&] { fitted("ridge", {}, Matrix::dense(3, 1), target); }).find("the target of row 2 is missing"), std::string::npos);
}

TEST(LinearModels, TellsWhenItStoppedTooEarly) {
  const Data data = data_set("diabetes");
  const Data classes = data_set("cancer");
  const std::vector<std::tuple<const char*, nlohmann::json, bool, const char*>> early{
      {"logistic", {{"max_iterations", 1}}, true, "max_iterations"},
      {"logistic", {{"max_iterations", 1}, {"l1", 0.5}}, true, "max_iterations"},
      {"lasso", {{"max_iterations", 1}, {"alpha", 1e-3}, {"tolerance", 1e-12}}, false, "max_iterations"},
      {"elastic_net", {{"max_iterations", 1}, {"alpha", 1e-3}, {"tolerance", 1e-12}}, false, "max_iterations"},
      {"linear_svm", {{"max_iterations", 1}}, true, "max_iterations"},
      {"linear_svm", {{"max_iterations", 1}, {"loss", "hinge"}}, true, "max_iterations"},
      {"linear_svm", {{"max_iterations", 1}, {"loss", "hinge"}}, false, "max_iterations"},
      {"perceptron", {{"epochs", 2}}, true, "epochs"},
      {"sgd", {{"epochs", 2}}, true, "epochs"},
      {"kmeans", {{"max_iterations", 1}}, true, "max_iterations"},
      {"gaussian_mixture", {{"max_iterations", 1}, {"components", 3}}, true, "max_iterations"}};
  for (const auto& [kind, options, of_classes, field] : early) {
    const bool groups = std::string(kind) == "kmeans" || std::string(kind) == "gaussian_mixture";
    const Task task = groups ? Task::kClusters : (of_classes ? Task::kClasses : Task::kRegression);
    ThreadPool pool(2);
    FitContext context{pool, 1};
    std::string said;
    context.warn = [&](const std::string& warning) { said += warning; };
    const Data& rows = of_classes ? classes : data;
    Target target = rows.target;
    if (groups) {
      target = {};
      target.task = task;
    }
    make_model(kind, options, task, "test")->fit(rows.x, target, context);
    EXPECT_NE(said.find(field), std::string::npos) << kind << ": " << said;
    EXPECT_NE(said.find("give more"), std::string::npos) << kind << ": " << said;
  }
}

// Sparse and wide: conjugate gradients, which columns of very unlike size keep from their end.
TEST(LinearModels, TellsWhenConjugateGradientsDidNotEnd) {
  Rng rng(5);
  SparseRows rows;
  std::vector<double> y;
  for (uint32_t r = 0; r < 4000; ++r) {
    for (uint32_t c = r % 300; c < 2600; c += 300 + r % 53) {
      rows.indices.push_back(c);
      rows.values.push_back(rng.normal() * std::pow(10.0, static_cast<double>(c % 13) - 6));
    }
    rows.offsets.push_back(rows.indices.size());
    y.push_back(rng.normal());
  }
  const Matrix x = Matrix::from_sparse(rows, 2600);
  std::vector<std::string> warnings;
  fitted("ridge", {{"alpha", 1e-9}}, x, numbers_of(y), 2, &warnings);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("scale the features"), std::string::npos);
  warnings.clear();
  fitted("ridge", {{"alpha", 1e8}}, x, numbers_of(y), 2, &warnings);
  EXPECT_TRUE(warnings.empty()) << warnings[0];
}

// scikit-learn's solver with its rule to stop: the same short-of-the-optimum answer, not only the same optimum.
TEST(LogisticModels, LbfgsStopsWhereScikitLearnStops) {
  const auto cases = fixture("lbfgs")["cases"];
  ASSERT_EQ(cases.size(), 6u);
  for (const auto& one : cases) {
    const auto values = one["x"].get<std::vector<std::vector<double>>>();
    Matrix x = Matrix::dense(values.size(), values[0].size());
    Target target;
    target.classes = one["y"].get<std::vector<int32_t>>();
    for (int k = 0; k < one["classes"].get<int>(); ++k) {
      target.labels.push_back(std::to_string(k));
    }
    for (size_t r = 0; r < x.rows; ++r) {
      std::copy(values[r].begin(), values[r].end(), x.row(r));
    }
    const auto ask = [&](const char* solver, double tolerance, const Matrix& rows) {
      return predicted(*fitted("logistic", {{"solver", solver}, {"tolerance", tolerance}, {"c", 10}}, rows, target), x).values;
    };
    std::vector<double> expected;
    for (const auto& row : one["probabilities"]) {
      expected.insert(expected.end(), row.begin(), row.end());
    }
    const auto found = ask("lbfgs", one["tolerance"], x);
    const auto best = ask("newton", 1e-9, x);
    double far = 0, short_of_best = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      far = std::max(far, std::fabs(found[i] - expected[i]));
      short_of_best = std::max(short_of_best, std::fabs(found[i] - best[i]));
    }
    EXPECT_LT(far, 1e-8) << one["classes"] << " classes, tolerance " << one["tolerance"];
    EXPECT_GT(short_of_best, 10 * far);
    expect_near(ask("lbfgs", 1e-10, x), best, "the optimum", 1e-5);
    expect_near(ask("lbfgs", one["tolerance"], sparse_of(x)), found, "sparse", 1e-8);
  }
  EXPECT_NE(message_of([] { make_model("logistic", {{"solver", "lbfgs"}, {"l1", 0.5}}, Task::kClasses, "m"); }).find("solver"),
            std::string::npos);
}

}  // namespace
}  // namespace athanor
