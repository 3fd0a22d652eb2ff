#include "athanor/metric/diagnosis_warmup.h"

#include <algorithm>

namespace athanor {

namespace {

constexpr double kUsualShare = 0.1;  // of the steps

}  // namespace

std::vector<Finding> blame_warmup(const RunFacts& facts, std::vector<Finding> findings) {
  const double steps = facts.train_loss.empty() ? 0 : facts.train_loss.back().step;
  if (steps == 0 || !(facts.warmup_steps >= steps)) {
    return findings;
  }
  const auto whole = [](double number) { return std::to_string(static_cast<uint64_t>(number)); };
  for (Finding& finding : findings) {
    if (finding.name == "rate too low" || finding.name == "learns nothing") {
      finding = {"warm-up too long",
                 "the warm-up of " + whole(facts.warmup_steps) + " steps is longer than the run of " + whole(steps) +
                     ", so that the rate never came to its height; " + finding.evidence,
                 "a shorter warm-up, or more steps", "schedule.warmup_steps=" + whole(kUsualShare * steps), finding.grave};
    }
  }
  return findings;
}

}  // namespace athanor
