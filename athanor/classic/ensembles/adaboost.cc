// AdaBoost for any number of classes (SAMME; Zhu, Zou, Rosset, Hastie 2009): each model learns the
// rows that those before got wrong; votes by how often a model is right. Of several labels a row: one model a label.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/classic/ensembles/adaboost.h"
#include "athanor/classic/trees/tree_model.h"

namespace athanor {

namespace {

class AdaBoost : public ClassicModel {
 public:
  explicit AdaBoost(const AdaBoostOptions& options) : options_(options) {
    Member(options.of, task_, "of");
  }

  void fit(const Matrix& all_x, const Target& all_target, FitContext& context) override {
    const FitRows given(all_x, all_target);
    const Matrix& x = given.x();
    Target target = given.target();
    labels_ = target.labels.size();
    const auto classes = static_cast<double>(labels_);
    std::vector<double> weights(x.rows);
    double all = 0;
    for (uint64_t r = 0; r < x.rows; ++r) {
      weights[r] = target.weight(r);
      all += weights[r];
    }
    members_.clear();
    votes_.clear();
    for (int64_t i = 0; i < options_.times; ++i) {
      target.weights.resize(x.rows);
      for (uint64_t r = 0; r < x.rows; ++r) {  // mean 1, as models with penalties expect
        target.weights[r] = weights[r] / all * static_cast<double>(x.rows);
      }
      FitContext own =
          context_of_part(context, static_cast<uint64_t>(i), static_cast<uint64_t>(options_.times));
      Member member(options_.of, task_, "of");
      member.fit(x, target, own);
      const Matrix said =
          votes_of(member.predict(x, context.pool), task_, member.gives_probabilities());
      double wrong = 0;
      for (uint64_t r = 0; r < x.rows; ++r) {
        wrong += said.at(r, static_cast<uint64_t>(target.classes[r])) == 0 ? weights[r] / all : 0;
      }
      const bool useless = wrong >= 1 - 1 / classes;
      if (useless && !members_.empty()) {
        break;
      }
      const bool perfect = wrong <= 1e-15;
      const double vote =
          useless || perfect
              ? 1
              : options_.learning_rate * (std::log((1 - wrong) / wrong) + std::log(classes - 1));
      members_.push_back(std::move(member));
      votes_.push_back(vote);
      if (useless || perfect) {
        break;
      }
      all = 0;
      for (uint64_t r = 0; r < x.rows; ++r) {
        weights[r] *=
            said.at(r, static_cast<uint64_t>(target.classes[r])) == 0 ? std::exp(vote) : 1;
        all += weights[r];
      }
      for (double& weight : weights) {
        weight /= all;  // so that they stay within range
      }
      all = 1;
    }
  }

  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    Matrix sum = Matrix::dense(x.rows, labels_);
    double all = 0;
    for (size_t i = 0; i < members_.size(); ++i) {
      const Matrix said =
          votes_of(members_[i].predict(x, pool), task_, members_[i].gives_probabilities());
      all += votes_[i];
      for (size_t k = 0; k < sum.values.size(); ++k) {
        sum.values[k] += votes_[i] * said.values[k];
      }
    }
    // The shares of votes as scikit-learn turns them into probabilities: the difference of two
    // classes' scores is K / (K - 1) times that of their shares, and the softmax takes it divided
    // by K - 1 again.
    const auto classes = static_cast<double>(labels_);
    const double sharpness = labels_ > 1 ? classes / ((classes - 1) * (classes - 1)) : 1;
    for (uint64_t r = 0; r < sum.rows; ++r) {
      double total = 0;
      for (uint64_t k = 0; k < labels_; ++k) {
        sum.at(r, k) = std::exp(sharpness * sum.at(r, k) / all);
        total += sum.at(r, k);
      }
      for (uint64_t k = 0; k < labels_; ++k) {
        sum.at(r, k) /= total;
      }
    }
    return sum;
  }

  bool gives_probabilities() const override { return true; }
  nlohmann::json description(const std::vector<std::string>&) const override {
    return {{"of", options_.of}, {"models", members_.size()}};
  }
  void save(SavedWriter& out) const override {
    out.json()["labels"] = labels_;
    out.put("votes", std::span<const double>(votes_));
    for (size_t i = 0; i < members_.size(); ++i) {
      members_[i].save(out.part("member" + std::to_string(i)));
    }
  }
  void load(const SavedReader& in) override {
    labels_ = in.get<uint64_t>("labels");
    const auto votes = in.doubles("votes");
    if (votes.empty() || labels_ == 0 || labels_ > (1U << 20)) {
      in.fail("'votes' or 'labels' is out of range");
    }
    votes_.assign(votes.begin(), votes.end());
    members_.clear();
    for (size_t i = 0; i < votes_.size(); ++i) {
      if (!std::isfinite(votes_[i]) || votes_[i] < 0) {
        in.fail("a vote is no number that can be");
      }
      members_.emplace_back(options_.of, task_, "of");
      members_.back().load(in.part("member" + std::to_string(i)));
    }
  }

 private:
  AdaBoostOptions options_;
  const Task task_ = Task::kClasses;
  uint64_t labels_ = 0;
  std::vector<Member> members_;
  std::vector<double> votes_;
};

// A model of yes and no for each label.
class AdaBoostOfLabels : public ClassicModel {
 public:
  explicit AdaBoostOfLabels(const AdaBoostOptions& options) : options_(options) { AdaBoost{options}; }

  void fit(const Matrix& x, const Target& target, FitContext& context) override {
    const uint64_t labels = target.labels.size();
    of_label_.clear();
    for (uint64_t k = 0; k < labels; ++k) {
      Target one;
      one.labels = {"no", "yes"};
      one.weights = target.weights;
      for (uint64_t row = 0; row < x.rows; ++row) {
        one.classes.push_back(target.marks[row * labels + k]);
      }
      FitContext own = context_of_part(context, k, labels);
      of_label_.emplace_back(options_);
      of_label_.back().fit(x, one, own);
    }
  }
  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    Matrix out = Matrix::dense(x.rows, of_label_.size());
    for (uint64_t k = 0; k < out.columns; ++k) {
      const Matrix one = of_label_[k].predict(x, pool);
      for (uint64_t row = 0; row < x.rows; ++row) {
        out.at(row, k) = one.at(row, 1);
      }
    }
    return out;
  }
  bool gives_probabilities() const override { return true; }
  nlohmann::json description(const std::vector<std::string>& names) const override {
    auto list = nlohmann::json::array();
    for (const AdaBoost& one : of_label_) {
      list.push_back(one.description(names)["models"]);
    }
    return {{"of", options_.of}, {"models", list}};
  }
  void save(SavedWriter& out) const override {
    out.json()["labels"] = of_label_.size();
    for (size_t k = 0; k < of_label_.size(); ++k) {
      SavedWriter part = out.part("label" + std::to_string(k));
      of_label_[k].save(part);
    }
  }
  void load(const SavedReader& in) override {
    const auto labels = in.get<uint64_t>("labels");
    if (labels == 0 || labels > (1U << 20)) {
      in.fail("'labels' is out of range");
    }
    of_label_.clear();
    for (uint64_t k = 0; k < labels; ++k) {
      of_label_.emplace_back(options_);
      of_label_.back().load(in.part("label" + std::to_string(k)));
    }
  }

 private:
  AdaBoostOptions options_;
  std::vector<AdaBoost> of_label_;
};

}  // namespace

void AdaBoostOptions::fields(Fields<AdaBoostOptions>& f) {
  f.add("of", &AdaBoostOptions::of,
        "the model, which for classes must heed weights; empty: {kind: tree, max_depth: 1}, of numbers max_depth: 3");
  f.add("times", &AdaBoostOptions::times, "models at most").range(1, 10'000);
  f.add("learning_rate", &AdaBoostOptions::learning_rate, "how strongly the rows' weights change")
      .range(1e-9, 100);
  f.add("loss", &AdaBoostOptions::loss, "regression: what a row's error counts, as a share of the largest one")
      .choices({"linear", "square", "exponential"});
}

ModelKind adaboost_kind() {
  return {"adaboost",
          "AdaBoost: each model learns what those before got wrong",
          {Task::kClasses, Task::kMultiLabel, Task::kRegression},
          false,
          true,
          schema_of<AdaBoostOptions>(),
          [](const nlohmann::json& given, Task task) -> std::unique_ptr<ClassicModel> {
            auto options = load_options<AdaBoostOptions>(given);
            if (options.of == "") {
              options.of = {{"kind", "tree"}, {"max_depth", task == Task::kRegression ? 3 : 1}};
            }
            if (task == Task::kRegression) {
              return make_adaboost_of_values(options);
            }
            if (task == Task::kMultiLabel) {
              return std::make_unique<AdaBoostOfLabels>(options);
            }
            return std::make_unique<AdaBoost>(options);
          }};
}

}  // namespace athanor
