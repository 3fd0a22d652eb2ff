// AdaBoost of numbers (AdaBoost.R2; Drucker 1997, as scikit-learn's AdaBoostRegressor): each model learns rows drawn by a weight
// that shrinks where those before were near; the answer is the median of theirs, weighted by how near each was.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "athanor/base/rng.h"
#include "athanor/classic/ensembles/adaboost.h"
#include "athanor/classic/trees/tree_model.h"

namespace athanor {

namespace {

constexpr uint64_t kDrawSalt = 0x61645232;

// Each row's error as a share of the largest, by the loss.
std::vector<double> relative_errors(const Matrix& said, const Target& target, const std::string& loss) {
  std::vector<double> errors(said.rows);
  double largest = 0;
  for (uint64_t r = 0; r < said.rows; ++r) {
    errors[r] = std::abs(said.at(r, 0) - target.values[r]);
    largest = std::max(largest, errors[r]);
  }
  for (double& error : errors) {
    error /= largest > 0 ? largest : 1;
    error = loss == "square" ? error * error : loss == "exponential" ? 1 - std::exp(-error) : error;
  }
  return errors;
}

class AdaBoostOfValues : public ClassicModel {
 public:
  explicit AdaBoostOfValues(const AdaBoostOptions& options) : options_(options) { Member(options.of, Task::kRegression, "of"); }

  void fit(const Matrix& all_x, const Target& all_target, FitContext& context) override {
    const FitRows given(all_x, all_target);
    const Matrix& x = given.x();
    Target target = given.target();
    std::vector<double> weights(x.rows);
    for (uint64_t r = 0; r < x.rows; ++r) {
      weights[r] = target.weight(r);
    }
    target.weights.clear();
    normalise(weights);
    members_.clear();
    votes_.clear();
    for (int64_t i = 0; i < options_.times; ++i) {
      const auto part = static_cast<uint64_t>(i);
      FitContext own = context_of_part(context, part, static_cast<uint64_t>(options_.times));
      const auto rows = rows_by_weight(weights, random_at(context.seed, kDrawSalt, part));
      Member member(options_.of, Task::kRegression, "of");
      member.fit(take_rows(x, rows), take_rows(target, rows), own);
      const auto errors = relative_errors(member.predict(x, context.pool), target, options_.loss);
      const double error = std::inner_product(weights.begin(), weights.end(), errors.begin(), 0.0);
      const bool useless = error >= 0.5;
      if (useless && !members_.empty()) {
        return;
      }
      const bool perfect = error <= 0;
      const double beta = error / (1 - error);
      members_.push_back(std::move(member));
      votes_.push_back(useless || perfect ? 1 : options_.learning_rate * std::log(1 / beta));
      if (useless || perfect) {
        return;
      }
      for (uint64_t r = 0; r < x.rows; ++r) {
        weights[r] *= std::pow(beta, (1 - errors[r]) * options_.learning_rate);
      }
      normalise(weights);
    }
  }

  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    std::vector<Matrix> said;
    for (const Member& member : members_) {
      said.push_back(member.predict(x, pool));
    }
    const double half = 0.5 * std::accumulate(votes_.begin(), votes_.end(), 0.0);
    Matrix out = Matrix::dense(x.rows, 1);
    std::vector<size_t> order(members_.size());
    for (uint64_t r = 0; r < x.rows; ++r) {
      std::iota(order.begin(), order.end(), size_t{0});
      std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return said[a].at(r, 0) < said[b].at(r, 0); });
      double votes = 0;
      size_t at = 0;
      for (; at + 1 < order.size(); ++at) {
        votes += votes_[order[at]];
        if (votes >= half) {
          break;
        }
      }
      out.at(r, 0) = said[order[at]].at(r, 0);
    }
    return out;
  }

  nlohmann::json description(const std::vector<std::string>&) const override {
    return {{"of", options_.of}, {"models", members_.size()}};
  }
  void save(SavedWriter& out) const override {
    out.put("votes", std::span<const double>(votes_));
    for (size_t i = 0; i < members_.size(); ++i) {
      members_[i].save(out.part("member" + std::to_string(i)));
    }
  }
  void load(const SavedReader& in) override {
    const auto votes = in.doubles("votes");
    if (votes.empty() || votes.size() > static_cast<size_t>(options_.times)) {
      in.fail("'votes' is out of range");
    }
    votes_.assign(votes.begin(), votes.end());
    members_.clear();
    for (size_t i = 0; i < votes_.size(); ++i) {
      if (!std::isfinite(votes_[i]) || votes_[i] < 0) {
        in.fail("a vote is no number that can be");
      }
      members_.emplace_back(options_.of, Task::kRegression, "of");
      members_.back().load(in.part("member" + std::to_string(i)));
    }
  }

 private:
  // They sum to 1; none falls to 0.
  static void normalise(std::vector<double>& weights) {
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (double& weight : weights) {
      weight = std::max(weight / sum, std::numeric_limits<double>::epsilon());
    }
  }

  AdaBoostOptions options_;
  std::vector<Member> members_;
  std::vector<double> votes_;
};

}  // namespace

std::vector<uint64_t> rows_by_weight(const std::vector<double>& weights, uint64_t key) {
  std::vector<double> up_to(weights.size());
  std::partial_sum(weights.begin(), weights.end(), up_to.begin());
  std::vector<uint64_t> rows(weights.size());
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const double at = to_unit(random_at(key, i)) * up_to.back();
    const auto found = std::upper_bound(up_to.begin(), up_to.end(), at);
    rows[i] = std::min(static_cast<uint64_t>(found - up_to.begin()), static_cast<uint64_t>(rows.size() - 1));
  }
  return rows;
}

std::unique_ptr<ClassicModel> make_adaboost_of_values(const AdaBoostOptions& options) {
  return std::make_unique<AdaBoostOfValues>(options);
}

}  // namespace athanor
