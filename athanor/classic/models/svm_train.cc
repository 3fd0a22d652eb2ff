#include "athanor/classic/models/svm_train.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <numeric>
#include <string_view>
#include <thread>

#if __has_include(<libsvm/svm.h>)
#include <libsvm/svm.h>
#else
#include <svm.h>
#endif

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/classic/models/smo.h"

namespace athanor::classic {

namespace {

constexpr char kTooFew[] =
    "svm: ten million steps did not reach the tolerance; give a larger tolerance, scale the features, or lower c";

// What libsvm says while it fits: nothing is printed, but a fit can be stopped there, and the line that ends each of its
// problems tells the steps (a dot now and then says that it lives). A thread fits one at a time.
struct Watch {
  const std::function<void(double)>& progress;
  std::vector<size_t> sizes;  // of its problems, in their order: variables
  size_t ended = 0;
  bool ran_out = false;  // a problem took as many steps as libsvm allows
};
thread_local Watch* current_watch = nullptr;

void on_print(const char* said) {
  if (current_watch == nullptr) {
    return;
  }
  constexpr std::string_view kEnd = "#iter = ";
  const char* steps = std::strstr(said, kEnd.data());
  if (steps != nullptr && current_watch->ended < current_watch->sizes.size()) {
    const auto most = std::max<size_t>(10'000'000, current_watch->sizes[current_watch->ended++] * 100);
    current_watch->ran_out |= std::strtoull(steps + kEnd.size(), nullptr, 10) >= most;
  }
  current_watch->progress(0.5);
}

struct WatchScope {
  explicit WatchScope(Watch& watch) { current_watch = &watch; }
  ~WatchScope() { current_watch = nullptr; }
};

int kernel_number(const std::string& name) {
  return name == "linear" ? LINEAR : (name == "poly" ? POLY : (name == "rbf" ? RBF : SIGMOID));
}

struct ModelDeleter {
  void operator()(svm_model* model) const { svm_free_and_destroy_model(&model); }
};

// Variables of each problem that libsvm solves: two a row for numbers, the rows of each pair of classes.
std::vector<size_t> problem_sizes(size_t rows, std::span<const int32_t> classes) {
  std::vector<size_t> counts;
  for (const int32_t k : classes) {
    counts.resize(std::max(counts.size(), static_cast<size_t>(k) + 1), 0);
    ++counts[static_cast<size_t>(k)];
  }
  std::vector<size_t> sizes;
  for (size_t a = 0; a < counts.size(); ++a) {
    for (size_t b = a + 1; b < counts.size(); ++b) {
      sizes.push_back(counts[a] + counts[b]);
    }
  }
  return classes.empty() ? std::vector<size_t>{2 * rows} : sizes;
}

// nu is at most twice the smaller class's share of each pair: Error(kUsage) that says how much.
void check_nu(double nu, std::span<const int32_t> classes) {
  std::vector<size_t> counts;
  for (const int32_t k : classes) {
    counts.resize(std::max(counts.size(), static_cast<size_t>(k) + 1), 0);
    ++counts[static_cast<size_t>(k)];
  }
  std::erase(counts, 0U);
  if (counts.size() < 2) {
    return;
  }
  const auto [fewest, most] = std::minmax_element(counts.begin(), counts.end());
  const double allowed = 2 * static_cast<double>(*fewest) / static_cast<double>(*fewest + *most);
  if (nu > allowed) {
    throw Error(ErrorKind::kUsage,
                "nu is " + human_number(nu) + ", but classes of " + std::to_string(*fewest) + " and " + std::to_string(*most) +
                    " rows allow at most " + human_number(allowed, 3),
                "nu", "give a smaller nu, or take by: margin");
  }
}

// nu machines: libsvm's.
SvmFit libsvm_fit(const SvmOptions& options, double gamma, const Matrix& x, std::span<const int32_t> classes,
                  std::span<const double> values, Task task, FitContext& context) {
  if (x.rows > INT32_MAX || x.columns > INT32_MAX - 1) {
    throw Error(ErrorKind::kResource, "too many rows or columns for libsvm", "", "take linear_svm");
  }
  check_nu(options.nu, classes);
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
  svm_problem problem{static_cast<int>(x.rows), y.data(), rows.data()};
  svm_parameter parameter{};
  parameter.svm_type = task == Task::kRegression ? NU_SVR : NU_SVC;
  parameter.kernel_type = kernel_number(options.kernel);
  parameter.degree = static_cast<int>(options.degree);
  parameter.gamma = gamma;
  parameter.coef0 = options.coef0;
  parameter.cache_size = static_cast<double>(options.cache_mb);
  parameter.eps = options.tolerance;
  parameter.C = options.c;
  parameter.nu = options.nu;
  parameter.p = options.epsilon;
  parameter.shrinking = options.shrinking ? 1 : 0;
  if (const char* wrong = svm_check_parameter(&problem, &parameter)) {
    throw Error(ErrorKind::kUsage, std::string("libsvm: ") + wrong, "svm",
                "");
  }
  static const bool quiet = [] {
    svm_set_print_string_function(on_print);
    return true;
  }();
  (void)quiet;
  Watch watch{context.progress, problem_sizes(x.rows, classes)};
  const WatchScope scope(watch);
  std::unique_ptr<svm_model, ModelDeleter> model;
  try {
    model.reset(svm_train(&problem, &parameter));
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kResource, "no memory for the support vectors", "svm", "fit on fewer rows, or take linear_svm");
  }
  if (watch.ran_out) {
    context.warn(kTooFew);
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

void keep_supports(const std::vector<uint8_t>& is_support, SvmFit& fit) {
  for (size_t r = 0; r < is_support.size(); ++r) {
    if (is_support[r] != 0) {
      fit.supports.push_back(r);
    }
  }
}

// Each class against each other, laid out as libsvm does.
SvmFit fit_pairs(const SvmOptions& options, double gamma, const Matrix& x, std::span<const int32_t> classes,
                 std::span<const double> class_weights, FitContext& context) {
  const size_t num_classes = class_weights.size();
  std::vector<uint64_t> begin(num_classes + 1, 0);
  for (const int32_t k : classes) {
    ++begin[static_cast<size_t>(k) + 1];
  }
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t a = 0; a < num_classes; ++a) {
    for (size_t b = a + 1; b < num_classes; ++b) {
      pairs.emplace_back(a, b);
    }
  }
  std::vector<SmoResult> found(pairs.size());
  const auto caller = std::this_thread::get_id();
  context.pool.parallel_for(pairs.size(), [&](size_t i) {
    const auto [a, b] = pairs[i];
    std::vector<uint64_t> rows(begin[a + 1] - begin[a] + begin[b + 1] - begin[b]);
    const auto of_a = static_cast<ptrdiff_t>(begin[a + 1] - begin[a]);
    std::iota(rows.begin(), rows.begin() + of_a, begin[a]);
    std::iota(rows.begin() + of_a, rows.end(), begin[b]);
    const Matrix points = rows.size() == x.rows ? Matrix{} : take_rows(x, rows);
    SmoProblem problem{rows.size() == x.rows ? x : points, 1, std::vector<double>(rows.size(), 0.0),
                       std::vector<double>(rows.size(), 1.0), std::vector<double>(rows.size(), 0.0),
                       std::vector<double>(rows.size(), 0.0)};
    std::fill(problem.linear.begin(), problem.linear.begin() + of_a, -1.0);
    std::fill(problem.upper.begin(), problem.upper.begin() + of_a, options.c * class_weights[a]);
    std::fill(problem.lower.begin() + of_a, problem.lower.end(), -options.c * class_weights[b]);
    found[i] = solve_smo(std::move(problem), options, gamma, [&, i](double done) {
      if (std::this_thread::get_id() == caller) {
        context.progress((static_cast<double>(i) + done) / static_cast<double>(pairs.size()));
      }
    });
  });
  SvmFit fit;
  std::vector<uint8_t> is_support(x.rows, 0);
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto [a, b] = pairs[i];
    const uint64_t of_a = begin[a + 1] - begin[a];
    for (size_t r = 0; r < found[i].values.size(); ++r) {
      is_support[r < of_a ? begin[a] + r : begin[b] + r - of_a] |= found[i].values[r] != 0 ? 1 : 0;
    }
    fit.offsets.push_back(found[i].offset);
  }
  if (!std::all_of(found.begin(), found.end(), [](const SmoResult& one) { return one.converged; })) {
    context.warn(kTooFew);
  }
  keep_supports(is_support, fit);
  fit.class_supports.assign(num_classes, 0);
  const size_t count = fit.supports.size();
  fit.coefficients.assign((num_classes - 1) * count, 0.0);
  for (size_t s = 0; s < count; ++s) {
    const uint64_t row = fit.supports[s];
    const auto own = static_cast<size_t>(classes[row]);
    ++fit.class_supports[own];
    for (size_t i = 0; i < pairs.size(); ++i) {
      const auto [a, b] = pairs[i];
      if (own == a) {
        fit.coefficients[(b - 1) * count + s] = found[i].values[row - begin[a]];
      } else if (own == b) {
        fit.coefficients[a * count + s] = found[i].values[begin[a + 1] - begin[a] + row - begin[b]];
      }
    }
  }
  return fit;
}

// Numbers, or anomaly: one machine.
SvmFit fit_one(const SvmOptions& options, double gamma, const Matrix& x, std::span<const double> values, Task task,
               FitContext& context) {
  const size_t n = x.rows;
  SmoProblem problem{x, 1, std::vector<double>(n, 0.0), std::vector<double>(n, 0.0), std::vector<double>(n, 0.0),
                     std::vector<double>(n, 1.0)};
  if (task == Task::kAnomaly) {
    double left = options.nu * static_cast<double>(n);
    for (size_t r = 0; r < n && left > 0; ++r, left -= 1) {
      problem.start[r] = std::min(left, 1.0);
    }
  } else {
    problem.copies = 2;
    problem.start.resize(2 * n, 0.0);
    problem.linear.resize(2 * n);
    problem.lower.resize(2 * n, -options.c);
    problem.upper.assign(2 * n, options.c);
    for (size_t r = 0; r < n; ++r) {
      problem.linear[r] = options.epsilon - values[r];
      problem.linear[n + r] = -options.epsilon - values[r];
      problem.upper[n + r] = 0;
    }
  }
  const SmoResult found = solve_smo(std::move(problem), options, gamma, context.progress);
  if (!found.converged) {
    context.warn(kTooFew);
  }
  SvmFit fit;
  std::vector<uint8_t> is_support(n);
  for (size_t r = 0; r < n; ++r) {
    is_support[r] = found.values[r] != 0 ? 1 : 0;
  }
  keep_supports(is_support, fit);
  for (const uint64_t row : fit.supports) {
    fit.coefficients.push_back(found.values[row]);
  }
  fit.offsets = {found.offset};
  return fit;
}

}  // namespace

SvmFit svm_fit(const SvmOptions& options, double gamma, const Matrix& x, std::span<const int32_t> classes,
               std::span<const double> values, std::span<const double> class_weights, Task task, FitContext& context) {
  if (task != Task::kAnomaly && options.by == "nu") {
    return libsvm_fit(options, gamma, x, classes, values, task, context);
  }
  if (x.rows >= UINT32_MAX) {
    throw Error(ErrorKind::kResource, "too many rows for svm", "", "take linear_svm");
  }
  return task == Task::kClasses ? fit_pairs(options, gamma, x, classes, class_weights, context)
                                : fit_one(options, gamma, x, values, task, context);
}

}  // namespace athanor::classic
