// The isolation forest of classic/ over columns of a table; gaps are read as the median.
#pragma once

#include "athanor/clean/tables/table_step.h"

namespace athanor {

class OutlierForest {
 public:
  OutlierForest(int64_t trees, double contamination, uint64_t seed, std::string where)
      : trees_(trees), contamination_(contamination), seed_(seed), where_(std::move(where)) {}
  // Error(kInput) when no column has numbers.
  void learn(const RowTable& table, const std::vector<std::string>& columns, TableStepContext& context);
  std::vector<double> scores(const RowTable& table, TableStepContext& context) const;  // a row; higher is odder
  double threshold() const;
  nlohmann::json learnt(const fs::path& dir) const;
  void load(const nlohmann::json& learnt, const fs::path& dir);

 private:
  int64_t trees_;
  double contamination_;
  uint64_t seed_;
  std::string where_;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace athanor
