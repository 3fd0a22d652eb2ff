// The shape of any number of numbers in little memory: count, range, mean, quantiles, histogram. The same numbers in any
// order and any cut give the same bins, so threads and merges do not show (the mean is a sum of doubles: the same for the
// same order of merges).
//
// Bins are as of HdrHistogram and of DDSketch's linear mapping (Masson, Rim, Lee 2019): 128 equal ones between a power of
// two and the next, so a quantile is off by at most kRelativeError of itself. No logarithm is taken: the same bins on
// every machine. Whole numbers below 256 are exact.
//
//   NumberSketch lengths;
//   lengths.add(17);
//   lengths.quantile(0.5);
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace athanor {

class NumberSketch {
 public:
  static constexpr double kRelativeError = 1.0 / 256;

  // NaN counts as missing, infinities as the largest finite number.
  void add(double value);
  void merge(const NumberSketch& other);

  uint64_t count() const { return count_; }
  uint64_t num_missing() const { return num_missing_; }
  double min() const { return count_ == 0 ? 0 : min_; }  // exact
  double max() const { return count_ == 0 ? 0 : max_; }  // exact
  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
  // The value with q * (count - 1) values below it, rounded down; 0 when there are none. q in [0, 1].
  double quantile(double q) const;
  // How many lie in [edges[i], edges[i + 1]), the last bin closed; a bin of the sketch counts where its middle lies.
  // What is outside goes into the first and the last. edges ascend, at least two.
  std::vector<uint64_t> histogram(const std::vector<double>& edges) const;

  // Hands every field to `a`, to be written or read (stage/describe_parts.h).
  template <typename Archive>
  void archive(Archive& a) {
    a(bins_);
    a(count_);
    a(num_missing_);
    a(min_);
    a(max_);
    a(sum_);
    a(whole_);
  }

 private:
  double middle_of(int64_t bin) const;

  std::map<int64_t, uint64_t> bins_;
  uint64_t count_ = 0;
  uint64_t num_missing_ = 0;
  double min_ = 0;
  double max_ = 0;
  double sum_ = 0;
  bool whole_ = true;  // all are whole numbers
};

// 1, 2, 5, 10, 20, ... around [low, high]; for lengths. low >= 0: below 1 there is one bin from 0.
std::vector<double> decade_edges(double low, double high);
// About `bins` equal bins with round edges around [low, high].
std::vector<double> round_edges(double low, double high, int bins);

}  // namespace athanor
