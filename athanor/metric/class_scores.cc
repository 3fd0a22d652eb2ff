// Scores of one label a row.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>

#include "athanor/metric/answers.h"
#include "athanor/metric/bootstrap.h"
#include "athanor/metric/curves.h"

namespace athanor {

namespace {

constexpr double kSmallest = 2.220446049250313e-16;  // of a probability, as scikit-learn
constexpr uint64_t kMaxAucLabels = 200;              // more labels: no auc, which needs an order of the rows a label

// A share; of nothing it is 0.
double share(double part, double all) { return all > 0 ? part / all : 0.0; }

class Computer {
 public:
  explicit Computer(const ClassAnswers& answers) : answers_(answers), labels_(answers.labels.size()) {
    std::vector<bool> occurs(labels_, false);
    for (uint64_t i = 0; i < answers.rows(); ++i) {
      occurs[static_cast<size_t>(answers.truth[i])] = true;
      occurs[static_cast<size_t>(answers.answer[i])] = true;
    }
    for (size_t c = 0; c < labels_; ++c) {
      if (occurs[c]) {
        present_.push_back(c);
      }
    }
    binary_ = labels_ == 2;
    if (!answers.probabilities.empty()) {
      if (binary_) {
        orders_.push_back(order_by(static_cast<size_t>(answers.positive)));
      } else if (labels_ <= kMaxAucLabels) {
        for (size_t c = 0; c < labels_; ++c) {
          orders_.push_back(order_by(c));
        }
      }
    }
  }

  std::vector<Score> names() const {
    std::vector<Score> list;
    const auto add = [&](const char* name, bool higher = true) {
      Score score;
      score.name = name;
      score.higher_is_better = higher;
      list.push_back(score);
    };
    add("accuracy");
    add("balanced_accuracy");
    if (binary_) {
      add("precision"), add("recall"), add("f1");
    }
    for (const char* average : {"_macro", "_micro", "_weighted"}) {
      for (const char* name : {"precision", "recall", "f1"}) {
        add((std::string(name) + average).c_str());
      }
    }
    add("mcc"), add("kappa");
    if (!answers_.probabilities.empty()) {
      add("auc");
      if (binary_) {
        add("average_precision");
      }
      if (!answers_.only_order) {
        add("log_loss", false), add("brier", false), add("calibration_error", false);
      }
    }
    return list;
  }

  std::vector<double> operator()(const std::vector<double>& weights) const {
    std::vector<double> out;
    from_confusion(weights, out);
    if (!answers_.probabilities.empty()) {
      from_probabilities(weights, out);
    }
    return out;
  }

  double cost() const {
    return static_cast<double>(answers_.rows()) * (4 + 4 * static_cast<double>(orders_.size()));
  }

 private:
  std::vector<uint32_t> order_by(size_t label) const {
    return descending_order(answers_.rows(), [&](uint64_t i) { return probability(i, label); });
  }
  double probability(uint64_t row, size_t label) const { return answers_.probabilities[row * labels_ + label]; }

  void from_confusion(const std::vector<double>& weights, std::vector<double>& out) const {
    std::vector<double> truths(labels_, 0.0);
    std::vector<double> answered(labels_, 0.0);
    std::vector<double> right(labels_, 0.0);
    double total = 0;
    for (uint64_t i = 0; i < answers_.rows(); ++i) {
      const double weight = weights.empty() ? 1.0 : weights[i];
      const auto truth = static_cast<size_t>(answers_.truth[i]);
      const auto answer = static_cast<size_t>(answers_.answer[i]);
      truths[truth] += weight;
      answered[answer] += weight;
      right[truth] += truth == answer ? weight : 0.0;
      total += weight;
    }
    const double all_right = std::accumulate(right.begin(), right.end(), 0.0);
    const double accuracy = share(all_right, total);
    double recalls = 0;
    double recalled = 0;
    double macro[3] = {0, 0, 0};
    double weighted[3] = {0, 0, 0};
    double by_chance = 0;
    double truth_squares = 0;
    double answer_squares = 0;
    std::vector<std::array<double, 3>> each(labels_);
    for (size_t c = 0; c < labels_; ++c) {
      each[c] = {share(right[c], answered[c]), share(right[c], truths[c]), share(2 * right[c], truths[c] + answered[c])};
      if (truths[c] > 0) {
        recalls += each[c][1];
        ++recalled;
      }
      by_chance += truths[c] * answered[c];
      truth_squares += truths[c] * truths[c];
      answer_squares += answered[c] * answered[c];
      for (int k = 0; k < 3; ++k) {
        weighted[k] += each[c][static_cast<size_t>(k)] * truths[c];
      }
    }
    for (const size_t c : present_) {
      for (int k = 0; k < 3; ++k) {
        macro[k] += each[c][static_cast<size_t>(k)];
      }
    }
    out.push_back(accuracy);
    out.push_back(share(recalls, recalled));
    if (binary_) {
      const auto& positive = each[static_cast<size_t>(answers_.positive)];
      out.insert(out.end(), positive.begin(), positive.end());
    }
    for (const double sum : macro) {
      out.push_back(share(sum, static_cast<double>(present_.size())));
    }
    out.insert(out.end(), 3, accuracy);  // one label a row: the micro averages are all the accuracy
    for (const double sum : weighted) {
      out.push_back(share(sum, total));
    }
    const double spread = (total * total - truth_squares) * (total * total - answer_squares);
    out.push_back(spread > 0 ? (all_right * total - by_chance) / std::sqrt(spread) : 0.0);
    const double expected = share(by_chance, total * total);
    out.push_back(expected < 1 ? (accuracy - expected) / (1 - expected) : std::nan(""));
  }

  void from_probabilities(const std::vector<double>& weights, std::vector<double>& out) const {
    double sum = 0;
    double defined = 0;
    for (size_t k = 0; k < orders_.size(); ++k) {
      const auto label = static_cast<int32_t>(binary_ ? static_cast<size_t>(answers_.positive) : k);
      const auto column = static_cast<size_t>(label);
      const double auc = ranked_auc(
          orders_[k], [&](uint64_t i) { return probability(i, column); },
          [&](uint64_t i) { return answers_.truth[i] == label; }, weights);
      if (std::isfinite(auc)) {
        sum += auc;
        ++defined;
      }
    }
    out.push_back(defined > 0 ? sum / defined : std::nan(""));
    if (binary_) {
      const auto positive = static_cast<size_t>(answers_.positive);
      out.push_back(ranked_average_precision(
          orders_[0], [&](uint64_t i) { return probability(i, positive); },
          [&](uint64_t i) { return answers_.truth[i] == answers_.positive; }, weights));
    }
    if (!answers_.only_order) {
      losses(weights, out);
    }
  }

  void losses(const std::vector<double>& weights, std::vector<double>& out) const {
    double loss = 0;
    double brier = 0;
    double total = 0;
    struct Bin {
      double weight = 0, right = 0, claimed = 0;
    };
    std::array<Bin, 10> bins;
    for (uint64_t i = 0; i < answers_.rows(); ++i) {
      const double weight = weights.empty() ? 1.0 : weights[i];
      const auto truth = static_cast<size_t>(answers_.truth[i]);
      total += weight;
      loss -= weight * std::log(std::clamp(probability(i, truth), kSmallest, 1 - kSmallest));
      double squares = 0;
      for (size_t c = 0; c < labels_; ++c) {
        const double off = probability(i, c) - (c == truth ? 1.0 : 0.0);
        squares += off * off;
      }
      brier += weight * squares / (binary_ ? 2 : 1);
      const double claimed = probability(i, static_cast<size_t>(answers_.answer[i]));
      Bin& bin = bins[std::min<size_t>(9, static_cast<size_t>(std::max(0.0, claimed) * 10))];
      bin.weight += weight;
      bin.claimed += weight * claimed;
      bin.right += answers_.truth[i] == answers_.answer[i] ? weight : 0.0;
    }
    double off = 0;
    for (const Bin& bin : bins) {
      off += std::abs(bin.right - bin.claimed);
    }
    out.push_back(share(loss, total));
    out.push_back(share(brier, total));
    out.push_back(share(off, total));
  }

  const ClassAnswers& answers_;
  size_t labels_;
  std::vector<size_t> present_;
  bool binary_ = false;
  std::vector<std::vector<uint32_t>> orders_;
};

}  // namespace

std::vector<Score> class_scores(const ClassAnswers& answers, const ScoreOptions& options, ThreadPool& pool) {
  if (answers.rows() == 0) {
    return {};
  }
  const Computer compute(answers);
  std::vector<Score> scores = compute.names();
  const std::vector<double> values = compute(answers.weights);
  for (size_t s = 0; s < scores.size(); ++s) {
    scores[s].value = values[s];
  }
  if (answers.weights.empty()) {
    wilson_interval(scores[0].value, static_cast<double>(answers.rows()), options.confidence, scores[0].low, scores[0].high);
    scores[0].replicas = -1;
  }
  bootstrap(scores, std::cref(compute), answers.rows(), answers.weights, options, compute.cost(), pool);
  std::erase_if(scores, [](const Score& score) { return !std::isfinite(score.value); });
  return scores;
}

}  // namespace athanor
