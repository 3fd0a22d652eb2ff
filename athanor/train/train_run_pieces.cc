// A step's gradients, piece by piece of its batch.
#include <ATen/record_function.h>

#include <algorithm>
#include <optional>
#include <string>

#include "athanor/base/rng.h"
#include "athanor/tensor/autograd.h"
#include "athanor/train/train_run.h"

namespace athanor {

namespace {

constexpr uint64_t kDropoutDraw = 3;  // place for random_at; noise's is 4, the loader uses 1 and 2

}  // namespace

double TrainRun::accumulate_gradients(int64_t rows) {
  Stopwatch watch;
  parallel_.begin_step(result_.step + 1);
  const Share share = parallel_.share_of(rows);
  const uint64_t first = samples_ + static_cast<uint64_t>(share.begin);
  const int64_t own_targets = share.count > 0 ? objective_.load(first, share.count) : 0;
  clock_.load += watch.lap();
  const double targets = parallel_.sum({static_cast<double>(own_targets)}, "number of targets").at(0);
  clock_.exchange += watch.lap();
  // A batch that rules have let grow comes in pieces of what was asked for.
  const int64_t asked = std::max<int64_t>(1, parallel_.share_of(options_.batch_size).count);
  const int64_t piece = options_.micro_batch > 0 ? options_.micro_batch : std::min(share.count, asked);
  const double scale = 1.0 / std::max(1.0, targets);
  double loss = 0;
  for (int64_t begin = 0; begin < share.count; begin += piece) {
    const int64_t count = std::min(piece, share.count - begin);
    const uint64_t dropout_seed = random_at(static_cast<uint64_t>(options_.seed), kDropoutDraw,
                                            first + static_cast<uint64_t>(begin), 2);
    loss += run_piece({begin, count, dropout_seed, scale, loss_scale_.scale()}, begin + count == share.count);
  }
  watch.lap();
  if (parallel_.alone()) {
    return loss;
  }
  const bool stop = hooks_.stop_requested && hooks_.stop_requested();
  buffers_.share(parallel_, share.count > 0);
  const std::vector<double> sums =
      parallel_.finish_backward({loss, static_cast<double>(stop), static_cast<double>(parallel_.leads() && clock_due())});
  stop_agreed_ = sums[1] > 0;
  clock_agreed_ = sums[2] > 0;
  clock_.exchange += watch.lap();
  return sums[0];
}

double TrainRun::run_piece(const PieceOfBatch& piece, bool last) {
  Stopwatch watch;
  if (graphs_) {
    RECORD_USER_SCOPE("forward and backward");
    const std::optional<double> loss = graphs_->run(piece);
    if (const std::string warning = graphs_->take_warning(); !warning.empty()) {
      result_.warnings.push_back(warning);
    }
    if (loss) {
      clock_.backward += watch.lap();  // both
      return *loss;
    }
  }
  at::Tensor mean;
  double loss = 0;
  {
    RECORD_USER_SCOPE("forward");
    mean = objective_.loss_sum(piece.begin, piece.count, piece.dropout_seed).mul(piece.scale);
    loss = mean.item<double>();
    clock_.forward += watch.lap();
  }
  RECORD_USER_SCOPE("backward");
  parallel_.begin_backward(last);
  backward(precision_ == Precision::kFp16 ? mean.mul(piece.loss_scale) : mean);
  clock_.backward += watch.lap();
  return loss;
}

}  // namespace athanor
