// The state of one training run, behind train() (trainer.h). Step by step in trainer.cc, the gradients of a batch in
// train_run_pieces.cc, what is said and decided after a step in train_run_report.cc, what is kept on disk in train_run_state.cc.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "athanor/base/error.h"
#include "athanor/train/control.h"
#include "athanor/train/graph_pieces.h"
#include "athanor/train/loss_scale.h"
#include "athanor/train/objective.h"
#include "athanor/train/optimizer.h"
#include "athanor/train/parallel.h"
#include "athanor/train/profile.h"
#include "athanor/train/module_buffers.h"
#include "athanor/train/schedule.h"
#include "athanor/train/spike.h"
#include "athanor/train/trainer.h"
#include "athanor/train/watch.h"
#include "athanor/train/weight_average.h"

namespace athanor {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  // Seconds since the last lap.
  double lap() {
    const double elapsed = seconds();
    start_ = std::chrono::steady_clock::now();
    return elapsed;
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Where the seconds of the steps since the last report went.
struct StepClock {
  double load = 0;      // waiting for data
  double forward = 0;
  double backward = 0;
  double exchange = 0;  // what is left of the transfers when backward ends, and waiting for other processes
  double update = 0;    // gradients' norm and the optimiser
  void add(const StepClock& other);
};

struct TrainingStepOutcome {
  double loss = 0;
  double grad_norm = 0;
  double lr = 0;
  bool done = false;  // false: rolled back
};

class TrainRun {
 public:
  TrainRun(Objective& objective, const TrainOptions& options, const fs::path& state_dir, const TrainHooks& hooks,
           ProcessGroup* group);
  TrainResult run();

 private:
  void resume();
  // The checkpoint that `look` finds: rank 0 looks, all go by it.
  std::optional<ResumePoint> agreed_point(const std::function<std::optional<ResumePoint>()>& look);
  // Weights, optimiser and everything else as the checkpoint has them.
  void restore(const ResumePoint& point);
  // A checkpoint of another run must not be continued in silence: names the first field that differs.
  void require_same_run(const ResumePoint& point) const;
  TrainingStepOutcome train_step();
  // The work; when memory runs out in a step, the state before it is kept on disk. The Error says which knob to turn.
  void guarded(const std::function<void()>& work);
  Error out_of_memory(const std::string& what);
  void update(TrainingStepOutcome& outcome, int64_t rows);
  void finish_step(TrainingStepOutcome& outcome, int64_t rows);
  // Sums of losses of the pieces of a batch of so many rows, each divided by the whole batch's count of targets before
  // its backward pass. Each process takes its share of the rows; the sum is of all.
  double accumulate_gradients(int64_t rows);
  // The loss of one piece, whose gradients are added. last: of the step.
  double run_piece(const PieceOfBatch& piece, bool last);
  enum class SpikeAction { kApply, kSkip, kRollBack };
  // Says the spike and decides. Throws where the run must stop.
  SpikeAction handle_spike(const SpikeGuard::Verdict& verdict, const TrainingStepOutcome& outcome);
  // The last step that a rollback goes back to: a function of the step alone, so that checkpoints by the clock, pauses and
  // resumes do not change the result. 0: none yet.
  int64_t rollback_point() const;
  // Back to it; the samples from there to the end of this batch are never seen again.
  void roll_back(int64_t rows);
  void profile_if_due();
  void report_step(const TrainingStepOutcome& outcome);
  // True when this step has the lowest validation loss so far.
  bool evaluate_if_due();
  // What a validation loss decides: a lower rate on a plateau, an early end.
  void note_progress(double loss);
  void follow(const std::vector<ControlDecision>& decisions);
  // The weights that the caller saves: averages where there are any, and of the best step when that is asked for.
  void choose_final_weights(const fs::path& state_dir);
  // Grows in a straight line over the batch warm-up; control may change it.
  int64_t batch_size_at(int64_t step) const;
  NamedTensors model_state() const;
  NamedTensors optimizer_state();  // of all ranks, on rank 0
  bool checkpoint_due(bool improved) const;
  bool clock_due() const;
  void save_checkpoint();
  void finish_rates();
  void emit(const nlohmann::json& event) const;

  Objective& objective_;
  const TrainOptions& options_;
  const TrainHooks& hooks_;
  fs::path state_dir_;
  Precision precision_;
  Schedule schedule_;
  std::vector<NamedParameter> parameters_;
  ModuleBuffers buffers_;
  Parallel parallel_;
  Optimizer optimizer_;
  WeightAverage average_;
  std::unique_ptr<GraphPieces> graphs_;  // null: every piece is run operator by operator
  Plateau plateau_;
  Control control_;
  SpikeGuard guard_;
  LossScale loss_scale_;        // fp16's; else it stays at 1
  nlohmann::json fingerprint_;  // options, model, data
  std::unique_ptr<CheckpointWriter> writer_;  // rank 0's
  int64_t last_checkpoint_ = -1;              // its step; -1: none
  bool stop_agreed_ = false;                  // some process was asked to stop
  bool clock_agreed_ = false;                 // rank 0's clock says that a checkpoint is due
  TrainResult result_;
  uint64_t samples_ = 0;
  bool before_update_ = false;  // in a step that has changed nothing yet but running statistics
  int64_t skips_in_a_row_ = 0;
  int64_t evaluations_without_progress_ = 0;
  std::optional<double> progress_mark_;
  std::optional<double> metric_;  // the validation loss of this very step
  std::unique_ptr<ParameterWatch> watch_;  // only inside a step that is looked at
  ActivationLog activations_;
  StepProfile profile_;
  int64_t steps_here_ = 0;                 // of this process
  int64_t rollbacks_to_point_ = 0;         // to the one that stands
  StepClock clock_;
  StepClock whole_clock_;
  Stopwatch step_watch_;
  Stopwatch since_checkpoint_;
  uint64_t reported_units_ = 0;
  double training_seconds_ = 0;
  double training_units_ = 0;
};

}  // namespace athanor
