// Scores of any labels a row.
#include <cmath>
#include <functional>

#include "athanor/metric/answers.h"
#include "athanor/metric/bootstrap.h"

namespace athanor {

namespace {

double share(double part, double all) { return all > 0 ? part / all : 0.0; }

class Computer {
 public:
  explicit Computer(const LabelSetAnswers& answers) : answers_(answers), labels_(answers.labels.size()) {}

  std::vector<Score> names() const {
    std::vector<Score> list;
    const auto add = [&](const std::string& name, bool higher = true) {
      Score score;
      score.name = name;
      score.higher_is_better = higher;
      list.push_back(score);
    };
    add("subset_accuracy"), add("hamming_loss", false), add("jaccard");
    for (const char* average : {"_micro", "_macro", "_weighted"}) {
      for (const char* name : {"precision", "recall", "f1"}) {
        add(std::string(name) + average);
      }
    }
    return list;
  }

  std::vector<double> operator()(const std::vector<double>& weights) const {
    std::vector<double> truths(labels_, 0.0);
    std::vector<double> answered(labels_, 0.0);
    std::vector<double> right(labels_, 0.0);
    double total = 0;
    double whole = 0;
    double wrong = 0;
    double jaccard = 0;
    for (uint64_t i = 0; i < answers_.rows(); ++i) {
      const double weight = weights.empty() ? 1.0 : weights[i];
      uint64_t both = 0;
      uint64_t either = 0;
      for (size_t c = 0; c < labels_; ++c) {
        const bool truth = answers_.truth[i * labels_ + c] != 0;
        const bool answer = answers_.answer[i * labels_ + c] != 0;
        truths[c] += truth ? weight : 0;
        answered[c] += answer ? weight : 0;
        right[c] += truth && answer ? weight : 0;
        both += truth && answer ? 1 : 0;
        either += truth || answer ? 1 : 0;
      }
      total += weight;
      whole += both == either ? weight : 0;
      wrong += weight * static_cast<double>(either - both);
      jaccard += either == 0 ? 0 : weight * static_cast<double>(both) / static_cast<double>(either);
    }
    std::vector<double> out = {share(whole, total), share(wrong, total * static_cast<double>(labels_)), share(jaccard, total)};
    double all_truths = 0;
    double all_answered = 0;
    double all_right = 0;
    double macro[3] = {0, 0, 0};
    double weighted[3] = {0, 0, 0};
    for (size_t c = 0; c < labels_; ++c) {
      const double each[3] = {share(right[c], answered[c]), share(right[c], truths[c]),
                              share(2 * right[c], truths[c] + answered[c])};
      for (int k = 0; k < 3; ++k) {
        macro[k] += each[k] / static_cast<double>(labels_);
        weighted[k] += each[k] * truths[c];
      }
      all_truths += truths[c];
      all_answered += answered[c];
      all_right += right[c];
    }
    out.push_back(share(all_right, all_answered));
    out.push_back(share(all_right, all_truths));
    out.push_back(share(2 * all_right, all_truths + all_answered));
    out.insert(out.end(), std::begin(macro), std::end(macro));
    for (const double sum : weighted) {
      out.push_back(share(sum, all_truths));
    }
    return out;
  }

 private:
  const LabelSetAnswers& answers_;
  size_t labels_;
};

}  // namespace

std::vector<Score> label_set_scores(const LabelSetAnswers& answers, const ScoreOptions& options, ThreadPool& pool) {
  if (answers.rows() == 0) {
    return {};
  }
  const Computer compute(answers);
  std::vector<Score> scores = compute.names();
  const std::vector<double> values = compute({});
  for (size_t s = 0; s < scores.size(); ++s) {
    scores[s].value = values[s];
  }
  const double cost = static_cast<double>(answers.rows()) * static_cast<double>(answers.labels.size());
  bootstrap(scores, std::cref(compute), answers.rows(), {}, options, cost, pool);
  return scores;
}

}  // namespace athanor
