// CMA-ES (Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv:1604.00772) as a sampler on the unit cube: the worse half of
// a generation counts with negative weights, points outside are redrawn, and it restarts with twice the population when it has
// converged (Auger and Hansen 2005). Integers and choices are rounded places of the cube.
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <map>

#include "athanor/tune/sampler.h"

namespace athanor::tune {

namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kFirstSigma = 1.0 / 6;
constexpr int kRedraws = 100;
constexpr double kMostElongated = 1e14;  // largest over smallest eigenvalue
constexpr double kSmallestStep = 1e-12;

struct Solution {
  VectorXd x;
  double value;
};

class CmaSampler : public Sampler {
 public:
  CmaSampler(const SamplerOptions& options, const Space& space, uint64_t seed)
      : space_(space), seed_(seed), n_(static_cast<int>(space.size())) {
    lambda_ = options.population > 1 ? static_cast<int>(options.population)
                                     : 4 + static_cast<int>(3 * std::log(std::max(1, n_)));
    start(VectorXd::Constant(n_, 0.5));
  }

  Point suggest(int64_t) override {
    const VectorXd x = draw();
    return space_.from_units(std::vector<double>(x.data(), x.data() + n_));
  }

  void note(int64_t number, const Point&) override {
    asked_[number] = {generation_, draw()};
    ++index_;
  }

  void tell(const Trial& trial) override {
    const auto found = asked_.find(trial.number);
    if (found == asked_.end()) {
      return;
    }
    const auto [generation, x] = found->second;
    asked_.erase(found);
    if (generation != generation_ || trial.state != TrialState::kComplete) {
      return;
    }
    told_.push_back({x, trial.values.at(0)});
    if (static_cast<int>(told_.size()) >= lambda_) {
      update();
    }
  }

 private:
  void start(const VectorXd& mean) {
    mean_ = mean;
    sigma_ = kFirstSigma;
    c_ = MatrixXd::Identity(n_, n_);
    b_ = c_;
    d_ = VectorXd::Ones(n_);
    path_sigma_ = path_c_ = VectorXd::Zero(n_);
    updates_ = 0;
    const double n = n_;
    VectorXd raw(lambda_);
    for (int i = 0; i < lambda_; ++i) {
      raw[i] = std::log(0.5 * (lambda_ + 1)) - std::log(i + 1.0);
    }
    const VectorXd good = raw.cwiseMax(0);
    const VectorXd bad = raw.cwiseMin(0);
    mu_eff_ = good.sum() * good.sum() / good.squaredNorm();
    const double mu_eff_bad = bad.sum() * bad.sum() / bad.squaredNorm();
    c_sigma_ = (mu_eff_ + 2) / (n + mu_eff_ + 5);
    damping_ = 1 + 2 * std::max(0.0, std::sqrt((mu_eff_ - 1) / (n + 1)) - 1) + c_sigma_;
    c_c_ = (4 + mu_eff_ / n) / (n + 4 + 2 * mu_eff_ / n);
    c_1_ = 2 / ((n + 1.3) * (n + 1.3) + mu_eff_);
    c_mu_ = std::min(1 - c_1_, 2 * (0.25 + mu_eff_ + 1 / mu_eff_ - 2) / ((n + 2) * (n + 2) + mu_eff_));
    const double least = std::min({1 + c_1_ / c_mu_, 1 + 2 * mu_eff_bad / (mu_eff_ + 2), (1 - c_1_ - c_mu_) / (n * c_mu_)});
    weights_ = good / good.sum() - least * bad / bad.sum();
    chi_n_ = std::sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));
  }

  VectorXd draw() const {
    Rng rng(random_at(seed_, 0xc3a, generation_, index_));
    VectorXd x(n_);
    for (int attempt = 0; attempt < kRedraws; ++attempt) {
      VectorXd z(n_);
      for (int i = 0; i < n_; ++i) {
        z[i] = rng.normal();
      }
      x = mean_ + sigma_ * (b_ * d_.cwiseProduct(z));
      if (x.minCoeff() >= 0 && x.maxCoeff() <= 1) {
        return x;
      }
    }
    return x.cwiseMax(0).cwiseMin(1);
  }

  void update() {
    std::stable_sort(told_.begin(), told_.end(), [](const Solution& a, const Solution& b) { return a.value < b.value; });
    const VectorXd old = mean_;
    mean_.setZero();
    MatrixXd rank_mu = MatrixXd::Zero(n_, n_);
    for (int i = 0; i < lambda_; ++i) {
      const VectorXd& x = told_[static_cast<size_t>(i)].x;
      mean_ += std::max(0.0, weights_[i]) * x;
      const VectorXd y = (x - old) / sigma_;
      const double far = d_.cwiseInverse().cwiseProduct(b_.transpose() * y).squaredNorm();
      // Of a bad point only the direction counts, so that the covariance stays positive definite.
      rank_mu += (weights_[i] >= 0 ? weights_[i] : weights_[i] * n_ / std::max(far, 1e-12)) * y * y.transpose();
    }
    const VectorXd y = (mean_ - old) / sigma_;
    const VectorXd whitened = b_ * d_.cwiseInverse().cwiseProduct(b_.transpose() * y);
    path_sigma_ = (1 - c_sigma_) * path_sigma_ + std::sqrt(c_sigma_ * (2 - c_sigma_) * mu_eff_) * whitened;
    ++updates_;
    const double length = path_sigma_.norm();
    const double expected = chi_n_ * (1.4 + 2.0 / (n_ + 1));
    const bool steady = length / std::sqrt(1 - std::pow(1 - c_sigma_, 2.0 * updates_)) < expected;
    path_c_ = (1 - c_c_) * path_c_;
    if (steady) {
      path_c_ += std::sqrt(c_c_ * (2 - c_c_) * mu_eff_) * y;
    }
    const double lost = steady ? 0 : c_c_ * (2 - c_c_);
    c_ = (1 + c_1_ * lost - c_1_ - c_mu_ * weights_.sum()) * c_ + c_1_ * path_c_ * path_c_.transpose() + c_mu_ * rank_mu;
    sigma_ = std::min(1.0, sigma_ * std::exp(c_sigma_ / damping_ * (length / chi_n_ - 1)));
    factorise();
    const bool flat = told_.front().value == told_.back().value;
    told_.clear();
    ++generation_;
    index_ = 0;
    if (flat || sigma_ * d_.maxCoeff() < kSmallestStep || d_.maxCoeff() > std::sqrt(kMostElongated) * d_.minCoeff()) {
      restart();
    }
  }

  void factorise() {
    c_ = 0.5 * (c_ + c_.transpose()).eval();
    const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(c_);
    b_ = solver.eigenvectors();
    d_ = solver.eigenvalues().cwiseMax(1e-20).cwiseSqrt();
  }

  void restart() {
    lambda_ *= 2;
    Rng rng(random_at(seed_, 0xc3b, generation_));
    VectorXd mean(n_);
    for (int i = 0; i < n_; ++i) {
      mean[i] = rng.uniform();
    }
    start(mean);
  }

  Space space_;
  uint64_t seed_;
  int n_;
  int lambda_ = 0;
  VectorXd mean_, d_, path_sigma_, path_c_, weights_;
  MatrixXd c_, b_;
  double sigma_ = 0, mu_eff_ = 0, c_sigma_ = 0, damping_ = 0, c_c_ = 0, c_1_ = 0, c_mu_ = 0, chi_n_ = 0;
  int updates_ = 0;
  uint64_t generation_ = 0;
  uint64_t index_ = 0;  // asked in this generation
  std::vector<Solution> told_;
  std::map<int64_t, std::pair<uint64_t, VectorXd>> asked_;
};

}  // namespace

std::unique_ptr<Sampler> make_cma(const SamplerOptions& options, const Space& space, uint64_t seed) {
  return std::make_unique<CmaSampler>(options, space, seed);
}

}  // namespace athanor::tune
