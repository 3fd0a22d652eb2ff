#include "athanor/tune/gaussian_process.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"

namespace athanor::tune {

namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kSteps = 60;
constexpr double kLeastNoise = 1e-6;
constexpr double kLeastVariance = 1e-12;
constexpr double kLogSqrt2Pi = 0.91893853320467274;
constexpr double kTheta = 12;  // bound of the logarithms of all hyper-parameters

double matern(double r2) {
  const double r = std::sqrt(5 * r2);
  return (1 + r + r * r / 3) * std::exp(-r);
}

double matern_slope(double r2) {  // d matern / d r2
  const double r = std::sqrt(5 * r2);
  return -5.0 / 6 * (1 + r) * std::exp(-r);
}

}  // namespace

GaussianProcess::GaussianProcess(MatrixXd x, const VectorXd& y, std::vector<bool> choice)
    : x_(std::move(x)), choice_(std::move(choice)) {
  mean_ = y.mean();
  deviation_ = std::sqrt((y.array() - mean_).square().mean());
  deviation_ = deviation_ > 0 ? deviation_ : 1;
  y_ = (y.array() - mean_) / deviation_;
  inverse_ = VectorXd::Ones(x_.cols());
  fit();
  factorise();
}

double GaussianProcess::squared_distance(const VectorXd& a, const VectorXd& b) const {
  double sum = 0;
  for (Eigen::Index d = 0; d < a.size(); ++d) {
    const double dx = a[d] - b[d];
    sum += inverse_[d] * (choice_[static_cast<size_t>(d)] ? (dx != 0 ? 1.0 : 0.0) : dx * dx);
  }
  return sum;
}

// theta: logs of inverse squared lengths, scale, noise.
double GaussianProcess::objective(const VectorXd& theta, VectorXd* gradient) {
  const Eigen::Index n = x_.rows();
  const Eigen::Index dims = x_.cols();
  const VectorXd inverse = theta.head(dims).array().exp();
  const double scale = std::exp(theta[dims]);
  const double noise = std::exp(theta[dims + 1]) + kLeastNoise;
  MatrixXd r2 = MatrixXd::Zero(n, n);
  const auto squares = [&](Eigen::Index d) -> MatrixXd {
    const Eigen::ArrayXXd dx = (x_.col(d).replicate(1, n) - x_.col(d).transpose().replicate(n, 1)).array();
    if (choice_[static_cast<size_t>(d)]) {
      return (dx != 0).cast<double>().matrix();
    }
    return dx.square().matrix();
  };
  for (Eigen::Index d = 0; d < dims; ++d) {
    r2 += inverse[d] * squares(d);
  }
  const MatrixXd shape = r2.unaryExpr(&matern);
  const MatrixXd k = scale * shape + noise * MatrixXd::Identity(n, n);
  const Eigen::LLT<MatrixXd> llt(k);
  if (llt.info() != Eigen::Success) {
    return 1e300;
  }
  const VectorXd alpha = llt.solve(y_);
  double value = 0.5 * y_.dot(alpha) + llt.matrixLLT().diagonal().array().log().sum() +
                 static_cast<double>(n) * kLogSqrt2Pi;
  value += (0.1 / inverse.array() + 0.1 * inverse.array()).sum();
  value -= std::log(scale) - scale;                 // Gamma(2, 1)
  value -= 0.1 * std::log(noise) - 30 * noise;      // Gamma(1.1, 30)
  if (gradient != nullptr) {
    const MatrixXd g = alpha * alpha.transpose() - llt.solve(MatrixXd::Identity(n, n));
    const MatrixXd slope = g.cwiseProduct(scale * r2.unaryExpr(&matern_slope));
    gradient->resize(dims + 2);
    for (Eigen::Index d = 0; d < dims; ++d) {
      (*gradient)[d] = -0.5 * inverse[d] * slope.cwiseProduct(squares(d)).sum() - 0.1 / inverse[d] + 0.1 * inverse[d];
    }
    (*gradient)[dims] = -0.5 * scale * g.cwiseProduct(shape).sum() - 1 + scale;
    const double free = noise - kLeastNoise;
    (*gradient)[dims + 1] = free * (-0.5 * g.trace() - 0.1 / noise + 30);
  }
  return value;
}

// BFGS with backtracking from one fixed start: the same trials always give the same model.
void GaussianProcess::fit() {
  const Eigen::Index size = x_.cols() + 2;
  VectorXd theta = VectorXd::Zero(size);
  theta[size - 1] = std::log(1e-2);
  VectorXd gradient;
  double value = objective(theta, &gradient);
  MatrixXd h = MatrixXd::Identity(size, size);
  for (int step = 0; step < kSteps && gradient.norm() > 1e-4; ++step) {
    VectorXd direction = -h * gradient;
    if (direction.dot(gradient) > -1e-12) {
      h.setIdentity();
      direction = -gradient;
    }
    double length = std::min(1.0, 3.0 / std::max(1e-12, direction.cwiseAbs().maxCoeff()));
    VectorXd next;
    double next_value = 0;
    int tries = 0;
    for (; tries < 20; ++tries, length *= 0.5) {
      next = (theta + length * direction).cwiseMax(-kTheta).cwiseMin(kTheta);
      next_value = objective(next, nullptr);
      if (next_value <= value + 1e-4 * gradient.dot(next - theta)) {
        break;
      }
    }
    if (tries == 20 || value - next_value < 1e-7 * (1 + std::abs(value))) {
      break;
    }
    VectorXd next_gradient;
    objective(next, &next_gradient);
    const VectorXd s = next - theta;
    const VectorXd y = next_gradient - gradient;
    const double sy = s.dot(y);
    if (sy > 1e-10) {
      const MatrixXd left = MatrixXd::Identity(size, size) - s * y.transpose() / sy;
      h = (left * h * left.transpose() + s * s.transpose() / sy).eval();
    }
    theta = next;
    gradient = next_gradient;
    value = next_value;
  }
  inverse_ = theta.head(x_.cols()).array().exp();
  scale_ = std::exp(theta[size - 2]);
  noise_ = std::exp(theta[size - 1]) + kLeastNoise;
  log_likelihood_ = -value;
}

void GaussianProcess::factorise() {
  const Eigen::Index n = x_.rows();
  MatrixXd k(n, n);
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index j = 0; j <= i; ++j) {
      k(i, j) = k(j, i) = scale_ * matern(squared_distance(x_.row(i), x_.row(j))) + (i == j ? noise_ : 0);
    }
  }
  const Eigen::LLT<MatrixXd> llt(k);
  if (llt.info() != Eigen::Success) {
    throw Error(ErrorKind::kInternal, "the Gaussian process's matrix is not positive definite");
  }
  l_ = llt.matrixL();
  alpha_ = llt.solve(y_);
}

GaussianProcess::Prediction GaussianProcess::predict(const VectorXd& x) const {
  const Eigen::Index n = x_.rows();
  VectorXd k(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    double r2 = 0;
    for (Eigen::Index d = 0; d < x.size(); ++d) {
      const double dx = x[d] - x_(i, d);
      r2 += inverse_[d] * (choice_[static_cast<size_t>(d)] ? (dx != 0 ? 1.0 : 0.0) : dx * dx);
    }
    k[i] = scale_ * matern(r2);
  }
  const double mean = k.dot(alpha_);
  const VectorXd v = l_.triangularView<Eigen::Lower>().solve(k);
  const double variance = std::max(kLeastVariance, scale_ - v.squaredNorm());
  return {mean_ + deviation_ * mean, deviation_ * deviation_ * variance};
}

GaussianProcess::Prediction GaussianProcess::predict(const VectorXd& x, VectorXd& mean_slope, VectorXd& variance_slope) const {
  const Eigen::Index n = x_.rows();
  VectorXd k(n);
  MatrixXd slopes(n, x.size());  // of k
  for (Eigen::Index i = 0; i < n; ++i) {
    const double r2 = squared_distance(x, x_.row(i));
    k[i] = scale_ * matern(r2);
    const double outer = scale_ * matern_slope(r2);
    for (Eigen::Index d = 0; d < x.size(); ++d) {
      slopes(i, d) = choice_[static_cast<size_t>(d)] ? 0 : outer * 2 * inverse_[d] * (x[d] - x_(i, d));
    }
  }
  const VectorXd v = l_.triangularView<Eigen::Lower>().solve(k);
  const VectorXd w = l_.transpose().triangularView<Eigen::Upper>().solve(v);
  mean_slope = deviation_ * (slopes.transpose() * alpha_);
  const double free = scale_ - v.squaredNorm();
  variance_slope = -2 * deviation_ * deviation_ * (slopes.transpose() * w);
  if (free <= kLeastVariance) {
    variance_slope.setZero();
  }
  return {mean_ + deviation_ * k.dot(alpha_), deviation_ * deviation_ * std::max(kLeastVariance, free)};
}

void GaussianProcess::believe(const VectorXd& x) {
  const double mean = (predict(x).mean - mean_) / deviation_;
  x_.conservativeResize(x_.rows() + 1, Eigen::NoChange);
  x_.row(x_.rows() - 1) = x.transpose();
  y_.conservativeResize(y_.size() + 1);
  y_[y_.size() - 1] = mean;
  factorise();
}

double log_expected_improvement(double mean, double variance, double best) {
  const double sigma = std::sqrt(variance);
  const double z = (best - mean) / sigma;
  if (z > -25) {
    const double density = std::exp(-0.5 * z * z - kLogSqrt2Pi);
    const double below = 0.5 * std::erfc(-z * 0.70710678118654752);
    const double value = z * below + density;
    if (value > 1e-290 && z > -6) {
      return std::log(value) + std::log(sigma);
    }
  }
  // z far below 0: Phi(z) z + phi(z) = phi(z) (1/z^2 - 3/z^4 + 15/z^6 - ...)
  const double w = 1 / (z * z);
  return -0.5 * z * z - kLogSqrt2Pi + std::log(w * (1 - 3 * w + 15 * w * w - 105 * w * w * w)) + std::log(sigma);
}

ImprovementSlopes log_expected_improvement_slopes(double mean, double variance, double best) {
  // EI = sigma h(z), h = z Phi + phi, h' = Phi: d log EI / d mean = -Phi / (sigma h), / d sigma = phi / (sigma h).
  const double sigma = std::sqrt(variance);
  const double z = (best - mean) / sigma;
  const double log_h = log_expected_improvement(mean, variance, best) - std::log(sigma);
  const double log_phi = -0.5 * z * z - kLogSqrt2Pi;
  const double w = 1 / (z * z);
  const double log_below = z > -25 ? std::log(0.5 * std::erfc(-z * 0.70710678118654752))
                                   : log_phi - std::log(-z) + std::log(1 - w + 3 * w * w);
  return {-std::exp(log_below - log_h) / sigma, std::exp(log_phi - log_h) / (2 * variance)};
}

}  // namespace athanor::tune
