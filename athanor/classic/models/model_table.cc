// The table of classical models. One line a model.
#include "athanor/classic/ensembles/ensemble_kinds.h"
#include "athanor/classic/models/calibrated.h"
#include "athanor/classic/models/constant.h"
#include "athanor/classic/models/dbscan.h"
#include "athanor/classic/models/gaussian_mixture.h"
#include "athanor/classic/models/kmeans.h"
#include "athanor/classic/models/knn.h"
#include "athanor/classic/models/linear.h"
#include "athanor/classic/models/linear_svm.h"
#include "athanor/classic/models/logistic.h"
#include "athanor/classic/models/model.h"
#include "athanor/classic/models/naive_bayes.h"
#include "athanor/classic/models/sgd.h"
#include "athanor/classic/models/svm.h"
#include "athanor/classic/trees/tree_kinds.h"

namespace athanor {

const std::vector<ModelKind>& model_kinds() {
  using namespace classic;
  static const std::vector<Task> kAnswers = {Task::kClasses, Task::kMultiLabel, Task::kRegression};
  static const std::vector<Task> kLabels = {Task::kClasses, Task::kMultiLabel};
  static const std::vector<Task> kNumber = {Task::kRegression};
  // name, what it is, tasks, splits, reads_sparse, options, how it is made
  static const std::vector<ModelKind> kinds = {
      {"constant", "the most frequent class, or the mean: what a model must beat", kAnswers, false, true,
       schema_of<ConstantOptions>(), make_constant},
      {"linear", "least squares", kNumber, false, true, schema_of<LinearOptions>(), make_linear},
      {"ridge", "least squares, large coefficients punished", kNumber, false, true, schema_of<RidgeOptions>(), make_ridge},
      {"lasso", "least squares with few columns", kNumber, false, true, schema_of<LassoOptions>(), make_lasso},
      {"elastic_net", "between ridge and lasso", kNumber, false, true, schema_of<ElasticNetOptions>(), make_elastic_net},
      {"logistic", "logistic regression: probabilities from a linear model", kLabels, false, true,
       schema_of<LogisticOptions>(), make_logistic},
      {"perceptron", "the oldest linear classifier: learns from its mistakes, row by row", kLabels, false, true,
       schema_of<PerceptronOptions>(), make_perceptron},
      {"sgd", "a linear classifier by stochastic gradient descent", kLabels, false, true, schema_of<SgdOptions>(), make_sgd},
      {"linear_svm", "linear support vector machine", kAnswers, false, true, schema_of<LinearSvmOptions>(), make_linear_svm},
      {"svm", "support vector machine with kernels (libsvm)",
       {Task::kClasses, Task::kMultiLabel, Task::kRegression, Task::kAnomaly}, false, true, schema_of<SvmOptions>(), make_svm},
      {"naive_bayes", "features independent within a class", kLabels, false, true, schema_of<NaiveBayesOptions>(),
       make_naive_bayes},
      {"knn", "the nearest rows of the training part answer", kAnswers, false, true, schema_of<KnnOptions>(), make_knn},
      {"calibrated", "another classifier with probabilities that mean what they say", kLabels, false, true,
       schema_of<CalibratedOptions>(), make_calibrated},
      {"kmeans", "clusters around centres", {Task::kClusters}, false, false, schema_of<KmeansOptions>(), make_kmeans},
      {"dbscan", "clusters of any shape, and noise", {Task::kClusters}, false, false, schema_of<DbscanOptions>(), make_dbscan},
      {"gaussian_mixture", "clusters as Gaussians; odd rows where all are thin", {Task::kClusters, Task::kAnomaly}, false, false,
       schema_of<MixtureOptions>(), make_gaussian_mixture},
      decision_tree_kind(),
      forest_kind(),
      extra_trees_kind(),
      boosting_kind(),
      isolation_forest_kind(),
      bagging_kind(),
      adaboost_kind(),
      voting_kind(),
      stacking_kind(),
  };
  return kinds;
}

}  // namespace athanor
