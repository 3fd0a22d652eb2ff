// AdaBoost for any number of classes (SAMME; Zhu, Zou, Rosset, Hastie 2009): each model learns the
// rows that those before got wrong; votes by how often a model is right.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/classic/ensembles/ensemble_kinds.h"
#include "athanor/classic/ensembles/member.h"
#include "athanor/classic/trees/tree_model.h"
#include "athanor/run/fields.h"

namespace athanor {

namespace {

struct AdaBoostOptions {
  nlohmann::json of = {{"kind", "tree"}, {"max_depth", 1}};
  int64_t times = 50;
  double learning_rate = 1;

  static void fields(Fields<AdaBoostOptions>& f) {
    f.add("of", &AdaBoostOptions::of,
          "the model, which must heed weights: {kind: tree, max_depth: 1}");
    f.add("times", &AdaBoostOptions::times, "models at most").range(1, 10'000);
    f.add("learning_rate", &AdaBoostOptions::learning_rate, "how strongly the rows' weights change")
        .range(1e-9, 100);
  }
};

class AdaBoost : public ClassicModel {
 public:
  AdaBoost(const AdaBoostOptions& options, Task task) : options_(options), task_(task) {
    Member(options.of, task, "of");
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
  Task task_;
  uint64_t labels_ = 0;
  std::vector<Member> members_;
  std::vector<double> votes_;
};

}  // namespace

ModelKind adaboost_kind() {
  return {"adaboost",
          "AdaBoost: each model learns what those before got wrong",
          {Task::kClasses},
          false,
          true,
          schema_of<AdaBoostOptions>(),
          [](const nlohmann::json& options, Task task) -> std::unique_ptr<ClassicModel> {
            return std::make_unique<AdaBoost>(load_options<AdaBoostOptions>(options), task);
          }};
}

}  // namespace athanor
