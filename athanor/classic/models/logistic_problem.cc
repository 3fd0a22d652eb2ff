#include "athanor/classic/models/logistic_problem.h"

#include <cmath>

#include "athanor/classic/models/checks.h"

namespace athanor::classic {

namespace {

constexpr size_t kRowPiece = 2048;

// log(1 + e^z) without overflow.
double log1p_exp(double z) { return z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z)); }
double sigmoid(double z) {
  const double e = std::exp(-std::fabs(z));
  return (z >= 0 ? 1.0 : e) / (1 + e);
}

}  // namespace

LogisticProblem::LogisticProblem(const Design& design, const ClassRows& rows, bool intercept, double l1, double l2,
                                 ThreadPool& pool)
    : design_(design), rows_(rows), intercept_(intercept), pool_(pool), outputs_(rows.num_classes == 2 ? 1 : rows.num_classes) {
  const double total = rows.total();
  l1_ = l1 / total;
  l2_ = l2 / total;
  shares_.resize(design.rows());
  for (size_t r = 0; r < shares_.size(); ++r) {
    shares_[r] = rows.weight(r) / total;
  }
}

std::vector<double> LogisticProblem::scores(const Vector& theta) const {
  const size_t n = design_.rows();
  const size_t columns = design_.columns();
  Vector z(outputs_ * n);
  for (size_t k = 0; k < outputs_; ++k) {
    const std::span<double> part(z.data() + k * n, n);
    design_.times({theta.data() + k * columns, columns}, pool_, part);
    const double intercept = theta[outputs_ * columns + k];
    for (double& value : part) {
      value += intercept;
    }
  }
  return z;
}

double LogisticProblem::value(const Vector& theta, const Vector& z) const {
  const size_t n = design_.rows();
  Vector sums(num_pieces(n, kRowPiece), 0.0);
  for_pieces(pool_, n, kRowPiece, [&](size_t piece, size_t begin, size_t end) {
    double sum = 0;
    for (size_t r = begin; r < end; ++r) {
      const auto y = static_cast<size_t>(rows_.classes[r]);
      if (outputs_ == 1) {
        sum += shares_[r] * log1p_exp(y == 1 ? -z[r] : z[r]);
        continue;
      }
      double top = z[r];
      for (size_t k = 1; k < outputs_; ++k) {
        top = std::max(top, z[k * n + r]);
      }
      double all = 0;
      for (size_t k = 0; k < outputs_; ++k) {
        all += std::exp(z[k * n + r] - top);
      }
      sum += shares_[r] * (std::log(all) + top - z[y * n + r]);
    }
    sums[piece] = sum;
  });
  double loss = 0;
  for (const double sum : sums) {
    loss += sum;
  }
  const size_t punished = outputs_ * design_.columns();
  double absolute = 0;
  for (size_t i = 0; i < punished && l1_ > 0; ++i) {
    absolute += std::fabs(theta[i]);
  }
  return loss + l2_ / 2 * dot(theta.data(), theta.data(), punished) + l1_ * absolute;
}

std::vector<double> LogisticProblem::probabilities(const Vector& z) const {
  const size_t n = design_.rows();
  Vector p(z.size());
  for_pieces(pool_, n, kRowPiece, [&](size_t, size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) {
      if (outputs_ == 1) {
        p[r] = sigmoid(z[r]);
        continue;
      }
      double top = z[r];
      for (size_t k = 1; k < outputs_; ++k) {
        top = std::max(top, z[k * n + r]);
      }
      double all = 0;
      for (size_t k = 0; k < outputs_; ++k) {
        all += p[k * n + r] = std::exp(z[k * n + r] - top);
      }
      for (size_t k = 0; k < outputs_; ++k) {
        p[k * n + r] /= all;
      }
    }
  });
  return p;
}

std::vector<double> LogisticProblem::row_residual(const Vector& p, size_t k) const {
  const size_t n = design_.rows();
  const int32_t own = outputs_ == 1 ? 1 : static_cast<int32_t>(k);
  Vector left(n);
  for (size_t r = 0; r < n; ++r) {
    left[r] = shares_[r] * (p[k * n + r] - (rows_.classes[r] == own ? 1.0 : 0.0));
  }
  return left;
}

std::vector<double> LogisticProblem::gradient(const Vector& theta, const Vector& p) const {
  const size_t columns = design_.columns();
  Vector g(size());
  for (size_t k = 0; k < outputs_; ++k) {
    const Vector left = row_residual(p, k);
    double sum = 0;
    for (const double one : left) {
      sum += one;
    }
    design_.transposed(left, pool_, {g.data() + k * columns, columns});
    g[outputs_ * columns + k] = intercept_ ? sum : 0;
  }
  add_scaled(g.data(), theta.data(), l2_, outputs_ * columns);
  return g;
}

double LogisticProblem::violation(const Vector& theta, const Vector& gradient) const {
  double largest = 0;
  for (size_t i = 0; i < theta.size(); ++i) {
    double part = std::fabs(gradient[i]);
    if (l1_ > 0 && is_punished(i)) {
      part = theta[i] != 0 ? std::fabs(gradient[i] + (theta[i] > 0 ? l1_ : -l1_)) : std::max(0.0, part - l1_);
    }
    largest = std::max(largest, part);
  }
  return largest;
}

std::vector<double> LogisticProblem::row_curvature(const Vector& p, size_t k, size_t l) const {
  const size_t n = design_.rows();
  Vector h(n);
  const double* a = p.data() + k * n;
  const double* b = p.data() + l * n;
  for (size_t r = 0; r < n; ++r) {
    h[r] = shares_[r] * a[r] * ((k == l ? 1.0 : 0.0) - b[r]);
  }
  return h;
}

std::vector<double> LogisticProblem::curvature_times(const Vector& p, const Vector& v) const {
  const size_t n = design_.rows();
  const size_t columns = design_.columns();
  Vector u = scores(v);
  for_pieces(pool_, n, kRowPiece, [&](size_t, size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) {
      if (outputs_ == 1) {
        u[r] *= shares_[r] * p[r] * (1 - p[r]);
        continue;
      }
      double mean = 0;
      for (size_t k = 0; k < outputs_; ++k) {
        mean += p[k * n + r] * u[k * n + r];
      }
      for (size_t k = 0; k < outputs_; ++k) {
        u[k * n + r] = shares_[r] * p[k * n + r] * (u[k * n + r] - mean);
      }
    }
  });
  Vector out(size(), 0.0);
  for (size_t k = 0; k < outputs_; ++k) {
    design_.transposed({u.data() + k * n, n}, pool_, {out.data() + k * columns, columns});
    double sum = 0;
    for (size_t r = 0; r < n && intercept_; ++r) {
      sum += u[k * n + r];
    }
    out[outputs_ * columns + k] = sum;
  }
  add_scaled(out.data(), v.data(), l2_, outputs_ * columns);
  return out;
}

std::vector<double> LogisticProblem::curvature_diagonal(const Vector& p) const {
  const size_t columns = design_.columns();
  Vector diagonal(size(), 1.0);
  for (size_t k = 0; k < outputs_; ++k) {
    const Vector h = row_curvature(p, k, k);
    for_pieces(pool_, columns, std::max<size_t>(1, columns / 64), [&](size_t, size_t begin, size_t end) {
      for (size_t j = begin; j < end; ++j) {
        diagonal[k * columns + j] = design_.column_square(j, h.data()) + l2_;
      }
    });
    double sum = 0;
    for (const double value : h) {
      sum += value;
    }
    diagonal[outputs_ * columns + k] = intercept_ ? sum : 1.0;
  }
  return diagonal;
}

}  // namespace athanor::classic
