#include "athanor/classic/models/gaussian_mixture.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/kmeans.h"

namespace athanor::classic {

namespace {

size_t covariance_size(const Mixture& mixture) {
  if (mixture.shape == "full" || mixture.shape == "tied") {
    return (mixture.shape == "tied" ? 1 : mixture.components) * mixture.columns * mixture.columns;
  }
  return mixture.components * (mixture.shape == "diag" ? mixture.columns : 1);
}

class GaussianMixture final : public ClassicModel {
 public:
  GaussianMixture(const MixtureOptions& options, Task task) : options_(options), task_(task) {}

  void fit(const Matrix& x, const Target& target, FitContext& context) override {
    check_training(x, target);
    const Matrix rows = to_dense(x);
    const auto k = static_cast<size_t>(options_.components);
    for (int64_t start = 0; start < options_.starts; ++start) {
      FitContext inner{context.pool, random_at(context.seed, static_cast<uint64_t>(start)), context.warn, context.progress};
      KmeansOptions first;
      first.clusters = options_.components;
      first.starts = 1;
      const Lloyd clusters = kmeans(rows, {}, first, inner);
      std::vector<double> share(rows.rows * k, 0.0);
      for (size_t r = 0; r < rows.rows; ++r) {
        share[r * k + static_cast<size_t>(clusters.labels[r])] = 1;
      }
      Mixture one = mixture_from(rows, std::move(share), options_, inner);
      if (start == 0 || one.bound > mixture_.bound) {
        mixture_ = std::move(one);
      }
    }
    if (!mixture_.settled) {
      context.warn("gaussian_mixture: max_iterations rounds did not reach the tolerance; give more, or fewer components");
    }
    check_result(mixture_.means, "a mean");
    check_result(mixture_.covariances, "a covariance");
    threshold_ = 0;
    if (task_ == Task::kAnomaly) {
      Matrix scores = predict(x, context.pool);
      const auto at = std::min<size_t>(rows.rows - 1, static_cast<size_t>((1 - options_.contamination) * static_cast<double>(rows.rows)));
      std::nth_element(scores.values.begin(), scores.values.begin() + static_cast<ptrdiff_t>(at), scores.values.end());
      threshold_ = scores.values[at];
    }
  }

  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    check_rows(x, mixture_.columns);
    const Matrix rows = to_dense(x);
    const size_t k = mixture_.components;
    Matrix out = Matrix::dense(x.rows, task_ == Task::kAnomaly ? 1 : k + 1);
    for_pieces(pool, x.rows, 256, [&](size_t, size_t begin, size_t end) {
      std::vector<double> joint(k);
      for (size_t r = begin; r < end; ++r) {
        mixture_.log_joint(rows.row(r), joint.data());
        const auto top = std::max_element(joint.begin(), joint.end());
        double all = 0;
        for (const double one : joint) {
          all += std::exp(one - *top);
        }
        if (task_ == Task::kAnomaly) {
          out.values[r] = -(*top + std::log(all));
          continue;
        }
        out.at(r, 0) = static_cast<double>(top - joint.begin());
        for (size_t c = 0; c < k; ++c) {
          out.at(r, c + 1) = std::exp(joint[c] - *top) / all;
        }
      }
    });
    check_result(out.values, "a likelihood");
    return out;
  }
  bool gives_probabilities() const override { return task_ == Task::kClusters; }
  double threshold() const override { return threshold_; }
  nlohmann::json description(const std::vector<std::string>&) const override {
    auto list = nlohmann::json::array();
    for (size_t c = 0; c < mixture_.components && c < 50; ++c) {
      const auto begin = mixture_.means.begin() + static_cast<ptrdiff_t>(c * mixture_.columns);
      list.push_back({{"weight", mixture_.weights[c]},
                      {"mean", std::vector<double>(begin, begin + static_cast<ptrdiff_t>(std::min<size_t>(mixture_.columns, 50)))}});
    }
    return {{"shape", mixture_.shape}, {"iterations", mixture_.iterations}, {"log_likelihood", mixture_.bound}, {"components", std::move(list)}};
  }

  void save(SavedWriter& out) const override {
    out.json()["columns"] = mixture_.columns;
    out.json()["iterations"] = mixture_.iterations;
    out.json()["bound"] = mixture_.bound;
    out.json()["threshold"] = threshold_;
    out.put("weights", std::span<const double>(mixture_.weights));
    out.put("means", std::span<const double>(mixture_.means));
    out.put("covariances", std::span<const double>(mixture_.covariances));
  }
  void load(const SavedReader& in) override {
    mixture_ = Mixture();
    mixture_.shape = options_.shape;
    mixture_.components = static_cast<size_t>(options_.components);
    mixture_.columns = static_cast<size_t>(read_count(in, "columns", 1, 1 << 20));
    mixture_.iterations = in.get<int64_t>("iterations");
    mixture_.bound = in.get<double>("bound");
    threshold_ = in.get<double>("threshold");
    mixture_.weights = read_finite(in, "weights", mixture_.components);
    mixture_.means = read_finite(in, "means", mixture_.components * mixture_.columns);
    mixture_.covariances = read_finite(in, "covariances", covariance_size(mixture_));
    const bool above = std::all_of(mixture_.weights.begin(), mixture_.weights.end(), [](double w) { return w > 0; });
    if (!above || !mixture_.factorise()) {
      in.fail("a weight is not above 0, or a covariance is singular");
    }
  }

 private:
  MixtureOptions options_;
  Task task_;
  Mixture mixture_;
  double threshold_ = 0;
};

}  // namespace

std::unique_ptr<ClassicModel> make_gaussian_mixture(const nlohmann::json& options, Task task) {
  return std::make_unique<GaussianMixture>(load_options<MixtureOptions>(options), task);
}

}  // namespace athanor::classic
