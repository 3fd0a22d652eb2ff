#include "athanor/clean/tables/association.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace athanor {

namespace {

constexpr uint64_t kLeastRows = 3;

// Rows by value, missing ones left out.
std::vector<uint32_t> order_of(const std::vector<double>& values) {
  std::vector<uint32_t> order;
  for (size_t row = 0; row < values.size(); ++row) {
    if (!std::isnan(values[row])) {
      order.push_back(static_cast<uint32_t>(row));
    }
  }
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return values[a] != values[b] ? values[a] < values[b] : a < b;
  });
  return order;
}

// Ranks from 1 among the rows that both have; ties share their middle.
void rank_rows(const std::vector<uint32_t>& order, const std::vector<double>& values, const std::vector<double>& other,
               std::vector<double>& ranks) {
  uint64_t place = 0;
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    uint64_t tied = 0;
    for (; end < order.size() && values[order[end]] == values[order[begin]]; ++end) {
      tied += std::isnan(other[order[end]]) ? 0 : 1;
    }
    const double rank = static_cast<double>(place) + (static_cast<double>(tied) + 1) / 2;
    for (size_t i = begin; i < end; ++i) {
      ranks[order[i]] = rank;
    }
    place += tied;
    begin = end;
  }
}

std::optional<double> spearman_of(const std::vector<double>& a, const std::vector<uint32_t>& order_a,
                                  const std::vector<double>& b, const std::vector<uint32_t>& order_b) {
  std::vector<double> ranks_a(a.size(), NAN), ranks_b(b.size(), NAN);
  rank_rows(order_a, a, b, ranks_a);
  rank_rows(order_b, b, a, ranks_b);
  return pearson(ranks_a, ranks_b);
}

}  // namespace

std::optional<double> pearson(const std::vector<double>& a, const std::vector<double>& b) {
  uint64_t rows = 0;
  double sum_a = 0, sum_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const bool both = !std::isnan(a[i]) && !std::isnan(b[i]);
    rows += both ? 1 : 0;
    sum_a += both ? a[i] : 0;
    sum_b += both ? b[i] : 0;
  }
  if (rows < kLeastRows) {
    return std::nullopt;
  }
  const double mean_a = sum_a / static_cast<double>(rows), mean_b = sum_b / static_cast<double>(rows);
  double of_a = 0, of_b = 0, of_both = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!std::isnan(a[i]) && !std::isnan(b[i])) {
      const double x = a[i] - mean_a, y = b[i] - mean_b;
      of_a += x * x;
      of_b += y * y;
      of_both += x * y;
    }
  }
  const double scale = std::sqrt(of_a) * std::sqrt(of_b);
  // What is left of a constant after its mean was taken off is rounding.
  const auto constant = [&](double squares, double mean) {
    return !(squares > 1e-24 * static_cast<double>(rows) * std::max(mean * mean, 1e-280));
  };
  if (constant(of_a, mean_a) || constant(of_b, mean_b) || !std::isfinite(scale)) {
    return std::nullopt;
  }
  return std::clamp(of_both / scale, -1.0, 1.0);
}

std::optional<double> spearman(const std::vector<double>& a, const std::vector<double>& b) {
  return spearman_of(a, order_of(a), b, order_of(b));
}

std::optional<double> cramers_v(const std::vector<int32_t>& a, int32_t levels_a, const std::vector<int32_t>& b, int32_t levels_b) {
  const auto width = static_cast<size_t>(levels_b);
  std::vector<double> table(static_cast<size_t>(levels_a) * width, 0), of_a(static_cast<size_t>(levels_a), 0), of_b(width, 0);
  double rows = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] >= 0 && b[i] >= 0) {
      ++table[static_cast<size_t>(a[i]) * width + static_cast<size_t>(b[i])];
      ++of_a[static_cast<size_t>(a[i])];
      ++of_b[static_cast<size_t>(b[i])];
      ++rows;
    }
  }
  const auto used = [](const std::vector<double>& counts) { return std::count_if(counts.begin(), counts.end(), [](double c) { return c > 0; }); };
  const auto least = std::min(used(of_a), used(of_b));
  if (rows < kLeastRows || least < 2) {
    return std::nullopt;
  }
  double chi = 0;
  for (size_t i = 0; i < of_a.size(); ++i) {
    for (size_t j = 0; j < width; ++j) {
      const double expected = of_a[i] * of_b[j] / rows;
      if (expected > 0) {
        const double off = table[i * width + j] - expected;
        chi += off * off / expected;
      }
    }
  }
  return std::min(1.0, std::sqrt(chi / rows / static_cast<double>(least - 1)));
}

std::optional<double> eta(const std::vector<int32_t>& codes, int32_t levels, const std::vector<double>& numbers) {
  std::vector<double> sums(static_cast<size_t>(levels), 0), counts(static_cast<size_t>(levels), 0);
  double sum = 0, rows = 0;
  for (size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] >= 0 && !std::isnan(numbers[i])) {
      sums[static_cast<size_t>(codes[i])] += numbers[i];
      ++counts[static_cast<size_t>(codes[i])];
      sum += numbers[i];
      ++rows;
    }
  }
  const auto groups = std::count_if(counts.begin(), counts.end(), [](double c) { return c > 0; });
  if (rows < kLeastRows || groups < 2) {
    return std::nullopt;
  }
  const double mean = sum / rows;
  double between = 0, all = 0;
  for (size_t i = 0; i < sums.size(); ++i) {
    if (counts[i] > 0) {
      const double off = sums[i] / counts[i] - mean;
      between += counts[i] * off * off;
    }
  }
  for (size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] >= 0 && !std::isnan(numbers[i])) {
      all += (numbers[i] - mean) * (numbers[i] - mean);
    }
  }
  if (!(all > 1e-24 * rows * std::max(mean * mean, 1e-280)) || !std::isfinite(all)) {
    return std::nullopt;
  }
  return std::sqrt(std::min(1.0, between / all));
}

double Association::strength() const { return std::max(std::abs(value), rank ? std::abs(*rank) : 0); }

std::vector<Association> all_associations(const std::vector<AssociationColumn>& columns, ThreadPool& pool) {
  std::vector<std::vector<uint32_t>> orders(columns.size());
  pool.parallel_for(columns.size(), [&](size_t i) { orders[i] = order_of(columns[i].numbers); });
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t a = 0; a < columns.size(); ++a) {
    for (size_t b = a + 1; b < columns.size(); ++b) {
      pairs.emplace_back(a, b);
    }
  }
  std::vector<std::optional<Association>> found(pairs.size());
  pool.parallel_for(pairs.size(), [&](size_t i) {
    const AssociationColumn &a = columns[pairs[i].first], &b = columns[pairs[i].second];
    Association one{pairs[i].first, pairs[i].second, "", 0, std::nullopt};
    std::optional<double> value;
    if (a.codes.empty() && b.codes.empty()) {
      one.measure = "pearson";
      value = pearson(a.numbers, b.numbers);
      one.rank = spearman_of(a.numbers, orders[one.a], b.numbers, orders[one.b]);
    } else if (!a.codes.empty() && !b.codes.empty()) {
      one.measure = "cramers_v";
      value = cramers_v(a.codes, a.levels, b.codes, b.levels);
    } else {
      one.measure = "eta";
      value = a.codes.empty() ? eta(b.codes, b.levels, a.numbers) : eta(a.codes, a.levels, b.numbers);
    }
    if (value) {
      one.value = *value;
      found[i] = one;
    }
  });
  std::vector<Association> all;
  for (auto& one : found) {
    if (one) {
      all.push_back(std::move(*one));
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& x, const auto& y) { return x.strength() > y.strength(); });
  return all;
}

}  // namespace athanor
