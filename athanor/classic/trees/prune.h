// Minimal cost-complexity pruning (Breiman et al. 1984, ch. 3): the weakest link first.
#pragma once

#include <span>

#include "athanor/classic/trees/tree_set.h"

namespace athanor {

// The tree of `trees` (there is one) with every subtree cut off that wins less than alpha a leaf,
// in impurity weighted by the share of all weight: scikit-learn's ccp_alpha. node_values: width
// numbers a node.
TreeSet pruned(const TreeSet& trees, std::span<const double> node_values, double alpha);

}  // namespace athanor
