// A Gaussian process on the unit cube: Matern 5/2 with a length scale a dimension, a scale and a noise, all found by
// maximising the marginal likelihood with weak priors (those of Optuna's GPSampler). Targets are standardised inside.
#pragma once

#include <Eigen/Core>
#include <vector>

namespace athanor::tune {

class GaussianProcess {
 public:
  // x: one row a trial; choice[d]: values of dimension d are equal or not, nothing between. At least 2 rows.
  GaussianProcess(Eigen::MatrixXd x, const Eigen::VectorXd& y, std::vector<bool> choice);

  struct Prediction {
    double mean = 0;
    double variance = 0;  // of the function, without noise
  };
  Prediction predict(const Eigen::VectorXd& x) const;  // in y's own units
  // With the slopes of both by x; 0 along choices.
  Prediction predict(const Eigen::VectorXd& x, Eigen::VectorXd& mean_slope, Eigen::VectorXd& variance_slope) const;

  // Adds a place whose value is not known yet as if it were what the model expects: it is not tried again.
  void believe(const Eigen::VectorXd& x);

  double log_likelihood() const { return log_likelihood_; }
  const Eigen::VectorXd& inverse_squared_lengths() const { return inverse_; }
  double scale() const { return scale_; }
  double noise() const { return noise_; }

 private:
  double objective(const Eigen::VectorXd& theta, Eigen::VectorXd* gradient);  // negative log posterior
  void fit();
  void factorise();
  double squared_distance(const Eigen::VectorXd& a, const Eigen::VectorXd& b) const;

  Eigen::MatrixXd x_;
  Eigen::VectorXd y_;  // standardised
  std::vector<bool> choice_;
  double mean_ = 0, deviation_ = 1;
  Eigen::VectorXd inverse_;
  double scale_ = 1, noise_ = 1e-2;
  double log_likelihood_ = 0;
  Eigen::MatrixXd l_;      // Cholesky factor of K + noise
  Eigen::VectorXd alpha_;  // K^-1 y
};

// log of the expected improvement below `best`, stable far in the tail (Ament et al. 2023).
double log_expected_improvement(double mean, double variance, double best);
// Its slopes by mean and by variance.
struct ImprovementSlopes {
  double by_mean = 0;
  double by_variance = 0;
};
ImprovementSlopes log_expected_improvement_slopes(double mean, double variance, double best);

}  // namespace athanor::tune
