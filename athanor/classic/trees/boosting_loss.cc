#include "athanor/classic/trees/boosting_loss.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/classic/trees/boosting_kernels.h"
#include "athanor/classic/trees/exact_sum.h"

namespace athanor {

namespace {

constexpr size_t kRowsATask = 16384;
constexpr size_t kRowsWorthThreads = 131'072;  // below, waking threads costs more than the work
constexpr double kLeastWeight = 1e-16;
constexpr double kPoissonStep =
    0.7;  // added in the exponent of the second derivative: steps stay bounded
constexpr double kLeastShare = 1e-15;

template <class Fn>
void over_rows(size_t rows, ThreadPool& pool, Fn fn) {
  const size_t tasks = (rows + kRowsATask - 1) / kRowsATask;
  if (rows < kRowsWorthThreads) {
    fn(0, rows);
    return;
  }
  pool.parallel_for(
      tasks, [&](size_t task) { fn(task * kRowsATask, std::min(rows, (task + 1) * kRowsATask)); });
}

double total_weight(const Target& target) {
  return exact_sum(target.rows(), [&](uint64_t i) { return target.weight(i); });
}

// Of losses over one number.
class ValueLoss : public BoostingLoss {
 public:
  explicit ValueLoss(const Target& target) : target_(target), weight_(total_weight(target)) {}

  void slopes(uint64_t, std::span<const double> scores, Slopes& out,
              ThreadPool& pool) const override {
    over_rows(scores.size(), pool,
              [&](size_t begin, size_t end) { slopes_of(scores, out, begin, end); });
  }
  double mean_loss(std::span<const double> scores) const override {
    return exact_sum(scores.size(),
                     [&](uint64_t i) {
                       return target_.weight(i) * loss_of(scores[i], target_.values[i]);
                     }) /
           weight_;
  }

 protected:
  virtual void slopes_of(std::span<const double> scores, Slopes& out, size_t begin,
                         size_t end) const = 0;
  virtual double loss_of(double score, double truth) const = 0;
  double mean() const {
    return exact_sum(target_.rows(),
                     [&](uint64_t i) { return target_.weight(i) * target_.values[i]; }) /
           weight_;
  }
  double median() const {
    std::vector<std::pair<double, double>> values;
    for (uint64_t i = 0; i < target_.rows(); ++i) {
      values.emplace_back(target_.values[i], target_.weight(i));
    }
    return weighted_median(values);
  }
  const Target& target_;
  double weight_;
};

class Squared : public ValueLoss {
 public:
  using ValueLoss::ValueLoss;
  std::vector<double> start() const override { return {mean()}; }
  void slopes_of(std::span<const double> scores, Slopes& out, size_t begin,
                 size_t end) const override {
    for (size_t i = begin; i < end; ++i) {
      const double w = target_.weight(i);
      out.g[i] = w * (scores[i] - target_.values[i]);
      out.h[i] = w;
    }
  }
  double loss_of(double score, double truth) const override {
    return (score - truth) * (score - truth);
  }
};

class Absolute : public ValueLoss {
 public:
  using ValueLoss::ValueLoss;
  std::vector<double> start() const override { return {median()}; }
  void slopes_of(std::span<const double> scores, Slopes& out, size_t begin,
                 size_t end) const override {
    for (size_t i = begin; i < end; ++i) {
      const double w = target_.weight(i);
      const double off = scores[i] - target_.values[i];
      out.g[i] = off > 0 ? w : (off < 0 ? -w : 0.0);
      out.h[i] = w;
    }
  }
  bool renews_leaves() const override { return true; }
  double leaf_value(std::span<const uint32_t> rows, std::span<const double> scores) const override {
    std::vector<std::pair<double, double>> residuals;
    residuals.reserve(rows.size());
    for (const uint32_t row : rows) {
      residuals.emplace_back(target_.values[row] - scores[row], target_.weight(row));
    }
    return weighted_median(residuals);
  }
  double loss_of(double score, double truth) const override { return std::fabs(score - truth); }
};

class Huber : public ValueLoss {
 public:
  Huber(const Target& target, double delta) : ValueLoss(target), delta_(delta) {
    if (delta_ > 0) {
      return;
    }
    const double middle = median();
    std::vector<std::pair<double, double>> distances;
    for (uint64_t i = 0; i < target.rows(); ++i) {
      distances.emplace_back(std::fabs(target.values[i] - middle), target.weight(i));
    }
    delta_ = 1.345 * 1.4826 * weighted_median(distances);
    delta_ = delta_ > 0 ? delta_ : 1.0;
  }
  std::vector<double> start() const override { return {median()}; }
  void slopes_of(std::span<const double> scores, Slopes& out, size_t begin,
                 size_t end) const override {
    for (size_t i = begin; i < end; ++i) {
      const double w = target_.weight(i);
      out.g[i] = w * std::clamp(scores[i] - target_.values[i], -delta_, delta_);
      out.h[i] = w;
    }
  }
  double loss_of(double score, double truth) const override {
    const double off = std::fabs(score - truth);
    return off <= delta_ ? off * off / 2 : delta_ * (off - delta_ / 2);
  }

 private:
  double delta_;
};

class Poisson : public ValueLoss {
 public:
  explicit Poisson(const Target& target) : ValueLoss(target) {
    for (const double value : target.values) {
      if (value < 0) {
        throw Error(ErrorKind::kInput,
                    "the loss 'poisson' takes counts, and the target holds a negative value",
                    "loss", "use squared, absolute or huber");
      }
    }
  }
  std::vector<double> start() const override { return {std::log(std::max(mean(), 1e-9))}; }
  void slopes_of(std::span<const double> scores, Slopes& out, size_t begin,
                 size_t end) const override {
    exp_values(scores.data() + begin, out.h.data() + begin, end - begin);
    const double more = std::exp(kPoissonStep);
    for (size_t i = begin; i < end; ++i) {
      const double w = target_.weight(i);
      out.g[i] = w * (out.h[i] - target_.values[i]);
      out.h[i] *= w * more;
    }
  }
  double loss_of(double score, double truth) const override {
    return std::exp(score) - truth * score;
  }
};

// One score a label, each yes or no; two classes are one label.
class Logistic : public BoostingLoss {
 public:
  explicit Logistic(const Target& target)
      : target_(target),
        labels_(target.task == Task::kMultiLabel ? target.labels.size() : 1),
        weight_(total_weight(target)) {}
  uint64_t outputs() const override { return labels_; }
  std::vector<double> start() const override {
    std::vector<double> out;
    for (uint64_t k = 0; k < labels_; ++k) {
      const double yes =
          exact_sum(target_.rows(), [&](uint64_t i) { return target_.weight(i) * truth(i, k); });
      const double share = std::clamp(yes / weight_, kLeastShare, 1 - kLeastShare);
      out.push_back(std::log(share / (1 - share)));
    }
    return out;
  }
  void slopes(uint64_t output, std::span<const double> all, Slopes& out,
              ThreadPool& pool) const override {
    const uint64_t rows = target_.rows();
    const auto scores = all.subspan(output * rows, rows);
    over_rows(rows, pool, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        out.h[i] = -scores[i];
      }
      exp_values(out.h.data() + begin, out.h.data() + begin, end - begin);
      for (size_t i = begin; i < end; ++i) {
        const double w = target_.weight(i);
        const double p = 1 / (1 + out.h[i]);
        out.g[i] = w * (p - truth(i, output));
        out.h[i] = w * std::max(p * (1 - p), kLeastWeight);
      }
    });
  }
  double mean_loss(std::span<const double> scores) const override {
    const uint64_t rows = target_.rows();
    double sum = 0;
    for (uint64_t k = 0; k < labels_; ++k) {
      sum += exact_sum(rows, [&](uint64_t i) {
        const double s = truth(i, k) > 0 ? scores[k * rows + i] : -scores[k * rows + i];
        return target_.weight(i) * (s > 0 ? std::log1p(std::exp(-s)) : std::log1p(std::exp(s)) - s);
      });
    }
    return sum / weight_;
  }

 private:
  double truth(uint64_t row, uint64_t label) const {
    return target_.task == Task::kMultiLabel ? target_.marks[row * labels_ + label]
                                             : target_.classes[row];
  }
  const Target& target_;
  uint64_t labels_;
  double weight_;
};

class Softmax : public BoostingLoss {
 public:
  explicit Softmax(const Target& target) : target_(target), weight_(total_weight(target)) {}
  uint64_t outputs() const override { return target_.labels.size(); }
  std::vector<double> start() const override {
    std::vector<double> out;
    for (uint64_t k = 0; k < outputs(); ++k) {
      const double yes = exact_sum(target_.rows(), [&](uint64_t i) {
        return target_.classes[i] == static_cast<int32_t>(k) ? target_.weight(i) : 0.0;
      });
      out.push_back(std::log(std::max(yes / weight_, kLeastShare)));
    }
    return out;
  }
  void begin_round(std::span<const double> scores, ThreadPool& pool) override {
    const uint64_t rows = target_.rows();
    shares_.resize(scores.size());
    over_rows(rows, pool, [&](size_t begin, size_t end) {
      std::vector<double> most(scores.begin() + static_cast<std::ptrdiff_t>(begin),
                               scores.begin() + static_cast<std::ptrdiff_t>(end));
      std::vector<double> sum(end - begin, 0);
      for (uint64_t k = 1; k < outputs(); ++k) {
        for (size_t i = begin; i < end; ++i) {
          most[i - begin] = std::max(most[i - begin], scores[k * rows + i]);
        }
      }
      for (uint64_t k = 0; k < outputs(); ++k) {
        double* share = shares_.data() + k * rows;
        for (size_t i = begin; i < end; ++i) {
          share[i] = scores[k * rows + i] - most[i - begin];
        }
        exp_values(share + begin, share + begin, end - begin);
        for (size_t i = begin; i < end; ++i) {
          sum[i - begin] += share[i];
        }
      }
      for (uint64_t k = 0; k < outputs(); ++k) {
        for (size_t i = begin; i < end; ++i) {
          shares_[k * rows + i] /= sum[i - begin];
        }
      }
    });
  }
  void slopes(uint64_t output, std::span<const double>, Slopes& out,
              ThreadPool& pool) const override {
    const double* shares = shares_.data() + output * target_.rows();
    // Friedman 2000: the classes' scores are not free of each other.
    const auto classes = static_cast<double>(outputs());
    const double factor = classes > 1 ? classes / (classes - 1) : 1;
    over_rows(target_.rows(), pool, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        const double w = target_.weight(i);
        const double p = shares[i];
        out.g[i] = w * (p - (target_.classes[i] == static_cast<int32_t>(output) ? 1.0 : 0.0));
        out.h[i] = w * std::max(factor * p * (1 - p), kLeastWeight);
      }
    });
  }
  double mean_loss(std::span<const double> scores) const override {
    const uint64_t rows = target_.rows();
    return exact_sum(rows,
                     [&](uint64_t i) {
                       double most = scores[i], sum = 0;
                       for (uint64_t k = 1; k < outputs(); ++k) {
                         most = std::max(most, scores[k * rows + i]);
                       }
                       for (uint64_t k = 0; k < outputs(); ++k) {
                         sum += std::exp(scores[k * rows + i] - most);
                       }
                       return target_.weight(i) *
                              (most + std::log(sum) -
                               scores[static_cast<uint64_t>(target_.classes[i]) * rows + i]);
                     }) /
           weight_;
  }

 private:
  const Target& target_;
  double weight_;
  std::vector<double> shares_;
};

}  // namespace

double weighted_median(std::vector<std::pair<double, double>>& values) {
  if (values.empty()) {
    return 0;
  }
  std::sort(values.begin(), values.end());
  double all = 0;
  for (const auto& [value, weight] : values) {
    all += weight;
  }
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    sum += values[i].second;
    if (sum > all / 2) {
      return values[i].first;
    }
    if (sum == all / 2 && i + 1 < values.size()) {
      return values[i].first / 2 + values[i + 1].first / 2;
    }
  }
  return values.back().first;
}

std::string usual_loss(const Target& target) {
  if (target.task == Task::kRegression) {
    return "squared";
  }
  return target.task == Task::kClasses && target.labels.size() > 2 ? "softmax" : "logistic";
}

std::unique_ptr<BoostingLoss> make_loss(const LossSpec& spec, const Target& target) {
  if (spec.name == "squared") {
    return std::make_unique<Squared>(target);
  }
  if (spec.name == "absolute") {
    return std::make_unique<Absolute>(target);
  }
  if (spec.name == "huber") {
    return std::make_unique<Huber>(target, spec.huber_delta);
  }
  if (spec.name == "poisson") {
    return std::make_unique<Poisson>(target);
  }
  if (spec.name == "logistic") {
    return std::make_unique<Logistic>(target);
  }
  return std::make_unique<Softmax>(target);
}

Matrix scores_to_predictions(const std::string& loss, Task task, uint64_t labels, Matrix scores) {
  if (loss == "poisson" || loss == "logistic") {
    for (double& value : scores.values) {
      value = loss == "poisson" ? std::exp(std::min(value, 700.0)) : 1 / (1 + std::exp(-value));
    }
  }
  if (task == Task::kClasses && loss == "logistic") {
    Matrix out = Matrix::dense(scores.rows, labels);  // one class alone: always that
    for (uint64_t r = 0; r < scores.rows; ++r) {
      out.at(r, 0) = labels > 1 ? 1 - scores.at(r, 0) : 1;
      if (labels > 1) {
        out.at(r, 1) = scores.at(r, 0);
      }
    }
    return out;
  }
  for (uint64_t r = 0; loss == "softmax" && r < scores.rows; ++r) {
    double* row = scores.row(r);
    const double most = *std::max_element(row, row + scores.columns);
    double sum = 0;
    for (uint64_t k = 0; k < scores.columns; ++k) {
      row[k] = std::exp(row[k] - most);
      sum += row[k];
    }
    for (uint64_t k = 0; k < scores.columns; ++k) {
      row[k] /= sum;
    }
  }
  return scores;
}

}  // namespace athanor
