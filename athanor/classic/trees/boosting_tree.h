// One tree of a boosting round over binned rows: the leaf whose split wins most is split first,
// until max_leaves. Sums are integers, so the tree depends neither on the order of rows nor on
// threads.
//
//   BoostingGrower grower(cuts, bins, options, pool);
//   grower.grow(slopes, rows, active_columns, trees, spread);     // appends a tree, calls
//   spread(leaf rows, leaf number)
//
// The larger child's histogram is its parent's minus its sister's, as in LightGBM (Ke et al. 2017);
// gains, l1 and l2 as in XGBoost (Chen and Guestrin 2016). Leaves keep theirs as long as all together fit into
// histogram_bytes; those that would be split last give theirs up, and it is built again when needed. Error(kResource) where
// not even three fit into most_bytes.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "athanor/classic/trees/bins.h"
#include "athanor/classic/trees/boosting_kernels.h"
#include "athanor/classic/trees/boosting_loss.h"
#include "athanor/classic/trees/tree_set.h"

namespace athanor {

struct BoostingTreeOptions {
  int64_t max_leaves = 31;
  int64_t max_depth = 0;  // 0: kMaxTreeDepth
  int64_t min_samples_leaf = 20;
  double min_child_weight = 1e-3;
  double min_gain = 0;
  double l1 = 0;
  double l2 = 0;
  std::vector<int8_t> monotone;  // a column: 1 rising, -1 falling, 0 free; empty: all free
  uint64_t histogram_bytes = uint64_t{2} << 30;
  uint64_t most_bytes = kMostBinBytes;
};

// A leaf of the tree being grown.
struct OpenLeaf {
  int32_t node = 0;
  int32_t depth = 0;
  uint32_t begin = 0, end = 0;  // of the rows
  PackedSum sum = 0;
  double low = 0, high = 0;  // bounds of its value that monotone columns set
  std::vector<PackedSum> histogram;
  int32_t column = -1;  // of its best split; -1: none
  ColumnSplit split;
  double gain = 0;

  uint32_t rows() const { return end - begin; }
};

class BoostingGrower {
 public:
  BoostingGrower(const BinCuts& cuts, const BinnedMatrix& bins, const BoostingTreeOptions& options,
                 ThreadPool& pool);

  // Whether a row's gradient is in `slopes` at its own place. rows: those to learn from; changed in
  // their order. active: a column, may be split (empty: all). spread is given each leaf: its rows,
  // and its value to be written.
  using Spread = std::function<void(std::span<const uint32_t> rows, double& value)>;
  void grow(const Slopes& slopes, std::vector<uint32_t>& rows, const std::vector<uint8_t>& active,
            double learning_rate, TreeSet& trees, const Spread& spread);

 private:
  void quantise(const Slopes& slopes, const std::vector<uint32_t>& rows);
  void build_histogram(OpenLeaf& leaf, const std::vector<uint32_t>& rows);
  void find_split(OpenLeaf& leaf, const std::vector<uint8_t>& active);
  void find_split_with_counts(OpenLeaf& leaf, const std::vector<uint32_t>& rows,
                              const std::vector<uint8_t>& active);
  ColumnSplit careful_cut(const OpenLeaf& leaf, uint32_t column, const uint32_t* counts) const;
  struct CategorySearch;
  ColumnSplit category_cut(const OpenLeaf& leaf, uint32_t column, const uint32_t* counts) const;
  ColumnSplit one_category_cut(const OpenLeaf& leaf, uint32_t column, const CategorySearch& search) const;
  ColumnSplit category_set_cut(const OpenLeaf& leaf, uint32_t column, const CategorySearch& search) const;
  double category_score(PackedSum sum, double l2) const;
  TreeSplit told(const OpenLeaf& leaf, TreeSet& trees) const;
  uint32_t partition(const OpenLeaf& leaf, std::vector<uint32_t>& rows);
  bool may_split(const OpenLeaf& leaf) const;
  double value_of(PackedSum sum) const;
  double value_of(const OpenLeaf& leaf) const;
  double score_of(PackedSum sum) const;
  void set_bounds(const OpenLeaf& parent, OpenLeaf& left, OpenLeaf& right) const;
  bool divide(OpenLeaf& parent, std::vector<uint32_t>& rows, const std::vector<uint8_t>& active,
              bool last, TreeSet& trees, OpenLeaf& right);
  std::vector<PackedSum> take_buffer();
  void give_buffer(OpenLeaf& leaf);
  void give_up_histograms(std::vector<OpenLeaf>& leaves);
  void build_sparse_histogram(OpenLeaf& leaf, const std::vector<uint32_t>& rows);
  std::vector<uint32_t> count_rows(const OpenLeaf& leaf, const std::vector<uint32_t>& rows) const;
  SplitRules rules_for(const OpenLeaf& leaf) const;

  const BinCuts& cuts_;
  const BinnedMatrix& bins_;
  BoostingTreeOptions options_;
  ThreadPool& pool_;
  std::vector<uint32_t>
      offsets_;  // a column: where its part of a histogram begins; one more for the end
  std::vector<PackedSum> packed_;  // a row
  std::vector<uint32_t> scratch_;
  std::vector<std::vector<PackedSum>> buffers_;  // histograms to be used again
  size_t most_histograms_ = 0;
  double gradient_unit_ = 1;
  double weight_unit_ = 1;
};

// The same walk as TreeSet::leaf_for, over bins: for rows that a tree was not grown on.
class BinnedWalk {
 public:
  BinnedWalk(const TreeSet& trees, uint64_t tree, const BinCuts& cuts);
  int32_t leaf_of(const BinnedMatrix& bins, uint64_t row) const;

 private:
  struct Step {
    ColumnSplit split;  // of categories
    uint32_t column = 0;
    uint32_t bin = 0;
    uint32_t missing_bin = 0;
    bool missing_left = false;
    int32_t child = -1;
  };
  std::vector<Step> steps_;  // columns as the bins count them
};

}  // namespace athanor
