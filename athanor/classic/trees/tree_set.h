// Binary trees as flat arrays: what boosting, forests, decision trees and isolation forests predict
// with, explain and store. A node that splits sends a row left where x[feature] <= threshold; a
// missing value goes to the side it learnt.
//
//   TreeSet trees;
//   trees.width = 1;                               // numbers a leaf
//   const int32_t root = trees.begin_tree();
//   const int32_t left = trees.split(root, {.feature = 3, .threshold = 0.5, .missing_left = true});
//   trees.make_leaf(left, value);  trees.make_leaf(left + 1, other);
//   trees.add_outputs(row, out, outputs);          // adds what each tree says
//
// Children stand side by side (right = left + 1) and behind their parent, so no walk can loop;
// load() checks that, and that each node has one parent, before anything walks a stored tree. What it
// gives are views of the stored file.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/feature/matrix.h"
#include "athanor/feature/saved.h"
#include "athanor/feature/stored_array.h"

namespace athanor {

inline constexpr int kMaxTreeDepth = 512;  // edges from a root; explanation recurses

// 16 bytes: what prediction reads.
struct TreeNode {
  double threshold = 0;
  int32_t feature = 0;  // of a split; the top bit: missing values go left; the next: it asks for categories
  int32_t child = -1;   // the left child; of a leaf ~(the number of its value)

  static constexpr int32_t kMissingLeft = INT32_MIN;
  static constexpr int32_t kCategory = 1 << 30;
  bool is_leaf() const { return child < 0; }
  int32_t column() const { return feature & (kCategory - 1); }
  // The threshold is the number of a set: what it holds goes left; all else, missing or never seen, right.
  bool is_category() const { return (feature & kCategory) != 0; }
  bool missing_left() const { return feature < 0; }
  int32_t leaf() const { return ~child; }
  int32_t next(double value) const {  // not of categories: TreeSet::next
    int32_t right = !(value <= threshold);
    if (std::isnan(value)) {
      right = missing_left() ? 0 : 1;
    }
    return child + right;
  }
};

struct TreeSplit {
  int32_t feature = 0;
  double threshold = 0;
  bool missing_left = false;
  double gain = 0;  // what the split won, in the units of what was minimised
  bool by_category = false;  // the threshold is a set's number
};

struct TreeSet {
  uint64_t columns = 0;        // of the matrix it was grown on
  uint64_t width = 1;          // numbers a leaf
  uint64_t groups = 1;         // tree t adds to outputs [t % groups * width, + width)
  double gain_unit = 1;        // while it grows: what gains are divided by, so that a float holds them; not stored
  std::vector<int32_t> roots;  // first node of each tree, ascending
  StoredArray<TreeNode> nodes;
  StoredArray<float> gain;          // a node; 0 for leaves
  StoredArray<float> cover;         // a node: weight of the training rows that came by
  StoredArray<double> leaf_values;  // values() x width
  std::vector<int64_t> set_ends;    // of each set of categories in set_values; empty where no split asks for them
  std::vector<double> set_values;   // ascending in each set

  int32_t begin_tree();
  int32_t split(int32_t node, const TreeSplit& how);  // gives the left child
  void make_leaf(int32_t node, std::span<const double> value);
  int32_t add_set(std::span<const double> ascending);  // gives its number
  std::span<const double> set_of(const TreeNode& node) const;
  int32_t next(const TreeNode& node, double value) const {
    return node.is_category() ? node.child + (is_in(set_of(node), value) ? 0 : 1) : node.next(value);
  }

  uint64_t trees() const { return roots.size(); }
  int32_t end_of(uint64_t tree) const;
  uint64_t leaves() const { return (nodes.size() + roots.size()) / 2; }  // of whole trees
  uint64_t values() const { return width == 0 ? 0 : leaf_values.size() / width; }
  uint64_t outputs() const { return groups * width; }
  const double* value_of(const TreeNode& leaf) const {
    return leaf_values.data() + leaf.leaf() * width;
  }
  int depth_of(uint64_t tree) const;
  void drop_trees_from(uint64_t tree);
  void append(const TreeSet& other);  // its trees behind mine
  // Leaves that say the same point to one value, where that is soon seen: those of forests are mostly pure. No tree may be
  // dropped afterwards.
  void share_values();

  const TreeNode& leaf_for(uint64_t tree, const double* row) const {
    const TreeNode* all = nodes.data();
    const TreeNode* node = all + roots[tree];
    while (!node->is_leaf()) {
      node = all + next(*node, row[node->column()]);
    }
    return *node;
  }
  static bool is_in(std::span<const double> ascending, double value);

  // Of each column: the gain of its splits (or their number), as shares that sum to 1 (all 0
  // without a split).
  std::vector<double> gain_importances() const;
  std::vector<double> split_importances() const;

  // Trees are stored level by level: then one pass sees that each is whole, and nodes are read where they lie in the file.
  void save(SavedWriter& out) const;
  void load(const SavedReader& in);  // Error(kInput) for whatever could not be walked
  // Gains and covers are looked at by what explains the trees, prediction reads neither: Error(kInput) where a stored one
  // is not finite or a cover negative.
  void check_explained() const;
};

// Calls fn(first row, number of rows, rows as a dense block) for blocks of rows of x, in parallel;
// sparse rows are unpacked into the block. Error(kUsage) when x has not the columns the model was
// fitted on.
void for_row_blocks(
    const Matrix& x, uint64_t columns, ThreadPool& pool,
    const std::function<void(uint64_t first, uint64_t count, const double* rows)>& fn);

// rows x outputs(): the sums over trees, times `scale`, plus base[output] where base is not empty.
Matrix sum_of_trees(const TreeSet& trees, const Matrix& x, double scale,
                    std::span<const double> base, ThreadPool& pool);

}  // namespace athanor
