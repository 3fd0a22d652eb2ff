#include "athanor/classic/models/svm.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/class_core.h"
#include "athanor/classic/models/reference_rows.h"
#include "athanor/classic/models/smo.h"
#include "athanor/classic/models/svm_train.h"

namespace athanor::classic {

namespace {

double resolved_gamma(const SvmOptions& options, const Matrix& x) {
  if (options.gamma > 0) {
    return options.gamma;
  }
  const double count = static_cast<double>(x.rows) * static_cast<double>(x.columns);
  double sum = 0;
  for (uint64_t r = 0; r < x.rows; ++r) {
    x.for_each_in_row(r, [&](uint32_t, double value) { sum += value; });
  }
  const double mean = sum / count;
  double square = 0;
  double stored = 0;
  for (uint64_t r = 0; r < x.rows; ++r) {
    x.for_each_in_row(r, [&](uint32_t, double value) {
      square += (value - mean) * (value - mean);
      ++stored;
    });
  }
  const double variance = (square + (count - stored) * mean * mean) / count;
  const double gamma = variance > 0 ? 1 / (static_cast<double>(x.columns) * variance) : 1;
  if (!std::isfinite(gamma)) {
    throw Error(ErrorKind::kInput, "gamma is not a finite number", "svm", "scale the features, or give gamma");
  }
  return gamma;
}

// Support vectors with what they add: decision values of a pair of classes, or of the one machine.
struct Machine {
  SvmOptions options;
  double gamma = 1;
  ReferenceRows supports;
  std::vector<double> coefficients;
  std::vector<double> offsets;
  std::vector<int64_t> class_supports;

  void take(const SvmFit& fit, const Matrix& x) {
    supports = ReferenceRows(take_rows(x, fit.supports));
    coefficients = fit.coefficients;
    offsets = fit.offsets;
    class_supports = fit.class_supports;
    check_result(coefficients, "a coefficient");
    check_result(offsets, "an offset");
  }

  double kernel(double measured) const { return kernel_of(options, gamma, measured); }

  // work(row, kernel values of all supports) for every row of x.
  template <class Work>
  void for_each_row(const Matrix& x, ThreadPool& pool, const Work& work) const {
    const Metric metric = metric_of(options);
    for_pieces(pool, x.rows, 64, [&](size_t, size_t begin, size_t end) {
      std::vector<double> measured(ReferenceRows::kQueries * supports.stride());
      for (size_t r = begin; r < end; r += ReferenceRows::kQueries) {
        const size_t num = std::min(ReferenceRows::kQueries, end - r);
        supports.measure(metric, x, r, num, measured.data());
        for (size_t q = 0; q < num; ++q) {
          double* values = measured.data() + q * supports.stride();
          for (size_t i = 0; i < supports.count(); ++i) {
            values[i] = kernel(values[i]);
          }
          work(r + q, values);
        }
      }
    });
  }

  void save(SavedWriter& out) const {
    out.json()["gamma"] = gamma;
    supports.save(out.part("supports"));
    out.put("coefficients", std::span<const double>(coefficients));
    out.put("offsets", std::span<const double>(offsets));
    out.put("class_supports", std::span<const int64_t>(class_supports));
  }
  void load(const SavedReader& in, size_t columns, size_t classes) {
    gamma = in.get<double>("gamma");
    if (!std::isfinite(gamma)) {
      in.fail("gamma is not finite");
    }
    supports.load(in.part("supports"), columns);
    const size_t sides = classes == 0 ? 1 : classes - 1;
    coefficients = read_finite(in, "coefficients",
                               checked_product(in, static_cast<int64_t>(sides), static_cast<int64_t>(supports.count())));
    offsets = read_finite(in, "offsets", sides * (sides + 1) / 2);
    const auto counts = in.int64s("class_supports", classes);
    class_supports.assign(counts.begin(), counts.end());
    int64_t left = static_cast<int64_t>(supports.count());
    for (const int64_t count : counts) {
      if (count < 0 || count > left) {
        in.fail("the classes have more support vectors than there are");
      }
      left -= count;
    }
    if (classes > 0 && left != 0) {
      in.fail("some support vectors belong to no class");
    }
  }
  nlohmann::json description() const {
    nlohmann::json json{{"kernel", options.kernel}, {"gamma", gamma}, {"support_vectors", supports.count()}};
    if (!class_supports.empty()) {
      json["support_vectors_a_class"] = class_supports;
    }
    return json;
  }
};

class SvmCore final : public ClassCore {
 public:
  explicit SvmCore(const SvmOptions& options) { machine_.options = options; }

  void fit(const Matrix& x, const ClassRows& rows, FitContext& context) override {
    std::vector<double> weights(rows.num_classes, -1.0);
    std::vector<uint64_t> order(x.rows);
    std::iota(order.begin(), order.end(), uint64_t{0});
    std::stable_sort(order.begin(), order.end(), [&](uint64_t a, uint64_t b) { return rows.classes[a] < rows.classes[b]; });
    std::vector<int32_t> classes;
    for (const uint64_t r : order) {
      classes.push_back(rows.classes[r]);
      double& weight = weights[static_cast<size_t>(classes.back())];
      if (weight >= 0 && std::fabs(weight - rows.weight(r)) > 1e-12 * weight) {
        throw Error(ErrorKind::kUsage, "svm weighs classes, not rows", "svm", "take linear_svm, or weights of classes only");
      }
      weight = rows.weight(r);
    }
    const bool equal = std::all_of(weights.begin(), weights.end(), [&](double weight) { return weight == weights[0]; });
    if (machine_.options.by == "nu" && !equal) {
      throw Error(ErrorKind::kUsage, "svm by nu knows no weights", "svm", "take by: margin");
    }
    const Matrix sorted = take_rows(x, order);
    machine_.gamma = resolved_gamma(machine_.options, x);
    machine_.take(svm_fit(machine_.options, machine_.gamma, sorted, classes, {}, weights, Task::kClasses, context), sorted);
  }

  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    const size_t classes = machine_.class_supports.size();
    const size_t count = machine_.supports.count();
    std::vector<size_t> begin(classes + 1, 0);
    for (size_t k = 0; k < classes; ++k) {
      begin[k + 1] = begin[k] + static_cast<size_t>(machine_.class_supports[k]);
    }
    Matrix out = Matrix::dense(x.rows, classes);
    machine_.for_each_row(x, pool, [&](size_t r, const double* kernel) {
      double* votes = out.row(r);
      std::vector<double> sums(classes, 0.0);
      size_t pair = 0;
      for (size_t a = 0; a < classes; ++a) {
        for (size_t b = a + 1; b < classes; ++b, ++pair) {
          const double* of_a = machine_.coefficients.data() + (b - 1) * count;
          const double* of_b = machine_.coefficients.data() + a * count;
          const double value = dot(of_a + begin[a], kernel + begin[a], begin[a + 1] - begin[a]) +
                               dot(of_b + begin[b], kernel + begin[b], begin[b + 1] - begin[b]) - machine_.offsets[pair];
          if (classes == 2) {
            votes[0] = value;
            votes[1] = -value;
            return;
          }
          votes[value >= 0 ? a : b] += 1;
          sums[a] += value;
          sums[b] -= value;
        }
      }
      for (size_t k = 0; k < classes; ++k) {
        votes[k] += sums[k] / (3 * (std::fabs(sums[k]) + 1));
      }
    });
    return out;
  }
  bool gives_probabilities() const override { return false; }
  nlohmann::json description(const std::vector<std::string>&, const std::vector<std::string>& labels) const override {
    auto json = machine_.description();
    json["labels"] = std::vector<std::string>(labels.begin(), labels.begin() + std::min<ptrdiff_t>(50, labels.end() - labels.begin()));
    return json;
  }
  void save(SavedWriter& out) const override { machine_.save(out); }
  void load(const SavedReader& in, size_t columns, size_t num_classes) override { machine_.load(in, columns, num_classes); }

 private:
  Machine machine_;
};

class SvmOther final : public ClassicModel {  // numbers and anomaly
 public:
  SvmOther(const SvmOptions& options, Task task) : task_(task) { machine_.options = options; }

  void fit(const Matrix& x, const Target& target, FitContext& context) override {
    check_training(x, target);
    if (std::any_of(target.weights.begin(), target.weights.end(), [&](double w) { return w != target.weights[0]; })) {
      throw Error(ErrorKind::kUsage, std::string("svm knows no weights of rows for ") + name_of(task_), "svm",
                  "take linear_svm, or no weights");
    }
    columns_ = x.columns;
    machine_.gamma = resolved_gamma(machine_.options, x);
    machine_.take(svm_fit(machine_.options, machine_.gamma, x, {}, target.values, {}, task_, context), x);
  }
  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    check_rows(x, columns_);
    Matrix out = Matrix::dense(x.rows, 1);
    const double sign = task_ == Task::kAnomaly ? -1 : 1;
    machine_.for_each_row(x, pool, [&](size_t r, const double* kernel) {
      out.values[r] = sign * (dot(machine_.coefficients.data(), kernel, machine_.supports.count()) - machine_.offsets[0]);
    });
    check_result(out.values, "a prediction");
    return out;
  }
  nlohmann::json description(const std::vector<std::string>&) const override { return machine_.description(); }
  void save(SavedWriter& out) const override {
    out.json()["columns"] = columns_;
    machine_.save(out);
  }
  void load(const SavedReader& in) override {
    columns_ = static_cast<uint64_t>(read_count(in, "columns", 1, kMaxColumns));
    machine_.load(in, columns_, 0);
  }

 private:
  Task task_;
  Machine machine_;
  uint64_t columns_ = 0;
};

}  // namespace

std::unique_ptr<ClassicModel> make_svm(const nlohmann::json& options, Task task) {
  const auto given = load_options<SvmOptions>(options);
  if (task == Task::kRegression || task == Task::kAnomaly) {
    return std::make_unique<SvmOther>(given, task);
  }
  return core_classifier([given] { return std::make_unique<SvmCore>(given); }, task);
}

}  // namespace athanor::classic
