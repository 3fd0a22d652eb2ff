#include "athanor/classic/models/naive_bayes.h"

#include <algorithm>
#include <cmath>

#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/class_core.h"
#include "athanor/classic/models/linear_weights.h"

namespace athanor::classic {

namespace {

constexpr double kTwoPi = 6.283185307179586;

void normalise(Matrix& scores) {  // log joint into probabilities
  for (size_t r = 0; r < scores.rows; ++r) {
    double* row = scores.row(r);
    const double top = *std::max_element(row, row + scores.columns);
    double all = 0;
    for (size_t k = 0; k < scores.columns; ++k) {
      all += row[k] = std::exp(row[k] - top);
    }
    for (size_t k = 0; k < scores.columns; ++k) {
      row[k] /= all;
    }
  }
}

// Values above the limit as ones. Of a sparse matrix and a limit below 0 all values are, so it is made dense first.
Matrix binarised(const Matrix& x, double limit) {
  Matrix out = x.is_sparse && limit < 0 ? to_dense(x) : x;
  for (double& value : out.is_sparse ? out.sparse.values : out.values) {
    value = value > limit ? 1.0 : 0.0;
  }
  return out;
}

class NaiveBayesCore final : public ClassCore {
 public:
  explicit NaiveBayesCore(const NaiveBayesOptions& options) : options_(options), gaussian_(options.by == "gaussian") {}

  void fit(const Matrix& x, const ClassRows& rows, FitContext& context) override {
    if (gaussian_) {
      fit_gaussian(x.is_sparse ? to_dense(x) : x, rows);
    } else if (options_.by == "bernoulli") {
      fit_counts(binarised(x, options_.binarize), rows);
    } else {
      check_not_negative(x, "naive_bayes by " + options_.by);
      fit_counts(x, rows);
    }
    context.progress(1);
  }

  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    if (gaussian_) {
      return predict_gaussian(x.is_sparse ? to_dense(x) : x, pool);
    }
    Matrix scores = weights_.scores(options_.by == "bernoulli" ? binarised(x, options_.binarize) : x, pool);
    check_result(scores.values, "a log probability");
    normalise(scores);
    return scores;
  }
  bool gives_probabilities() const override { return true; }

  nlohmann::json description(const std::vector<std::string>& names, const std::vector<std::string>& labels) const override {
    if (!gaussian_) {
      return weights_.description(names, labels);
    }
    auto list = nlohmann::json::array();
    for (size_t k = 0; k < labels.size() && k < 50; ++k) {
      auto columns = nlohmann::json::array();
      for (size_t j = 0; j < means_.columns && j < 50; ++j) {
        columns.push_back({{"feature", j < names.size() ? names[j] : "column " + std::to_string(j)},
                           {"mean", means_.of(k)[j]},
                           {"variance", variances_[k * means_.columns + j]}});
      }
      list.push_back({{"label", labels[k]}, {"share", std::exp(means_.intercepts[k])}, {"columns", std::move(columns)}});
    }
    return {{"classes", std::move(list)}};
  }

  void save(SavedWriter& out) const override {
    (gaussian_ ? means_ : weights_).save(out);
    if (gaussian_) {
      out.put("variances", std::span<const double>(variances_));
    }
  }
  void load(const SavedReader& in, size_t columns, size_t num_classes) override {
    (gaussian_ ? means_ : weights_).load(in, num_classes, columns);
    if (gaussian_) {
      variances_ = read_finite(in, "variances", num_classes * columns);
      if (std::any_of(variances_.begin(), variances_.end(), [](double value) { return !(value > 0); })) {
        in.fail("a variance is not above 0");
      }
    }
  }

 private:
  std::vector<double> class_weights(const ClassRows& rows) const {
    std::vector<double> sums(rows.num_classes, 0.0);
    for (size_t r = 0; r < rows.classes.size(); ++r) {
      sums[static_cast<size_t>(rows.classes[r])] += rows.weight(r);
    }
    return sums;
  }
  double log_prior(const ClassRows& rows, double own, double total) const {
    return options_.learn_prior ? std::log(own / total) : -std::log(static_cast<double>(rows.num_classes));
  }

  void fit_gaussian(const Matrix& x, const ClassRows& rows) {
    const size_t columns = x.columns;
    means_ = LinearWeights::zeros(rows.num_classes, columns);
    variances_.assign(rows.num_classes * columns, 0.0);
    const auto sums = class_weights(rows);
    std::vector<double> mean(columns, 0.0);
    std::vector<double> square(columns, 0.0);
    for (size_t r = 0; r < x.rows; ++r) {
      const auto k = static_cast<size_t>(rows.classes[r]);
      for (size_t j = 0; j < columns; ++j) {
        means_.coefficients[k * columns + j] += rows.weight(r) / sums[k] * x.at(r, j);
        mean[j] += x.at(r, j) / static_cast<double>(x.rows);
      }
    }
    for (size_t r = 0; r < x.rows; ++r) {
      const auto k = static_cast<size_t>(rows.classes[r]);
      for (size_t j = 0; j < columns; ++j) {
        const double far = x.at(r, j) - means_.coefficients[k * columns + j];
        variances_[k * columns + j] += rows.weight(r) / sums[k] * far * far;
        square[j] += (x.at(r, j) - mean[j]) * (x.at(r, j) - mean[j]) / static_cast<double>(x.rows);
      }
    }
    const double added = std::max(options_.smoothing * *std::max_element(square.begin(), square.end()), 1e-300);
    for (double& value : variances_) {
      value += added;
    }
    for (size_t k = 0; k < rows.num_classes; ++k) {
      means_.intercepts[k] = log_prior(rows, sums[k], rows.total());
    }
    means_.check();
    check_result(variances_, "a variance");
  }

  Matrix predict_gaussian(const Matrix& x, ThreadPool& pool) const {
    const size_t classes = means_.outputs;
    const size_t columns = means_.columns;
    std::vector<double> constant(classes);
    for (size_t k = 0; k < classes; ++k) {
      constant[k] = means_.intercepts[k];
      for (size_t j = 0; j < columns; ++j) {
        constant[k] -= 0.5 * std::log(kTwoPi * variances_[k * columns + j]);
      }
    }
    Matrix out = Matrix::dense(x.rows, classes);
    for_pieces(pool, x.rows, 512, [&](size_t, size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        for (size_t k = 0; k < classes; ++k) {
          double sum = 0;
          for (size_t j = 0; j < columns; ++j) {
            const double far = x.at(r, j) - means_.coefficients[k * columns + j];
            sum += far * far / variances_[k * columns + j];
          }
          out.at(r, k) = constant[k] - 0.5 * sum;
        }
      }
    });
    check_result(out.values, "a log probability");
    normalise(out);
    return out;
  }

  void fit_counts(const Matrix& x, const ClassRows& rows) {
    const size_t columns = x.columns;
    const size_t classes = rows.num_classes;
    weights_ = LinearWeights::zeros(classes, columns);
    for (size_t r = 0; r < x.rows; ++r) {
      double* counts = weights_.coefficients.data() + static_cast<size_t>(rows.classes[r]) * columns;
      x.for_each_in_row(r, [&](uint32_t j, double value) { counts[j] += rows.weight(r) * value; });
    }
    const auto sums = class_weights(rows);
    for (size_t k = 0; k < classes; ++k) {
      weights_.intercepts[k] = options_.by == "complement" ? 0 : log_prior(rows, sums[k], rows.total());
    }
    if (options_.by == "complement") {
      complement();
    } else if (options_.by == "bernoulli") {
      bernoulli(sums);
    } else {
      for (size_t k = 0; k < classes; ++k) {
        double all = 0;
        for (double& value : weights_.of(k)) {
          all += value += options_.alpha;
        }
        for (double& value : weights_.of(k)) {
          value = std::log(value) - std::log(all);
        }
      }
    }
    weights_.check();
  }

  // x log p + (1 - x) log(1 - p), as a line in x.
  void bernoulli(const std::vector<double>& sums) {
    for (size_t k = 0; k < weights_.outputs; ++k) {
      for (double& value : weights_.of(k)) {
        const double all = sums[k] + 2 * options_.alpha;
        const double yes = std::log((value + options_.alpha) / all);
        const double no = std::log((sums[k] - value + options_.alpha) / all);
        value = yes - no;
        weights_.intercepts[k] += no;
      }
    }
  }

  void complement() {
    std::vector<double> all(weights_.columns, 0.0);
    for (size_t k = 0; k < weights_.outputs; ++k) {
      for (size_t j = 0; j < weights_.columns; ++j) {
        all[j] += weights_.of(k)[j];
      }
    }
    for (size_t k = 0; k < weights_.outputs; ++k) {
      const auto w = weights_.of(k);
      double sum = 0;
      for (size_t j = 0; j < w.size(); ++j) {
        w[j] = all[j] - w[j] + options_.alpha;
        sum += w[j];
      }
      double logs = 0;
      for (double& value : w) {
        value = std::log(value / sum);
        logs += value;
      }
      for (double& value : w) {
        value = options_.norm ? (logs != 0 ? value / logs : 0) : -value;
      }
    }
  }

  NaiveBayesOptions options_;
  bool gaussian_;
  LinearWeights means_;  // gaussian: means, and the log of each class's share
  std::vector<double> variances_;
  LinearWeights weights_;  // the rest: log probabilities as lines in x
};

}  // namespace

std::unique_ptr<ClassicModel> make_naive_bayes(const nlohmann::json& options, Task task) {
  const auto given = load_options<NaiveBayesOptions>(options);
  return core_classifier([given] { return std::make_unique<NaiveBayesCore>(given); }, task);
}

}  // namespace athanor::classic
