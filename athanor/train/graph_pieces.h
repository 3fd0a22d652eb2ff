// Pieces of a batch on a GPU whose forward and backward passes are captured once and then begun as one launch (docs/gpu.md).
// Losses and gradients have the bits of passes that are run operator by operator.
//
//   GraphPieces graphs(objective, precision, rows);
//   graphs.begin_step(false);
//   for (each piece) { loss += graphs.run(piece).value_or(run it as ever); }
//
// The first two steps run as ever, so that LibTorch has made what it makes once; the third's first piece notes what moves to the
// GPU (tensor/device/transfer.h); from then on two graphs are captured when they are first wanted: of a step's first piece, whose
// gradients are made, and of a later one, which adds to them. They lie in the graphs' memory for the whole run, and each replay
// of the first writes them anew. Memory: what one piece needs, once more beside what validation takes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "athanor/tensor/device/graph.h"
#include "athanor/tensor/device/transfer.h"
#include "athanor/train/objective.h"
#include "athanor/train/options.h"

namespace athanor {

// Rows of the batch that is loaded, and what their losses are multiplied by.
struct PieceOfBatch {
  int64_t begin = 0;
  int64_t count = 0;
  uint64_t dropout_seed = 0;
  double scale = 1;       // 1 / targets of the whole batch
  double loss_scale = 1;  // fp16's, of what backward begins with
};

// Error(kUsage) that names the option, unless pieces of this objective can be captured in so many processes.
void require_graphs(Objective& objective, int world);

class GraphPieces {
 public:
  // Pieces of so many rows are captured, all others run as ever. The objective outlives this; its parameters are on a GPU and
  // stay where they are.
  GraphPieces(Objective& objective, Precision precision, int64_t rows);
  GraphPieces(const GraphPieces&) = delete;
  GraphPieces& operator=(const GraphPieces&) = delete;

  // Before the first piece of each step, while no parameter has a gradient. watched: all of it runs as ever.
  void begin_step(bool watched);
  // The piece's loss, its gradients added to the parameters'. Nothing: the caller is to run it.
  std::optional<double> run(const PieceOfBatch& piece);
  // Why the device could capture no piece, in one sentence, once; empty: it could, or has not tried.
  std::string take_warning();

 private:
  struct Captured {
    std::unique_ptr<GpuGraph> graph;
    at::Tensor loss;  // in the graph's memory
  };

  void load(const PieceOfBatch& piece);
  at::Tensor passes();
  double note(const PieceOfBatch& piece);
  bool capture(Captured& captured);
  void give_up(const std::string& why);

  Objective& objective_;
  CapturedPieces& pieces_;
  Precision precision_;
  int64_t rows_;
  std::vector<NamedParameter> parameters_;
  std::vector<at::Tensor> inputs_;     // on the host, where each piece is copied to
  at::Tensor scale_, loss_scale_;      // on the GPU
  std::unique_ptr<TransferRecord> record_;
  Captured first_, later_;
  std::vector<at::Tensor> gradients_;  // of the first's memory; undefined where a parameter has none
  int64_t warm_steps_ = 0;
  bool is_first_ = true;  // of the step
  bool watched_ = false;
  bool ours_ = false;     // this step's gradients lie in the first's memory
  bool given_up_ = false;
  std::string warning_;
};

}  // namespace athanor
