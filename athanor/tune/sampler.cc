#include "athanor/tune/sampler.h"

#include <array>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"

namespace athanor::tune {

const char* name_of(TrialState state) {
  switch (state) {
    case TrialState::kRunning:
      return "running";
    case TrialState::kComplete:
      return "complete";
    case TrialState::kPruned:
      return "pruned";
    case TrialState::kFailed:
      return "failed";
  }
  return "running";
}

std::span<const SamplerEntry> samplers() {
  static constexpr std::array<SamplerEntry, 7> kTable{{
      {"tpe", "densities of the good and the other trials (Bergstra 2011), multivariate", false, &make_tpe},
      {"random", "each trial for itself", true, &make_random},
      {"sobol", "a scrambled Sobol sequence: random, but evenly spread", true, &make_sobol},
      {"grid", "every combination", true, &make_grid},
      {"gp", "a Gaussian process and expected improvement", false, &make_gp},
      {"cma", "covariance matrix adaptation (Hansen 2016)", false, &make_cma},
      {"nsga2", "a population that spreads along the Pareto front (Deb 2002)", true, &make_nsga2},
  }};
  return kTable;
}

std::unique_ptr<Sampler> make_sampler(const SamplerOptions& options, const Space& space, size_t num_objectives,
                                      uint64_t seed) {
  std::vector<std::string> names;
  for (const auto& entry : samplers()) {
    names.push_back(entry.kind);
    if (options.kind != entry.kind) {
      continue;
    }
    if (num_objectives > 1 && !entry.several_objectives) {
      throw Error(ErrorKind::kUsage, "the sampler " + options.kind + " is for one objective", "sampler.kind",
                  "take nsga2, sobol, random or grid");
    }
    return entry.make(options, space, seed);
  }
  throw Error(ErrorKind::kUsage, "there is no sampler '" + options.kind + "'", "sampler.kind",
              did_you_mean(options.kind, names));
}

}  // namespace athanor::tune
