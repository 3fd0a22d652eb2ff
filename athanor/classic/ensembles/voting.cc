// Voting: several models of any kind, their probabilities averaged (soft) or their votes counted
// (hard); values averaged.
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/classic/ensembles/ensemble_kinds.h"
#include "athanor/classic/ensembles/member.h"
#include "athanor/classic/ensembles/member_list.h"
#include "athanor/run/fields.h"

namespace athanor {

namespace {

struct VotingOptions {
  nlohmann::json of = nlohmann::json::array();
  std::string vote = "soft";
  std::vector<double> weights;

  static void fields(Fields<VotingOptions>& f) {
    f.add("of", &VotingOptions::of, "the models: [{kind: forest}, {kind: boosting}]").required();
    f.add("vote", &VotingOptions::vote,
          "soft: probabilities are averaged; hard: each model has one vote")
        .choices({"soft", "hard"});
    f.add("weights", &VotingOptions::weights, "of the models; empty: all the same").range(0, 1e12);
  }
};

class Voting : public ClassicModel {
 public:
  Voting(const VotingOptions& options, Task task)
      : options_(options), task_(task), members_((check_weights(options), members_of(options.of, task, "of"))) {
    for (size_t i = 0; i < members_.size() && options.vote == "soft" && task != Task::kRegression; ++i) {
      if (!members_[i].gives_probabilities()) {
        throw Error(ErrorKind::kUsage, "'" + members_[i].kind() + "' gives no probabilities, which a soft vote averages",
                    "of[" + std::to_string(i) + "]",
                    "vote: hard, or {kind: calibrated, of: {kind: " + members_[i].kind() + "}}");
      }
    }
  }

  void fit(const Matrix& x, const Target& target, FitContext& context) override {
    outputs_ = task_ == Task::kRegression ? 1 : target.labels.size();
    for (size_t i = 0; i < members_.size(); ++i) {
      FitContext own = context_of_part(context, i, members_.size());
      members_[i].fit(x, target, own);
    }
  }

  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    Matrix out = Matrix::dense(x.rows, outputs_);
    double all = 0;
    for (size_t i = 0; i < members_.size(); ++i) {
      const double weight = options_.weights.empty() ? 1 : options_.weights[i];
      const bool hard = options_.vote == "hard" && task_ != Task::kRegression;
      const Matrix one =
          hard ? votes_of(members_[i].predict(x, pool), task_, members_[i].gives_probabilities())
               : members_[i].shares(x, pool);
      all += weight;
      for (size_t k = 0; k < out.values.size(); ++k) {
        out.values[k] += weight * one.values[k];
      }
    }
    for (double& value : out.values) {
      value /= all;
    }
    return out;
  }

  bool gives_probabilities() const override { return task_ != Task::kRegression; }
  nlohmann::json description(const std::vector<std::string>& names) const override {
    return {{"vote", options_.vote}, {"models", descriptions_of(members_, names)}};
  }
  void save(SavedWriter& out) const override {
    out.json()["outputs"] = outputs_;
    save_members(members_, out);
  }
  void load(const SavedReader& in) override {
    outputs_ = in.get<uint64_t>("outputs");
    if (outputs_ == 0 || outputs_ > (1U << 24)) {
      in.fail("'outputs' is out of range");
    }
    load_members(members_, in);
  }

 private:
  // Before the members: whatever the task is.
  static void check_weights(const VotingOptions& options) {
    double sum = 0;
    for (const double weight : options.weights) {
      sum += weight;
    }
    if (!options.weights.empty() && (options.weights.size() != options.of.size() || !(sum > 0))) {
      throw Error(ErrorKind::kUsage,
                  "there are " + std::to_string(options.of.size()) + " models and " +
                      std::to_string(options.weights.size()) +
                      " weights, whose sum must be above 0",
                  "weights", "a weight a model, in the order of 'of'");
    }
  }

  VotingOptions options_;
  Task task_;
  uint64_t outputs_ = 1;
  std::vector<Member> members_;
};

}  // namespace

ModelKind voting_kind() {
  return {"voting",
          "several models of any kind vote",
          {Task::kClasses, Task::kMultiLabel, Task::kRegression},
          false,
          true,
          schema_of<VotingOptions>(),
          [](const nlohmann::json& options, Task task) -> std::unique_ptr<ClassicModel> {
            return std::make_unique<Voting>(load_options<VotingOptions>(options), task);
          }};
}

}  // namespace athanor
