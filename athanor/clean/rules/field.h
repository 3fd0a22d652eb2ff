// Filters on what stands beside the text: the fields of meta, and number columns of the documents.
//
//   - missing: {fields: [title, author.name]}                  # missing_field: absent, null, "" or []
//   - column: {name: quality_score, min: 0.4}                  # below_min, above_max, no_value
//   - outlier: {name: perplexity, mean: 320, std: 90, max_z: 3}  # outlier, no_value
//
// A column is asked of the documents (a model's score that `predict` wrote, a column of the ledger); when they have
// none of that name, a number in meta of that name is taken, dots going into objects.
#pragma once

#include "athanor/clean/step.h"

namespace athanor {

class MissingFields : public CleanStep {
 public:
  explicit MissingFields(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  std::vector<std::string> fields_;
  double max_missing_;
};

class ColumnFilter : public CleanStep {
 public:
  explicit ColumnFilter(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;
  std::vector<std::string> columns_needed() const override { return {name_}; }

 private:
  std::string name_;
  double min_, max_;
  bool drop_without_value_;
};

class OutlierFilter : public CleanStep {
 public:
  explicit OutlierFilter(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;
  std::vector<std::string> columns_needed() const override { return {name_}; }

 private:
  std::string name_;
  double mean_, std_, max_z_;
  bool drop_without_value_;
};

}  // namespace athanor
