// The inner loops of histogram boosting, each for the baseline, AVX2 and AVX-512, chosen when first
// used; all three give the same bits (no fused multiply-add).
//
// A row's gradient g and second derivative h are integers in one word: (g << 32) + h. Words add up
// without a carry as long as the sum of h stays below 2^31 and that of |g|, too, so sums are exact
// and their order means nothing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace athanor {

using PackedSum = int64_t;

inline PackedSum pack(int64_t g, int64_t h) {
  return static_cast<PackedSum>(static_cast<uint64_t>(g) << 32) + h;
}
inline int32_t gradient_of(PackedSum sum) {
  return static_cast<int32_t>(sum >> 32);
}
inline int32_t weight_of(PackedSum sum) {
  return static_cast<int32_t>(sum & 0x7fffffff);
}

// What the search for a split may do; in the units of the packed integers where it says so.
struct SplitRules {
  double gradient_unit = 1;  // what an integer stands for
  double weight_unit = 1;
  double l1 = 0;
  double l2 = 0;
  double least_weight = 0;  // of a child, in integers of h; above 0
};

struct ColumnSplit {
  double score = -1;  // of the two children; below 0: none
  int32_t bin = -1;   // rows of bins <= it go left
  bool missing_left = false;
  bool by_category = false;
  uint64_t left[4] = {};  // by_category: a bit a bin that goes left; missing values go right

  bool goes_left(uint32_t of_bin) const { return (left[of_bin >> 6] >> (of_bin & 63) & 1) != 0; }
};

// histogram[k][bins[row * width + k]] += packed[row] for `count` rows. width <= 16.
void add_rows_to_histograms(const uint8_t* bins, uint32_t width, const uint32_t* rows, size_t count,
                            const PackedSum* packed, PackedSum* const* histograms);

// The best cut of one column: histogram has `bins` value bins, and one more for missing values
// where has_missing.
ColumnSplit best_cut(const PackedSum* histogram, uint32_t bins, bool has_missing, PackedSum total,
                     const SplitRules& rules);

// to = a - b.
void subtract_histograms(const PackedSum* a, const PackedSum* b, PackedSum* to, size_t count);

// out = exp(x), within 2 units of the last place of x in [-700, 700] (held there).
void exp_values(const double* x, double* out, size_t count);

}  // namespace athanor
