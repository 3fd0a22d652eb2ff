// The EM rounds of gaussian_mixture.h.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/dense_kernels.h"
#include "athanor/classic/models/gaussian_mixture.h"

namespace athanor::classic {

namespace {

constexpr double kLogTwoPi = 1.8378770664093453;
constexpr size_t kRowPiece = 256;

// L^-1 of a symmetric positive matrix A = L L', lower triangle by rows; false where it is not positive.
bool inverse_cholesky(const double* a, size_t d, double* inverse, double& log_determinant) {
  std::vector<double> lower(d * d, 0.0);
  log_determinant = 0;
  for (size_t i = 0; i < d; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      const double left = a[i * d + j] - dot(lower.data() + i * d, lower.data() + j * d, j);
      if (i == j) {
        if (!(left > 0) || !std::isfinite(left)) {
          return false;
        }
        lower[i * d + i] = std::sqrt(left);
        log_determinant += std::log(lower[i * d + i]);
      } else {
        lower[i * d + j] = left / lower[j * d + j];
      }
    }
  }
  std::fill(inverse, inverse + d * d, 0.0);
  for (size_t i = 0; i < d; ++i) {
    for (size_t j = 0; j < i; ++j) {
      add_scaled(inverse + i * d, inverse + j * d, -lower[i * d + j], j + 1);
    }
    for (size_t j = 0; j <= i; ++j) {
      inverse[i * d + j] /= lower[i * d + i];
    }
    inverse[i * d + i] = 1 / lower[i * d + i];
  }
  return true;
}

// Weighted squares of a component around its mean, into `out` (columns x columns, or columns).
void scatter(const Matrix& x, const double* mean, const double* share, size_t stride, bool whole, double* out) {
  const size_t d = x.columns;
  std::vector<double> far(d);
  for (size_t r = 0; r < x.rows; ++r) {
    const double weight = share[r * stride];
    if (weight == 0) {
      continue;
    }
    const double* row = x.row(r);
    for (size_t j = 0; j < d; ++j) {
      far[j] = row[j] - mean[j];
    }
    for (size_t j = 0; j < d; ++j) {
      if (whole) {
        add_scaled(out + j * d, far.data(), weight * far[j], j + 1);
      } else {
        out[j] += weight * far[j] * far[j];
      }
    }
  }
}

void maximise(const Matrix& x, const std::vector<double>& share, const MixtureOptions& options, Mixture& mixture, ThreadPool& pool) {
  const size_t k = mixture.components;
  const size_t d = x.columns;
  const bool whole = mixture.shape == "full" || mixture.shape == "tied";
  const size_t size = whole ? d * d : d;
  std::vector<double> counts(k, 10 * 2.220446049250313e-16);
  std::vector<double> squares(k * size, 0.0);
  mixture.means.assign(k * d, 0.0);
  pool.parallel_for(k, [&](size_t c) {
    double* mean = mixture.means.data() + c * d;
    for (size_t r = 0; r < x.rows; ++r) {
      counts[c] += share[r * k + c];
      add_scaled(mean, x.row(r), share[r * k + c], d);
    }
    for (size_t j = 0; j < d; ++j) {
      mean[j] /= counts[c];
    }
    scatter(x, mean, share.data() + c, k, whole, squares.data() + c * size);
  });
  double total = 0;
  for (const double count : counts) {
    total += count;
  }
  mixture.weights.resize(k);
  for (size_t c = 0; c < k; ++c) {
    mixture.weights[c] = counts[c] / total;
  }
  const size_t matrices = mixture.shape == "tied" ? 1 : k;
  mixture.covariances.assign(mixture.shape == "spherical" ? k : matrices * size, 0.0);
  for (size_t c = 0; c < k; ++c) {
    const double* from = squares.data() + c * size;
    if (mixture.shape == "spherical") {
      for (size_t j = 0; j < d; ++j) {
        mixture.covariances[c] += (from[j] / counts[c] + options.added) / static_cast<double>(d);
      }
      continue;
    }
    double* to = mixture.covariances.data() + (matrices == 1 ? 0 : c * size);
    add_scaled(to, from, 1 / (mixture.shape == "tied" ? total : counts[c]), size);
  }
  for (size_t m = 0; m < matrices && mixture.shape != "spherical"; ++m) {
    double* to = mixture.covariances.data() + m * size;
    for (size_t j = 0; j < d; ++j) {
      to[whole ? j * d + j : j] += options.added;
      for (size_t i = 0; whole && i < j; ++i) {
        to[i * d + j] = to[j * d + i];
      }
    }
  }
  if (!mixture.factorise()) {
    throw Error(ErrorKind::kInput, "the covariance of a component is singular", "gaussian_mixture",
                "raise `added`, ask for fewer components, or take shape: diag");
  }
}

// Responsibilities of all rows; the mean log-likelihood.
double expect(const Matrix& x, const Mixture& mixture, std::vector<double>& share, ThreadPool& pool) {
  const size_t k = mixture.components;
  std::vector<double> sums(num_pieces(x.rows, kRowPiece), 0.0);
  for_pieces(pool, x.rows, kRowPiece, [&](size_t i, size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) {
      double* out = share.data() + r * k;
      mixture.log_joint(x.row(r), out);
      const double top = *std::max_element(out, out + k);
      double all = 0;
      for (size_t c = 0; c < k; ++c) {
        all += std::exp(out[c] - top);
      }
      const double log_p = top + std::log(all);
      for (size_t c = 0; c < k; ++c) {
        out[c] = std::exp(out[c] - log_p);
      }
      sums[i] += log_p;
    }
  });
  double sum = 0;
  for (const double one : sums) {
    sum += one;
  }
  return sum / static_cast<double>(x.rows);
}

}  // namespace

bool Mixture::factorise() {
  log_determinants_.assign(components, 0.0);
  if (shape == "full" || shape == "tied") {
    const size_t matrices = shape == "tied" ? 1 : components;
    factors_.assign(matrices * columns * columns, 0.0);
    for (size_t m = 0; m < matrices; ++m) {
      const size_t at = m * columns * columns;
      if (!inverse_cholesky(covariances.data() + at, columns, factors_.data() + at, log_determinants_[m])) {
        return false;
      }
    }
    for (size_t c = 1; c < components && matrices == 1; ++c) {
      log_determinants_[c] = log_determinants_[0];
    }
    return true;
  }
  factors_.resize(covariances.size());
  const size_t each = covariances.size() / components;
  for (size_t i = 0; i < covariances.size(); ++i) {
    if (!(covariances[i] > 0) || !std::isfinite(covariances[i])) {
      return false;
    }
    factors_[i] = 1 / std::sqrt(covariances[i]);
    log_determinants_[i / each] += 0.5 * std::log(covariances[i]) * static_cast<double>(each == 1 ? columns : 1);
  }
  return true;
}

void Mixture::log_joint(const double* row, double* out) const {
  constexpr size_t kShort = 64;
  double short_buffer[kShort];
  std::vector<double> long_buffer(columns > kShort ? columns : 0);
  double* far = columns > kShort ? long_buffer.data() : short_buffer;
  for (size_t c = 0; c < components; ++c) {
    for (size_t j = 0; j < columns; ++j) {
      far[j] = row[j] - means[c * columns + j];
    }
    double square = 0;
    if (shape == "full" || shape == "tied") {
      const double* factor = factors_.data() + (shape == "tied" ? 0 : c * columns * columns);
      for (size_t j = 0; j < columns; ++j) {
        const double z = dot(factor + j * columns, far, j + 1);
        square += z * z;
      }
    } else {
      for (size_t j = 0; j < columns; ++j) {
        const double z = far[j] * factors_[shape == "diag" ? c * columns + j : c];
        square += z * z;
      }
    }
    out[c] = std::log(weights[c]) - 0.5 * (static_cast<double>(columns) * kLogTwoPi + square) - log_determinants_[c];
  }
}

Mixture mixture_from(const Matrix& x, std::vector<double> share, const MixtureOptions& options, FitContext& context) {
  Mixture mixture;
  mixture.shape = options.shape;
  mixture.components = share.size() / x.rows;
  mixture.columns = x.columns;
  maximise(x, share, options, mixture, context.pool);
  mixture.bound = -INFINITY;
  for (mixture.iterations = 1; mixture.iterations <= options.max_iterations; ++mixture.iterations) {
    const double before = mixture.bound;
    mixture.bound = expect(x, mixture, share, context.pool);
    maximise(x, share, options, mixture, context.pool);
    context.progress(static_cast<double>(mixture.iterations) / static_cast<double>(options.max_iterations));
    if (std::fabs(mixture.bound - before) < options.tolerance) {
      return mixture;
    }
  }
  mixture.iterations = options.max_iterations;
  mixture.settled = false;
  return mixture;
}

}  // namespace athanor::classic
