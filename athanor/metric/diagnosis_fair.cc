#include "athanor/metric/diagnosis_fair.h"

#include <algorithm>

namespace athanor {

namespace {

constexpr double kLopsided = 0.80;  // share of the commonest label from which accuracy says little

}  // namespace

RunFacts judged_fairly(const RunFacts& given) {
  RunFacts facts = given;
  uint64_t rows = 0;
  uint64_t commonest = 0;
  for (const auto& label : facts.labels) {
    rows += label.rows;
    commonest = std::max(commonest, label.rows);
  }
  const bool lopsided = static_cast<double>(commonest) > kLopsided * static_cast<double>(rows);
  if (std::isfinite(facts.train_balanced) && facts.labels.size() > 1 && (facts.weighted || lopsided)) {
    facts.metric = "balanced accuracy";
    facts.train_score = facts.train_balanced;
    facts.valid_score = facts.valid_balanced;
    facts.valid_low = facts.balanced_low;
    facts.valid_high = facts.balanced_high;
    facts.chance_score = 1.0 / static_cast<double>(facts.labels.size());
  }
  return facts;
}

}  // namespace athanor
