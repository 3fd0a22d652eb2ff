// What is searched: parameters with ranges, some of which exist only when another has a certain value.
//
//   space:
//     fit.kind: {choice: [forest, boosting]}
//     fit.model.depth: {int: [2, 10]}                                 # also step: 2, log: true
//     pretrain.optimizer.lr: {log: [1e-4, 1e-1]}
//     pretrain.dropout: {float: [0, 0.5], step: 0.1}
//     fit.model.trees: {int: [50, 500], when: {fit.kind: forest}}     # or a list of values
//
// The order of the parameters is their own (parents first, then by name), not that of the writing, so that the same
// space gives the same study.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/rng.h"
#include "athanor/run/recipe.h"

namespace athanor::tune {

enum class ParameterKind { kFloat, kInt, kChoice };

struct Parameter {
  std::string name;
  ParameterKind kind = ParameterKind::kFloat;
  double low = 0;   // kChoice: 0
  double high = 0;  // inclusive; kChoice: the last index
  double step = 0;  // 0: any value between; kInt: at least 1
  bool log = false;
  std::vector<nlohmann::json> choices;
  int parent = -1;                  // index of the parameter it hangs on
  std::vector<double> when_values;  // the parent's values (indices of choices) under which it exists

  bool is_choice() const { return kind == ParameterKind::kChoice; }
  uint64_t num_cells() const;  // values it can have; 0: a continuum

  // The axis on which models of the objective work: logarithms where log is set, widened by half a step at both ends
  // where there are steps, so that every value has a cell of its own.
  double axis(double value) const { return log ? std::log(value) : value; }
  double axis_low() const;
  double axis_high() const;
  // The nearest value to a place on the axis.
  double value_at(double axis) const;

  // A place in [0, 1) as a value, every value having its share, and the middle of that share.
  double from_unit(double unit) const;
  double to_unit(double value) const;
};

// A value a parameter, in the space's order; NaN: does not exist in this trial. A choice is its index.
using Point = std::vector<double>;

class Space {
 public:
  // Error(kUsage) with the place for what is wrong: an unknown key, an empty range, a log range that is not positive,
  // a condition on an unknown parameter or value, a cycle.
  static Space parse(const Node& node);
  static Space from_json(const nlohmann::json& value) { return parse(Node::from_json(value, {})); }
  explicit Space(std::vector<Parameter> parameters) : parameters_(std::move(parameters)) {}

  const std::vector<Parameter>& parameters() const { return parameters_; }
  size_t size() const { return parameters_.size(); }
  const Parameter& operator[](size_t i) const { return parameters_[i]; }
  int find(std::string_view name) const;  // -1: not there

  // Whether the parameter exists, given its parent's value in the point.
  bool active(size_t i, const Point& point) const;
  // Sets what does not exist to NaN; what exists and is NaN gets the range's middle.
  void settle(Point& point) const;
  Point random(Rng& rng) const;
  Point from_units(const std::vector<double>& units) const;
  // Continuous values with so many significant digits (inside their range): short commands and recipes.
  void round(Point& point, int digits) const;

  // {"name": value} of the parameters that exist, as recipes hold them; and back. Error(kInput) for a value outside.
  nlohmann::json values(const Point& point) const;
  Point point_of(const nlohmann::json& values) const;
  nlohmann::json value(size_t i, double internal) const;

 private:
  std::vector<Parameter> parameters_;
};

}  // namespace athanor::tune
