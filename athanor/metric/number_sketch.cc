#include "athanor/metric/number_sketch.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace athanor {

namespace {

constexpr int64_t kBinsAnOctave = 128;
constexpr int64_t kOffset = int64_t{1} << 20;  // bins of positive numbers lie above 0, their mirrors below

int64_t bin_of(double value) {
  if (value == 0) {
    return 0;
  }
  int exponent = 0;
  const double fraction = std::frexp(std::abs(value), &exponent);  // in [0.5, 1)
  const auto place = static_cast<int64_t>((fraction - 0.5) * 2 * kBinsAnOctave);
  const int64_t bin = kOffset + exponent * kBinsAnOctave + place;
  return value < 0 ? -bin : bin;
}

}  // namespace

void NumberSketch::add(double value) {
  if (std::isnan(value)) {
    ++num_missing_;
    return;
  }
  constexpr double kLargest = std::numeric_limits<double>::max();
  value = std::clamp(value, -kLargest, kLargest);
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = count_ == 0 ? value : std::max(max_, value);
  sum_ += value;
  whole_ = whole_ && std::abs(value) < 0x1.0p53 && value == std::floor(value);
  ++bins_[bin_of(value)];
  ++count_;
}

void NumberSketch::merge(const NumberSketch& other) {
  num_missing_ += other.num_missing_;
  if (other.count_ == 0) {
    return;
  }
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = count_ == 0 ? other.max_ : std::max(max_, other.max_);
  sum_ += other.sum_;
  whole_ = whole_ && other.whole_;
  count_ += other.count_;
  for (const auto& [bin, count] : other.bins_) {
    bins_[bin] += count;
  }
}

double NumberSketch::middle_of(int64_t bin) const {
  if (bin == 0) {
    return 0;
  }
  const int64_t place = std::abs(bin) - kOffset;
  const int64_t exponent = place >= 0 ? place / kBinsAnOctave : -((-place + kBinsAnOctave - 1) / kBinsAnOctave);
  const auto in_octave = static_cast<double>(place - exponent * kBinsAnOctave);
  // The lower end is what whole numbers below 256 are; for the others the middle is nearer on average.
  const double low = 0.5 + in_octave / (2 * kBinsAnOctave);
  const double high = low + 0.5 / kBinsAnOctave;
  double value = std::ldexp((low + high) / 2, static_cast<int>(exponent));
  if (whole_) {
    value = std::max(std::ceil(std::ldexp(low, static_cast<int>(exponent))), std::floor(value));
  }
  return std::clamp(bin < 0 ? -value : value, min_, max_);
}

double NumberSketch::quantile(double q) const {
  if (count_ == 0) {
    return 0;
  }
  const double rank = std::floor(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_ - 1));
  auto left = static_cast<uint64_t>(rank);
  for (const auto& [bin, count] : bins_) {
    if (left < count) {
      return middle_of(bin);
    }
    left -= count;
  }
  return max_;
}

std::vector<uint64_t> NumberSketch::histogram(const std::vector<double>& edges) const {
  std::vector<uint64_t> counts(edges.size() - 1, 0);
  for (const auto& [bin, count] : bins_) {
    const auto above = std::upper_bound(edges.begin() + 1, edges.end() - 1, middle_of(bin));
    counts[static_cast<size_t>(above - edges.begin()) - 1] += count;
  }
  return counts;
}

std::vector<double> decade_edges(double low, double high) {
  std::vector<double> edges;
  if (low < 1) {
    edges.push_back(0);
  }
  for (double decade = 1; decade < 1e15; decade *= 10) {
    for (const double step : {1.0, 2.0, 5.0}) {
      const double edge = decade * step;
      const double next = step == 2.0 ? decade * 5 : edge * 2;
      if (next > low && (edges.size() < 2 || edges.back() <= high)) {
        edges.push_back(edge);
      }
    }
    if (edges.size() >= 2 && edges.back() > high) {
      break;
    }
  }
  while (edges.size() > 2 && edges[edges.size() - 2] > high) {
    edges.pop_back();
  }
  return edges;
}

std::vector<double> round_edges(double low, double high, int bins) {
  if (!(high > low)) {
    return {low, low + 1};
  }
  const double raw = (high - low) / bins;
  double decade = 1;
  while (decade > raw && decade > 1e-300) {
    decade /= 10;
  }
  while (decade * 10 <= raw) {
    decade *= 10;
  }
  const double step = raw <= decade ? decade : raw <= 2 * decade ? 2 * decade : raw <= 5 * decade ? 5 * decade : 10 * decade;
  std::vector<double> edges;
  const double first = std::floor(low / step);
  for (double i = first; edges.size() < 2 || edges.back() <= high; i += 1) {
    edges.push_back(i * step);
    if (edges.size() > 1000) {
      break;
    }
  }
  return edges;
}

}  // namespace athanor
