// What a classifier needs to write when it has no way of its own for the awkward cases: a core that tells two or more
// classes apart, every one of which has rows. core_classifier() makes a whole model of it:
//
//   kClasses      classes without a row of weight above 0 are left out and get probability 0 (or the lowest decision
//                 value); with one class left, it is always the answer (and FitContext::warn says so)
//   kMultiLabel   a core a label (one against the rest); a label that all rows or none have is answered as it was seen
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "athanor/classic/models/model.h"

namespace athanor::classic {

struct ClassRows {
  std::span<const int32_t> classes;  // 0 .. num_classes - 1, a value a row
  size_t num_classes = 2;
  std::span<const double> weights;  // empty: all 1
  double weight(size_t row) const { return weights.empty() ? 1.0 : weights[row]; }
  double total() const;
};

class ClassCore {
 public:
  virtual ~ClassCore() = default;
  virtual void fit(const Matrix& x, const ClassRows& rows, FitContext& context) = 0;
  // A column a class; columns and classes as fitted. Of two classes with decision values: (-d, d).
  virtual Matrix predict(const Matrix& x, ThreadPool& pool) const = 0;
  virtual bool gives_probabilities() const = 0;
  virtual std::vector<double> importances(std::string*) const { return {}; }
  // labels: of the classes it was fitted on.
  virtual nlohmann::json description(const std::vector<std::string>& names, const std::vector<std::string>& labels) const = 0;
  virtual void save(SavedWriter& out) const = 0;
  virtual void load(const SavedReader& in, size_t columns, size_t num_classes) = 0;
};

using MakeCore = std::function<std::unique_ptr<ClassCore>()>;
std::unique_ptr<ClassicModel> core_classifier(MakeCore make, Task task);

}  // namespace athanor::classic
