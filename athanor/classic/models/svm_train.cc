#include "athanor/classic/models/svm_train.h"

#include <exception>
#include <map>

#if __has_include(<libsvm/svm.h>)
#include <libsvm/svm.h>
#else
#include <svm.h>
#endif

#include "athanor/base/error.h"

namespace athanor::classic {

namespace {

// libsvm prints a dot now and then: nothing is printed, but a fit can be stopped there. A thread fits one at a time.
thread_local const std::function<void(double)>* current_progress = nullptr;

void on_print(const char*) {
  if (current_progress != nullptr) {
    (*current_progress)(0.5);
  }
}

struct ProgressScope {
  explicit ProgressScope(const std::function<void(double)>& progress) { current_progress = &progress; }
  ~ProgressScope() { current_progress = nullptr; }
};

int kernel_number(const std::string& name) {
  return name == "linear" ? LINEAR : (name == "poly" ? POLY : (name == "rbf" ? RBF : SIGMOID));
}

int machine_number(const SvmOptions& options, Task task) {
  if (task == Task::kAnomaly) {
    return ONE_CLASS;
  }
  const bool nu = options.by == "nu";
  return task == Task::kRegression ? (nu ? NU_SVR : EPSILON_SVR) : (nu ? NU_SVC : C_SVC);
}

struct ModelDeleter {
  void operator()(svm_model* model) const { svm_free_and_destroy_model(&model); }
};

}  // namespace

SvmFit svm_fit(const SvmOptions& options, double gamma, const Matrix& x, std::span<const int32_t> classes,
               std::span<const double> values, std::span<const double> class_weights, Task task,
               const std::function<void(double)>& progress) {
  if (x.rows > INT32_MAX || x.columns > INT32_MAX - 1) {
    throw Error(ErrorKind::kResource, "too many rows or columns for libsvm", "", "take linear_svm");
  }
  std::vector<svm_node> nodes;
  std::vector<size_t> begin;
  for (uint64_t r = 0; r < x.rows; ++r) {
    begin.push_back(nodes.size());
    x.for_each_in_row(r, [&](uint32_t column, double value) {
      if (value != 0) {
        nodes.push_back({static_cast<int>(column) + 1, value});
      }
    });
    nodes.push_back({-1, 0});
  }
  std::vector<svm_node*> rows;
  std::vector<double> y(x.rows, 1.0);
  for (uint64_t r = 0; r < x.rows; ++r) {
    rows.push_back(nodes.data() + begin[r]);
    y[r] = !classes.empty() ? classes[r] : (!values.empty() ? values[r] : 1.0);
  }
  std::vector<int> labels;
  std::vector<double> weights(class_weights.begin(), class_weights.end());
  for (size_t k = 0; k < weights.size(); ++k) {
    labels.push_back(static_cast<int>(k));
  }
  svm_problem problem{static_cast<int>(x.rows), y.data(), rows.data()};
  svm_parameter parameter{};
  parameter.svm_type = machine_number(options, task);
  parameter.kernel_type = kernel_number(options.kernel);
  parameter.degree = static_cast<int>(options.degree);
  parameter.gamma = gamma;
  parameter.coef0 = options.coef0;
  parameter.cache_size = static_cast<double>(options.cache_mb);
  parameter.eps = options.tolerance;
  parameter.C = options.c;
  parameter.nr_weight = static_cast<int>(weights.size());
  parameter.weight_label = labels.data();
  parameter.weight = weights.data();
  parameter.nu = options.nu;
  parameter.p = options.epsilon;
  parameter.shrinking = options.shrinking ? 1 : 0;
  if (const char* wrong = svm_check_parameter(&problem, &parameter)) {
    throw Error(ErrorKind::kUsage, std::string("libsvm: ") + wrong, "svm",
                options.by == "nu" ? "give a smaller nu: classes of unlike size allow less" : "change the option");
  }
  static const bool quiet = [] {
    svm_set_print_string_function(on_print);
    return true;
  }();
  (void)quiet;
  const ProgressScope scope(progress);
  std::unique_ptr<svm_model, ModelDeleter> model;
  try {
    model.reset(svm_train(&problem, &parameter));
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kResource, "no memory for the support vectors", "svm", "fit on fewer rows, or take linear_svm");
  }
  SvmFit fit;
  const auto count = static_cast<size_t>(model->l);
  for (size_t i = 0; i < count; ++i) {
    fit.supports.push_back(static_cast<uint64_t>(model->sv_indices[i] - 1));
  }
  const auto sides = static_cast<size_t>(model->nr_class - 1);
  for (size_t side = 0; side < sides; ++side) {
    fit.coefficients.insert(fit.coefficients.end(), model->sv_coef[side], model->sv_coef[side] + count);
  }
  fit.offsets.assign(model->rho, model->rho + sides * (sides + 1) / 2);
  for (int k = 0; !classes.empty() && k < model->nr_class; ++k) {
    fit.class_supports.push_back(model->nSV[k]);
  }
  return fit;
}

}  // namespace athanor::classic
