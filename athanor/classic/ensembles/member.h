// A model inside an ensemble: {kind: tree, max_depth: 3} in the ensemble's options.
//
//   Member member(options.of, task, "of");       // Error(kUsage) at "of.max_depth", "of.kind"
//   member.fit(x, target, context);
//   const Matrix shares = member.shares(x, pool);
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "athanor/classic/models/model.h"

namespace athanor {

class Member {
 public:
  Member(const nlohmann::json& given, Task task, const std::string& where);

  void fit(const Matrix& x, const Target& target, FitContext& context);
  Matrix predict(const Matrix& x, ThreadPool& pool) const;
  // What it predicts as numbers that can be averaged: values; probabilities; a vote where it gives
  // decision values.
  Matrix shares(const Matrix& x, ThreadPool& pool) const;
  bool gives_probabilities() const { return model_->gives_probabilities(); }
  const std::string& kind() const { return kind_; }
  const ClassicModel& model() const { return *model_; }

  void save(SavedWriter out) const;
  void load(const SavedReader& in);  // Error(kInput) when another model than the options' is stored

 private:
  std::string kind_;
  nlohmann::json options_;
  Task task_;
  bool reads_sparse_;
  std::unique_ptr<ClassicModel> model_;
};

// Whether each model that the options of an ensemble name splits numbers (ModelKind::splits), so
// that the features may be those for trees. False for what names none.
bool all_members_split(const nlohmann::json& options);

// The class with the highest number gets 1, the others 0; of labels those above 0.5 (probabilities)
// or 0.
Matrix votes_of(const Matrix& predicted, Task task, bool probabilities);

// A FitContext for one of `count` parts, with a seed of its own and its share of the progress.
FitContext context_of_part(FitContext& whole, uint64_t part, uint64_t count);

}  // namespace athanor
