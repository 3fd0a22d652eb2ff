// Histograms and counts of rows that keep only what differs from the bin of 0: the rest is what remains of the leaf.
#include "athanor/classic/trees/boosting_tree.h"

namespace athanor {

void BoostingGrower::build_sparse_histogram(OpenLeaf& leaf, const std::vector<uint32_t>& rows) {
  PackedSum* histogram = leaf.histogram.data();
  for (uint32_t i = leaf.begin; i < leaf.end; ++i) {
    const PackedSum value = packed_[rows[i]];
    for (uint64_t e = bins_.row_begin[rows[i]]; e < bins_.row_begin[rows[i] + 1]; ++e) {
      histogram[offsets_[bins_.entry_columns[e]] + bins_.entry_bins[e]] += value;
    }
  }
  for (uint32_t c = 0; c < bins_.columns; ++c) {
    PackedSum rest = leaf.sum;
    for (uint32_t cell = offsets_[c]; cell < offsets_[c + 1]; ++cell) {
      rest -= histogram[cell];
    }
    histogram[offsets_[c] + bins_.of_zero[c]] = rest;
  }
}

// Of each cell of the leaf's histogram.
std::vector<uint32_t> BoostingGrower::count_rows(const OpenLeaf& leaf, const std::vector<uint32_t>& rows) const {
  std::vector<uint32_t> counts(offsets_.back(), 0);
  for (uint32_t i = leaf.begin; i < leaf.end; ++i) {
    if (!bins_.is_sparse) {
      for (uint32_t c = 0; c < bins_.columns; ++c) {
        ++counts[offsets_[c] + bins_.at(rows[i], c)];
      }
      continue;
    }
    for (uint64_t e = bins_.row_begin[rows[i]]; e < bins_.row_begin[rows[i] + 1]; ++e) {
      ++counts[offsets_[bins_.entry_columns[e]] + bins_.entry_bins[e]];
    }
  }
  for (uint32_t c = 0; bins_.is_sparse && c < bins_.columns; ++c) {
    uint32_t rest = leaf.rows();
    for (uint32_t cell = offsets_[c]; cell < offsets_[c + 1]; ++cell) {
      rest -= counts[cell];
    }
    counts[offsets_[c] + bins_.of_zero[c]] = rest;
  }
  return counts;
}

}  // namespace athanor
