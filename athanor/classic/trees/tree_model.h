// What all models of trees share: explanation and pictures work on any of them.
#pragma once

#include "athanor/classic/models/model.h"
#include "athanor/classic/trees/tree_set.h"

namespace athanor {

class TreeModel : public ClassicModel {
 public:
  const TreeSet& trees() const { return trees_; }
  // What the trees' sums stand for is base + scale * sum, a number an output: what explanation adds
  // up to.
  virtual std::vector<double> base_scores() const {
    return std::vector<double>(trees_.outputs(), 0.0);
  }
  virtual double contribution_scale() const = 0;

  std::vector<double> importances(std::string* what) const override {
    if (what != nullptr) {
      *what = "share of gain";
    }
    return trees_.gain_importances();
  }

 protected:
  // {"trees", "leaves", "depth", "features": the most important, each with its shares of gain and
  // of splits}
  nlohmann::json trees_description(const std::vector<std::string>& names) const;

  TreeSet trees_;
};

// TreeSet::gain_unit of gains that are as large as the target's numbers to that power: a power of two, 1 unless the numbers
// are so large (above 2^45) that their squares, added up, could pass a float's range.
double gain_unit_of(const Target& target, int power);

// The weights of rows, checked: Error(kInput) when a class's or value's number does not fit the
// rows, a weight is negative or not finite, a target not finite, or all weights are 0. Where some
// are 0 those rows are left out: x and target then point to the copies.
struct FitRows {
  FitRows(const Matrix& x, const Target& target);
  const Matrix& x() const { return dropped_ ? x_ : *given_x_; }
  const Target& target() const { return dropped_ ? target_ : *given_target_; }

 private:
  const Matrix* given_x_;
  const Target* given_target_;
  bool dropped_ = false;
  Matrix x_;
  Target target_;
};

}  // namespace athanor
