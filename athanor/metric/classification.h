// How right answers are: classes (accuracy, precision, recall, F1) and numbers (RMSE, MAE, R2).
//
//   ConfusionMatrix matrix(2);
//   matrix.add(/*truth=*/1, /*answer=*/0);
//   matrix.accuracy(), matrix.macro_f1()
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace athanor {

class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(size_t classes) : classes_(classes), counts_(classes * classes) {}

  void add(size_t truth, size_t answer) {
    ++counts_[truth * classes_ + answer];
    ++total_;
  }
  uint64_t count(size_t truth, size_t answer) const { return counts_[truth * classes_ + answer]; }
  uint64_t total() const { return total_; }

  double accuracy() const;  // 0 of nothing
  // Of one class; a share of nothing is 0, as scikit-learn's zero_division=0.
  double precision(size_t label) const;
  double recall(size_t label) const;
  double f1(size_t label) const;
  uint64_t support(size_t label) const;
  // The plain mean over the classes that occur, as truth or as answer.
  double macro_f1() const;

  // {"accuracy", "macro_f1", "per_label": {label: {"precision", "recall", "f1", "support"}}, "confusion": [[...]]}
  nlohmann::json to_json(const std::vector<std::string>& labels) const;

 private:
  uint64_t answers(size_t label) const;

  size_t classes_;
  std::vector<uint64_t> counts_;
  uint64_t total_ = 0;
};

class RegressionScore {
 public:
  void add(double truth, double answer);
  uint64_t total() const { return total_; }
  double rmse() const;
  double mae() const;
  double r2() const;  // against the mean of the truths; 0 where they are all equal

 private:
  uint64_t total_ = 0;
  double squares_ = 0;
  double distances_ = 0;
  double mean_ = 0;
  double spread_ = 0;
};

}  // namespace athanor
