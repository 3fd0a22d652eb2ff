// Recipes run by child processes of this program in the same store: trials of a search, folds of a validation. A child is an
// ordinary run, so what was run before is found done, and a child that is killed goes on when it is started again.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "athanor/base/child.h"
#include "athanor/stage/resolve.h"

namespace athanor {

// A recipe of the user's that children vary: a file's path, or a map.
//   base: {recipe: recipes/x.yaml}  or  {recipe: {steps: {...}}}  or  {recipe: {verb: fit, ...}}
class ChildRecipe {
 public:
  // given: the value of `recipe`. A map lost the order of its steps: they are put in the order of their references.
  // data_dir: the recipe's own key of that name, where it is not empty.
  static ChildRecipe load(const nlohmann::json& given, const std::string& data_dir);

  // The recipe with these fields changed: keys as on the command line; in a recipe of one verb they may begin with the
  // verb's name.
  Node with(const std::vector<Override>& overrides) const;
  bool single() const { return root_.find("verb") != nullptr; }
  const Node& root() const { return root_; }

 private:
  Node root_;
};

// The recipe as block YAML, keys in their order (which the ids of steps with several inputs hang on). It reads back as the
// same recipe.
std::string recipe_text(const Node& recipe);

// Sets a field of a step, whatever the form of the recipe.
void set_step_field(Node& recipe, const StepPlan& step, const std::string& field, int64_t value);

// What every child needs besides its recipe.
struct ChildPlace {
  RunStore& store;
  fs::path folder;      // for recipes and outputs of children
  int64_t threads = 0;  // of each child
};

// The last step that has this field (stop_at, threads, ...); -1: none.
int step_with_field(const PipelinePlan& plan, const std::string& field);

// Whether all its steps are done.
bool all_done(const PipelinePlan& plan, const RunStore& store);

// The folder of a step's run, done or not; empty when it has not begun.
fs::path run_folder(const StepPlan& step, const RunStore& store);

struct ChildOutcome {
  enum class End { kDone, kPaused, kFailed, kStopped };  // kStopped: we interrupted it
  End end = End::kDone;
  std::string error;    // kFailed: what and where
  double seconds = 0;   // of the process; 0: it was done before
};

class ChildRuns {
 public:
  explicit ChildRuns(ChildPlace place) : place_(std::move(place)) {}

  // name: of its files in the folder. A child that is done already is never started.
  // plan: the recipe resolved.
  void start(int64_t key, const std::string& name, Node recipe, PipelinePlan plan);
  size_t num_running() const { return children_.size(); }
  bool is_running(int64_t key) const { return children_.contains(key); }
  const PipelinePlan& plan(int64_t key) const { return children_.at(key).plan; }
  void interrupt(int64_t key);

  // Those that have ended since the last call. Busy ones (another process has the run) are tried again; so are those that
  // a signal killed, twice.
  std::vector<std::pair<int64_t, ChildOutcome>> poll();

  // Ctrl-C: all children stop in order, then Error(kInterrupted).
  void stop_on_interrupt();

 private:
  struct Child {
    std::string name;
    PipelinePlan plan;
    std::unique_ptr<ChildProcess> process;
    double begin = 0;
    double again_at = 0;  // when a busy one is tried again
    int kills = 0;
    bool interrupted = false;
    std::optional<ChildOutcome> ended;
  };

  void launch(Child& child);
  std::optional<ChildOutcome> outcome(Child& child);

  ChildPlace place_;
  std::map<int64_t, Child> children_;
};

}  // namespace athanor
