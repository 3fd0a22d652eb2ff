// Several token sets in stated shares, which may change as training goes on (a curriculum): which set's which sample comes
// as sample g is a pure function of g. Shares are met as evenly as whole samples allow: after any n samples each set has
// given its share of n to within one a split.
//
//   mixture: {web: 0.8, books: 0.2}
//   mixture: [{until: 0.9, weights: {web: 0.8, books: 0.2}}, {weights: {books: 0.5, code: 0.5}}]
//
// until: the share of the run's samples (planned_samples(): steps, batch_size and its warm-up) at which the next stage begins.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace athanor {

struct MixtureStage {
  uint64_t end = ~uint64_t{0};   // the first sample of the next stage
  std::vector<double> weights;   // by source; sum 1
};

class Mixture {
 public:
  struct Place {
    size_t source;
    uint64_t sample;  // of that source
  };

  // stages: not empty, with rising ends; the last one never ends.
  explicit Mixture(std::vector<MixtureStage> stages);
  Place at(uint64_t sample) const;
  // How many of the first n samples each source gives.
  std::vector<uint64_t> counts(uint64_t num_samples) const;

 private:
  std::vector<uint64_t> stage_counts(const MixtureStage& stage, uint64_t num_samples) const;

  std::vector<MixtureStage> stages_;
  std::vector<uint64_t> begins_;                 // of the stages
  std::vector<std::vector<uint64_t>> before_;    // samples that each source gave before a stage
};

// Reads the recipe's `mixture` for sources of these names. Nothing given: shares by `sizes`. Throws Error(kUsage) that
// names a set without a weight, a weight without a set, or a stage out of order.
Mixture parse_mixture(const nlohmann::json& given, const std::vector<std::string>& names,
                      const std::vector<double>& sizes, uint64_t num_samples);

}  // namespace athanor
