// missing: gaps are dropped or filled. Private to this folder but for its options.
#pragma once

#include "athanor/clean/tables/table_step.h"

namespace athanor {

struct MissingOptions {
  std::vector<std::string> columns;
  std::string by = "median";
  nlohmann::json value;
  bool mark = false;
  int64_t neighbors = 5;
  std::vector<std::string> exclude;
  static void fields(Fields<MissingOptions>& f) {
    f.add("columns", &MissingOptions::columns,
          "names, or numbers, categories, texts, dates; empty: all that `by` can fill (numbers and dates for mean and "
          "median, numbers for knn and model)");
    f.add("by", &MissingOptions::by,
          "drop: rows with a gap are dropped; constant: value; mean, median, mode: of the training rows; knn: the mean of the "
          "nearest rows; model: ridge regressions on the other columns, in rounds")
        .choices({"drop", "constant", "mean", "median", "mode", "knn", "model"});
    f.add("value", &MissingOptions::value, "constant: what a gap becomes");
    f.add("mark", &MissingOptions::mark, "adds a column NAME_missing (0 or 1) for every column with gaps in the training rows");
    f.add("neighbors", &MissingOptions::neighbors, "knn: rows").range(1, 1000);
    f.add("exclude", &MissingOptions::exclude,
          "knn, model: columns not read to fill the others; name the target here, else it leaks into the features");
  }
};

// How knn and model see a table: a matrix of its numbers, standardised, and of its categories with at most 30 values as 0
// and 1; filled by the transform `impute`.
class TableFiller {
 public:
  TableFiller(const MissingOptions& options, std::string where) : options_(options), where_(std::move(where)) {}
  void learn(const RowTable& table, const std::vector<std::string>& targets, TableStepContext& context);
  // Values of each of the learnt targets, a number a row.
  std::map<std::string, std::vector<double>> fill(const RowTable& table, TableStepContext& context) const;
  nlohmann::json learnt(const fs::path& dir) const;
  void load(const nlohmann::json& learnt, const fs::path& dir);

 private:
  MissingOptions options_;
  std::string where_;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace athanor
