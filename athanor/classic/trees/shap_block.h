// Shapley values of trees for a few rows at a time. The path-dependent sum over subsets S of the d features of a path,
// |S|! (d - |S| - 1)! / d! each, is the integral over t from 0 to 1 of a product: a leaf of value v adds to feature i
//
//   v (o_i - z_i) * integral of prod over j != i of (o_j t + z_j (1 - t)) dt,
//
// o_j: 1 where the row goes the path's way at every split by j, else 0; z_j: the share of training rows that do. The product
// is a polynomial of degree d - 1, so d / 2 points of Gauss and Legendre are exact, all terms have one sign (nothing cancels),
// and leaves below a split share it, as in Linear TreeSHAP (Yu et al. 2022): nodes x d / 2 steps a row, where Lundberg's
// algorithm 2 takes leaves x d^2. Rows stand side by side in vectors.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "athanor/classic/trees/tree_set.h"

namespace athanor {

// Points in (0, 1) and weights that sum to 1: exact for polynomials up to degree 2 points - 1.
struct Quadrature {
  std::vector<double> at, weight;
  static Quadrature of_points(size_t points);
};

// What all rows of a TreeSet share.
struct ShapPlan {
  const TreeSet& trees;
  std::vector<int32_t> columns;     // those that any split asks, ascending
  std::vector<int32_t> slot;        // of a column: its place among them
  std::vector<uint32_t> points;     // of each tree
  std::vector<Quadrature> by_points;
  uint64_t told = 0;  // outputs of a tree that are computed: where a leaf's numbers always sum to the same, not the last one

  explicit ShapPlan(const TreeSet& trees);
  double bytes() const;  // that a ShapBlock may take
};

class ShapBlock {
 public:
  static constexpr uint64_t kLanes = 8;
  explicit ShapBlock(const ShapPlan& plan);
  ~ShapBlock();

  // rows: kLanes of them (one may stand several times). sums: outputs x columns.size() x kLanes, added to.
  void explain(uint64_t tree, const std::array<const double*, kLanes>& rows, double scale, std::vector<double>& sums);

 private:
  struct Level;
  struct Known;  // of a feature on the path so far
  void walk(int32_t node, size_t depth);
  void follow(int32_t child, size_t depth, int32_t slot, const Known& before, double zero);
  Level& level(size_t depth);

  const ShapPlan& plan_;
  std::vector<std::unique_ptr<Level>> levels_;
  std::vector<Known> known_;
  const Quadrature* points_ = nullptr;
  const std::array<const double*, kLanes>* rows_ = nullptr;
  std::vector<double> ones_;  // a point each: of a feature that was not asked yet
  double scale_ = 1;
  double* sums_ = nullptr;    // of the tree's first output
};

}  // namespace athanor
