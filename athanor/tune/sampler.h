// Samplers: what to try next. Each is a pure function of (seed, what was asked and told, in that order), so a study that
// is replayed from its journal goes on as if it had never stopped.
//
//   auto sampler = make_sampler(SamplerOptions{.kind = "tpe"}, space, 1, seed);
//   Trial trial{.number = 0, .point = sampler->ask(0)};
//   trial.values = {loss(trial.point)}; trial.state = TrialState::kComplete;
//   sampler->tell(trial);
//
// All minimise; who maximises changes the sign. Not for several threads at once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "athanor/run/fields.h"
#include "athanor/tune/space.h"

namespace athanor::tune {

enum class TrialState { kRunning, kComplete, kPruned, kFailed };
const char* name_of(TrialState state);

struct Trial {
  int64_t number = -1;
  TrialState state = TrialState::kRunning;
  Point point;
  std::vector<double> values;                      // one an objective; kPruned: of the last step, where there is one
  std::vector<std::pair<int64_t, double>> steps;   // values on the way, by ascending step
  std::string error;                               // kFailed
};

struct SamplerOptions {
  std::string kind = "tpe";
  int64_t startup = 10;
  int64_t candidates = 24;
  int64_t points = 5;
  int64_t population = 0;
  static void fields(Fields<SamplerOptions>& f) {
    f.add("kind", &SamplerOptions::kind, "which search: tpe and gp learn from every trial, cma suits many continuous fields, "
          "nsga2 is for several objectives, the others do not look back")
        .choices({"tpe", "random", "sobol", "grid", "gp", "cma", "nsga2"});
    f.add("startup", &SamplerOptions::startup, "tpe, gp: trials spread evenly before the model is asked").range(1, 100000);
    f.add("candidates", &SamplerOptions::candidates, "tpe: drawn from the good trials, of which the best is tried")
        .range(1, 10000);
    f.add("points", &SamplerOptions::points, "grid: values a continuous field is cut into").range(1, 1000);
    f.add("population", &SamplerOptions::population, "cma, nsga2: trials a generation; 0: by the number of fields (cma), 50 (nsga2)")
        .range(0, 10000);
  }
};

class Sampler {
 public:
  virtual ~Sampler() = default;
  // The point of a new trial. Numbers ascend, each is asked once.
  Point ask(int64_t number) {
    Point point = suggest(number);
    note(number, point);
    return point;
  }
  // What ask would give, from all that was noted and told; changes nothing that a later call sees.
  virtual Point suggest(int64_t number) = 0;
  // The trial runs with this point: ask without the work, for replaying a journal.
  virtual void note(int64_t number, const Point& point) = 0;
  // What became of a noted trial: complete, pruned or failed. A pruned trial that went on may be told again.
  virtual void tell(const Trial& trial) = 0;
  // Said once before all else: trials pause at these steps (ascending, the last the whole way), and only the best go on.
  virtual void pauses_at(const std::vector<int64_t>&) {}
  // Nothing new is left (grid).
  virtual bool exhausted() const { return false; }
};

struct SamplerEntry {
  const char* kind;
  const char* summary;
  bool several_objectives;
  std::unique_ptr<Sampler> (*make)(const SamplerOptions&, const Space&, uint64_t seed);
};
std::span<const SamplerEntry> samplers();

// Error(kUsage) for a kind that cannot do several objectives.
std::unique_ptr<Sampler> make_sampler(const SamplerOptions& options, const Space& space, size_t num_objectives,
                                      uint64_t seed);

// One function a kind, each in its own file.
std::unique_ptr<Sampler> make_random(const SamplerOptions&, const Space&, uint64_t seed);
std::unique_ptr<Sampler> make_sobol(const SamplerOptions&, const Space&, uint64_t seed);
std::unique_ptr<Sampler> make_grid(const SamplerOptions&, const Space&, uint64_t seed);
std::unique_ptr<Sampler> make_tpe(const SamplerOptions&, const Space&, uint64_t seed);
std::unique_ptr<Sampler> make_gp(const SamplerOptions&, const Space&, uint64_t seed);
std::unique_ptr<Sampler> make_cma(const SamplerOptions&, const Space&, uint64_t seed);
std::unique_ptr<Sampler> make_nsga2(const SamplerOptions&, const Space&, uint64_t seed);

// The number of points of the grid, at most `limit`.
uint64_t grid_size(const SamplerOptions& options, const Space& space, uint64_t limit);

}  // namespace athanor::tune
