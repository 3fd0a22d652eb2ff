#include "athanor/classic/trees/sort_values.h"

#include <algorithm>
#include <array>
#include <bit>

namespace athanor {

namespace {

constexpr int kDigitBits = 11;
constexpr int kPasses = 6;
constexpr uint64_t kDigits = uint64_t{1} << kDigitBits;
constexpr uint64_t kSign = uint64_t{1} << 63;

// Ascending doubles are ascending keys.
uint64_t key_of(double value) {
  const auto bits = std::bit_cast<uint64_t>(value + 0.0);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

double value_of(uint64_t key) {
  return std::bit_cast<double>((key & kSign) != 0 ? key & ~kSign : ~key);
}

}  // namespace

void sort_values(std::vector<double>& values) {
  if (values.size() < 256) {
    for (double& value : values) {
      value += 0.0;
    }
    std::sort(values.begin(), values.end());
    return;
  }
  std::vector<uint64_t> keys(values.size()), other(values.size());
  std::vector<std::array<uint32_t, kDigits>> counts(kPasses);
  for (auto& pass : counts) {
    pass.fill(0);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    keys[i] = key_of(values[i]);
    for (int pass = 0; pass < kPasses; ++pass) {
      ++counts[static_cast<size_t>(pass)][keys[i] >> (pass * kDigitBits) & (kDigits - 1)];
    }
  }
  for (int pass = 0; pass < kPasses; ++pass) {
    auto& starts = counts[static_cast<size_t>(pass)];
    const int shift = pass * kDigitBits;
    if (starts[keys[0] >> shift & (kDigits - 1)] == values.size()) {
      continue;
    }
    uint32_t sum = 0;
    for (uint32_t& start : starts) {
      sum += std::exchange(start, sum);
    }
    for (const uint64_t key : keys) {
      other[starts[key >> shift & (kDigits - 1)]++] = key;
    }
    keys.swap(other);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = value_of(keys[i]);
  }
}

DistinctValues distinct_values(std::vector<double> values) {
  sort_values(values);
  DistinctValues out;
  for (const double value : values) {
    if (out.values.empty() || out.values.back() != value) {
      out.values.push_back(value);
      out.counts.push_back(0);
    }
    ++out.counts.back();
  }
  return out;
}

double cut_between(double a, double b) {
  const double middle = a / 2 + b / 2;
  return middle >= a && middle < b ? middle : a;
}

}  // namespace athanor
