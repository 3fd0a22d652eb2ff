#include "athanor/classic/models/calibration.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace athanor::classic {

namespace {

double weight_of(std::span<const double> weights, size_t i) { return weights.empty() ? 1.0 : weights[i]; }

double logistic_of(double z) {  // 1 / (1 + e^z)
  const double e = std::exp(-std::fabs(z));
  return z >= 0 ? e / (1 + e) : 1 / (1 + e);
}

double log1p_exp(double z) { return z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z)); }

}  // namespace

double Sigmoid::at(double score) const { return logistic_of(a * score + b); }

Sigmoid fit_sigmoid(std::span<const double> scores, std::span<const uint8_t> yes, std::span<const double> weights) {
  double with = 0;
  double without = 0;
  double largest = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    (yes[i] != 0 ? with : without) += weight_of(weights, i);
    largest = std::max(largest, std::fabs(scores[i]));
  }
  const double high = (with + 1) / (with + 2);
  const double low = 1 / (without + 2);
  const double scale = largest > 0 ? largest : 1;  // so that large scores cost no digits
  double a = 0;
  double b = std::log((without + 1) / (with + 1));
  const auto value = [&](double at_a, double at_b) {
    double sum = 0;
    for (size_t i = 0; i < scores.size(); ++i) {
      const double z = at_a * scores[i] / scale + at_b;
      const double target = yes[i] != 0 ? high : low;
      sum += weight_of(weights, i) * (log1p_exp(z) - (1 - target) * z);
    }
    return sum;
  };
  double now = value(a, b);
  constexpr int kSteps = 200;
  for (int step = 0; step < kSteps; ++step) {
    double g[2] = {0, 0};
    double h[3] = {1e-12 * (with + without), 0, 1e-12 * (with + without)};
    for (size_t i = 0; i < scores.size(); ++i) {
      const double s = scores[i] / scale;
      const double p = logistic_of(a * s + b);
      const double weight = weight_of(weights, i);
      const double left = weight * ((yes[i] != 0 ? high : low) - p);
      const double bend = weight * p * (1 - p);
      g[0] += left * s;
      g[1] += left;
      h[0] += bend * s * s;
      h[1] += bend * s;
      h[2] += bend;
    }
    if (std::max(std::fabs(g[0]), std::fabs(g[1])) <= 1e-12 * (with + without)) {
      break;
    }
    const double determinant = h[0] * h[2] - h[1] * h[1];
    const double da = -(h[2] * g[0] - h[1] * g[1]) / determinant;
    const double db = -(h[0] * g[1] - h[1] * g[0]) / determinant;
    bool moved = false;
    for (double t = 1; t > 1e-10 && !moved; t /= 2) {
      const double next = value(a + t * da, b + t * db);
      if (next < now + 1e-4 * t * (g[0] * da + g[1] * db)) {
        a += t * da;
        b += t * db;
        now = next;
        moved = true;
      }
    }
    if (!moved) {
      break;  // rounding allows no more
    }
  }
  return {a / scale, b};
}

double Isotonic::at(double score) const {
  if (x.empty() || score <= x.front()) {
    return y.empty() ? 0 : y.front();
  }
  if (score >= x.back()) {
    return y.back();
  }
  const auto above = static_cast<size_t>(std::upper_bound(x.begin(), x.end(), score) - x.begin());
  const double slope = (y[above] - y[above - 1]) / (x[above] - x[above - 1]);
  return std::min(y[above], y[above - 1] + slope * (score - x[above - 1]));
}

Isotonic fit_isotonic(std::span<const double> scores, std::span<const double> values, std::span<const double> weights) {
  std::vector<size_t> order;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (weight_of(weights, i) > 0) {
      order.push_back(i);
    }
  }
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::tuple(scores[a], values[a], a) < std::tuple(scores[b], values[b], b);
  });
  struct Block {
    double weight;
    double sum;
    size_t begin;  // into the distinct scores
    double mean() const { return sum / weight; }
  };
  std::vector<double> x;
  std::vector<Block> distinct;
  for (const size_t i : order) {
    const double weight = weight_of(weights, i);
    if (x.empty() || scores[i] > x.back()) {
      x.push_back(scores[i]);
      distinct.push_back({0, 0, x.size() - 1});
    }
    distinct.back().weight += weight;
    distinct.back().sum += weight * values[i];
  }
  std::vector<Block> blocks;
  for (Block block : distinct) {
    while (!blocks.empty() && blocks.back().mean() >= block.mean()) {
      block.weight += blocks.back().weight;
      block.sum += blocks.back().sum;
      block.begin = blocks.back().begin;
      blocks.pop_back();
    }
    blocks.push_back(block);
  }
  Isotonic out;  // the two ends of each level
  for (size_t b = 0; b < blocks.size(); ++b) {
    const size_t last = (b + 1 < blocks.size() ? blocks[b + 1].begin : x.size()) - 1;
    out.x.push_back(x[blocks[b].begin]);
    out.y.push_back(blocks[b].mean());
    if (last > blocks[b].begin) {
      out.x.push_back(x[last]);
      out.y.push_back(blocks[b].mean());
    }
  }
  return out;
}

}  // namespace athanor::classic
