// CART, exact: every threshold between two values of a node is tried (Breiman et al. 1984), or one
// at random a feature (extra trees, Geurts et al. 2006). Thresholds are midpoints and stopping
// rules are scikit-learn's, so that trees agree where no ties decide.
//
//   ExactGrower grower(ranked, truth, options);
//   grower.grow(rows, weights, seed, &pool, trees);     // appends one tree
//
// Gini is the squared error of the classes as zeros and ones, so both run the same loops; two
// classes cost as one number.
#pragma once

#include <span>
#include <vector>

#include "athanor/classic/trees/ranks.h"
#include "athanor/classic/trees/tree_set.h"
#include "athanor/feature/target.h"

namespace athanor {

enum class Criterion { kSquared, kGini, kEntropy, kAbsolute };

struct ExactTreeOptions {
  Criterion criterion = Criterion::kSquared;
  int64_t max_depth = 0;   // 0: kMaxTreeDepth
  int64_t max_leaves = 0;  // 0: no limit; else the best split of all leaves first
  int64_t min_samples_split = 2;
  int64_t min_samples_leaf = 1;
  double min_gain =
      0;  // what a split must win at least: impurity, weighted by the node's share of all weight
  int64_t columns = 0;  // tried a node, at random; 0: all
  bool random_thresholds = false;
};

// The truth in the form that the search reads.
struct ExactTruth {
  explicit ExactTruth(const Target& target, Criterion criterion);

  uint64_t width = 1;     // numbers a leaf
  double gain_scale = 1;  // of two classes gini is twice the variance; of labels it is their mean
  std::vector<double> values;  // rows x outputs: regression, one of two classes, labels
  uint64_t outputs = 1;        // of values
  std::vector<int32_t> codes;  // more than two classes, or entropy: instead of values
  uint64_t classes = 0;
  bool is_codes() const { return !codes.empty(); }
};

class ExactGrower {
 public:
  ExactGrower(const RankedMatrix& x, const ExactTruth& truth, const ExactTreeOptions& options);

  // rows: each once; weights: of all rows of x. pool: features of a node in parallel; null where
  // the caller is parallel itself. The tree is the same either way. node_values, where not null,
  // gets width numbers for each node of the tree: its value if it were a leaf.
  void grow(std::vector<uint32_t> rows, std::span<const double> weights, uint64_t seed,
            ThreadPool* pool, TreeSet& trees, std::vector<double>* node_values = nullptr) const;

  struct Found {
    int32_t column = -1;
    double score = -1;  // what the split wins, times the weight of all rows
    uint32_t rank = 0;  // ranks <= it go left
    double threshold = 0;
    bool missing_left = false;
    bool has_missing = false;
  };
  struct Node;
  struct Scratch;

 private:
  void gather(Node& node, const std::vector<uint32_t>& rows, std::span<const double> weights) const;
  Found search(const Node& node, std::span<const uint32_t> rows, uint64_t key, ThreadPool* pool,
               Scratch& scratch) const;
  Found search_column(const Node& node, std::span<const uint32_t> rows, uint32_t column,
                      uint64_t key, Scratch& scratch, bool& constant) const;
  // low, high: least and largest rank of the node's rows.
  Found random_cut(const Node& node, uint32_t column, uint32_t low, uint32_t high, uint64_t key,
                   Scratch& scratch) const;
  std::vector<double> value_of(const Node& node) const;
  bool may_split(const Node& node) const;

  const RankedMatrix& x_;
  const ExactTruth& truth_;
  ExactTreeOptions options_;
};

// Of a node: its rows' truth and weights side by side, and their sums.
struct ExactGrower::Node {
  int32_t id = 0;
  int32_t depth = 0;
  uint32_t begin = 0, end = 0;
  double weight = 0;
  std::vector<double> sums;        // outputs, or weight of each class
  std::vector<double> weights;     // a row
  std::vector<double> values;      // a row x outputs
  std::vector<int32_t> codes;      // a row
  std::vector<uint32_t> by_value;  // absolute: rows' places in ascending order of values
  bool pure = false;
  Found split;

  uint32_t rows() const { return end - begin; }
};

// The rows of a node as one feature orders them, equal values together.
struct ExactGrower::Scratch {
  std::vector<uint32_t> ranks;  // a row of the node
  std::vector<uint64_t> keys, spare;
  struct Event {
    uint32_t rank;
    uint32_t rows;
    double weight;
    double value;    // weight x value; of codes the class
    uint32_t place;  // of the row in the node, where the event is one row
  };
  std::vector<Event> events;
  std::vector<double> bin_weights, bin_values, left, right;
  std::vector<uint32_t> bin_rows;
  size_t missing = 0;  // the last events are the missing rows'
  uint32_t missing_rows = 0;
};

// exact_search.cc: the best boundary between events, for each way of measuring. `order` starts with
// the missing rows' events on the left or has them on the right.
ExactGrower::Found best_boundary(const ExactGrower::Node& node, const ExactTruth& truth,
                                 const ExactTreeOptions& options, ExactGrower::Scratch& scratch,
                                 bool missing_left);

}  // namespace athanor
