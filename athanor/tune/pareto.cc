#include "athanor/tune/pareto.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace athanor::tune {

bool dominates(const std::vector<double>& a, const std::vector<double>& b) {
  bool better = false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] > b[i]) {
      return false;
    }
    better |= a[i] < b[i];
  }
  return better;
}

std::vector<int> pareto_ranks(const std::vector<std::vector<double>>& values) {
  const size_t n = values.size();
  std::vector<int> rank(n, -1);
  std::vector<size_t> dominators(n, 0);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      dominators[i] += i != j && dominates(values[j], values[i]) ? 1 : 0;
    }
  }
  std::vector<size_t> front;
  for (int level = 0;; ++level) {
    front.clear();
    for (size_t i = 0; i < n; ++i) {
      if (rank[i] < 0 && dominators[i] == 0) {
        front.push_back(i);
      }
    }
    if (front.empty()) {
      return rank;
    }
    for (const size_t i : front) {
      rank[i] = level;
    }
    for (const size_t i : front) {
      for (size_t j = 0; j < n; ++j) {
        dominators[j] -= rank[j] < 0 && dominates(values[i], values[j]) ? 1 : 0;
      }
    }
  }
}

std::vector<size_t> pareto_front(const std::vector<std::vector<double>>& values) {
  std::vector<size_t> front;
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::none_of(values.begin(), values.end(), [&](const auto& other) { return dominates(other, values[i]); })) {
      front.push_back(i);
    }
  }
  return front;
}

std::vector<double> crowding(const std::vector<std::vector<double>>& values, const std::vector<size_t>& members) {
  std::vector<double> distance(members.size(), 0);
  std::vector<size_t> order(members.size());
  const size_t objectives = members.empty() ? 0 : values[members[0]].size();
  for (size_t k = 0; k < objectives; ++k) {
    std::iota(order.begin(), order.end(), size_t{0});
    const auto value = [&](size_t i) { return values[members[order[i]]][k]; };
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return values[members[a]][k] < values[members[b]][k]; });
    const double range = value(order.size() - 1) - value(0);
    distance[order.front()] = distance[order.back()] = std::numeric_limits<double>::infinity();
    for (size_t i = 1; i + 1 < order.size() && range > 0; ++i) {
      distance[order[i]] += (value(i + 1) - value(i - 1)) / range;
    }
  }
  return distance;
}

}  // namespace athanor::tune
