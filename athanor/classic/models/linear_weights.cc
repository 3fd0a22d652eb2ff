#include "athanor/classic/models/linear_weights.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/dense_kernels.h"

namespace athanor::classic {

namespace {

constexpr size_t kShown = 50;
constexpr size_t kRowPiece = 512;

}  // namespace

LinearWeights LinearWeights::zeros(size_t outputs, size_t columns) {
  LinearWeights weights;
  weights.outputs = outputs;
  weights.columns = columns;
  weights.coefficients.assign(outputs * columns, 0.0);
  weights.intercepts.assign(outputs, 0.0);
  return weights;
}

Matrix LinearWeights::scores(const Matrix& x, ThreadPool& pool) const {
  Matrix out = Matrix::dense(x.rows, outputs);
  for_pieces(pool, x.rows, kRowPiece, [&](size_t, size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) {
      for (size_t k = 0; k < outputs; ++k) {
        const double* w = coefficients.data() + k * columns;
        double sum = 0;
        if (x.is_sparse) {
          for (size_t i = x.sparse.offsets[r]; i < x.sparse.offsets[r + 1]; ++i) {
            sum += x.sparse.values[i] * w[x.sparse.indices[i]];
          }
        } else {
          sum = dot(x.row(r), w, columns);
        }
        out.at(r, k) = sum + intercepts[k];
      }
    }
  });
  return out;
}

std::vector<double> LinearWeights::importances(std::string* what) const {
  if (what != nullptr) {
    *what = "mean absolute coefficient";
  }
  std::vector<double> mean(columns, 0.0);
  for (size_t k = 0; k < outputs; ++k) {
    for (size_t j = 0; j < columns; ++j) {
      mean[j] += std::fabs(coefficients[k * columns + j]) / static_cast<double>(outputs);
    }
  }
  return mean;
}

nlohmann::json LinearWeights::description(const std::vector<std::string>& names,
                                          const std::vector<std::string>& labels) const {
  auto list = nlohmann::json::array();
  for (size_t k = 0; k < outputs && k < kShown; ++k) {
    const auto w = of(k);
    std::vector<size_t> order(columns);
    std::iota(order.begin(), order.end(), size_t{0});
    const size_t shown = std::min(columns, kShown);
    std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(shown), order.end(), [&](size_t a, size_t b) {
      return std::pair(-std::fabs(w[a]), a) < std::pair(-std::fabs(w[b]), b);
    });
    auto coefficients_of = nlohmann::json::array();
    for (size_t i = 0; i < shown; ++i) {
      const size_t j = order[i];
      coefficients_of.push_back({{"feature", j < names.size() ? names[j] : "column " + std::to_string(j)}, {"value", w[j]}});
    }
    const auto zero = std::count(w.begin(), w.end(), 0.0);
    nlohmann::json one{{"intercept", intercepts[k]},
                       {"coefficients", std::move(coefficients_of)},
                       {"not_zero", static_cast<int64_t>(columns) - zero}};
    if (k < labels.size()) {
      one["label"] = labels[k];
    }
    list.push_back(std::move(one));
  }
  return {{"columns", columns}, {"outputs", std::move(list)}};
}

void LinearWeights::save(SavedWriter& out) const {
  out.put("coefficients", std::span<const double>(coefficients));
  out.put("intercepts", std::span<const double>(intercepts));
}

void LinearWeights::load(const SavedReader& in, size_t outputs_known, size_t columns_known) {
  outputs = outputs_known;
  columns = columns_known;
  const size_t size = checked_product(in, static_cast<int64_t>(outputs), static_cast<int64_t>(columns));
  coefficients = read_finite(in, "coefficients", size);
  intercepts = read_finite(in, "intercepts", outputs);
}

void LinearWeights::check() const {
  check_result(coefficients, "a coefficient");
  check_result(intercepts, "an intercept");
}

Matrix two_sided(const Matrix& scores) {
  Matrix out = Matrix::dense(scores.rows, 2);
  for (size_t r = 0; r < scores.rows; ++r) {
    out.at(r, 0) = -scores.values[r];
    out.at(r, 1) = scores.values[r];
  }
  return out;
}

}  // namespace athanor::classic
