// One process of several, as the trainer sees it: which samples are its own, gradients added up over the ranks while
// backward still runs, and optimiser state cut into one share a rank (ZeRO-1, Rajbhandari 2020). With one process all of
// it does nothing.
//
//   Parallel parallel(group, module.named_parameters(), {.shard_optimizer = true});
//   Optimizer optimizer(parallel.own_parameters(), options);
//   const Share rows = parallel.share_of(batch_size);
//   for (each piece of rows) { parallel.begin_backward(last piece); backward(loss / global count); }
//   const double loss = parallel.finish_backward({own loss}).at(0);
//   optimizer.step(lr, clip_scale(parallel.grad_norm(optimizer), 1));
//   parallel.share_weights();
//   parallel.free_gradients(optimizer);
//
// Gradients are sums, not means: each rank divides its loss by the count of targets of the whole batch. They are added in
// rank order, so that W ranks of one piece each get the bits that one process gets which accumulates W pieces. Bucket by
// bucket (in the order in which backward makes them) a thread cuts the sum among the ranks: each adds up its part of a
// bucket. Without sharding the parts are then gathered at once; with it each rank updates its part, and weights are
// gathered instead (share_weights): the same bytes on the wire, the moments' memory divided by the ranks. On one machine
// nothing goes over a wire: buckets lie in memory that all ranks read (tensor/shared_memory.h).
//
// Parameters on a GPU: buckets lie there too, their sums are begun one behind another beside backward, and are in the order of
// the backend (tensor/device/gpu_group.h): losses agree within rounding only.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "athanor/base/file.h"
#include "athanor/model/nn/module.h"
#include "athanor/tensor/process_group.h"
#include "athanor/train/checkpoint.h"
#include "athanor/train/optimizer.h"

namespace athanor {

struct Share {
  int64_t begin = 0;
  int64_t count = 0;
};

struct ParallelOptions {
  bool shard_optimizer = true;
  std::vector<bool> whole;  // by parameter: its update needs all of it (muon), so that one rank has it whole
  int64_t bucket_bytes = 16 << 20;
};

class Parallel {
 public:
  // group null: one process. The parameters are contiguous fp32 leaves and outlive this; while it lives it owns their
  // gradients' memory.
  Parallel(ProcessGroup* group, std::vector<NamedParameter> parameters, const ParallelOptions& options = {});
  ~Parallel();
  Parallel(const Parallel&) = delete;
  Parallel& operator=(const Parallel&) = delete;

  int rank() const { return group_ == nullptr ? 0 : group_->rank(); }
  int world() const { return group_ == nullptr ? 1 : group_->world(); }
  bool alone() const { return group_ == nullptr; }
  bool leads() const { return rank() == 0; }
  bool sharded() const { return sharded_; }

  // This rank's rows of a batch: floor(count * rank / world) on. Where the world does not divide the count the shares
  // differ by one; with fewer rows than ranks some are empty. The ranks' rows behind one another are the batch.
  Share share_of(int64_t count) const;

  // Sums over the ranks, element by element.
  std::vector<double> sum(const std::vector<double>& values, const std::string& name);
  // Names the step (from 1 on) in errors.
  void begin_step(int64_t step);
  // Before each backward pass; last: of this step, whose gradients travel as they come.
  void begin_backward(bool last);
  // After the last (or with no piece at all): waits until the gradients are summed. Also sums these numbers.
  std::vector<double> finish_backward(const std::vector<double>& numbers);

  // What this rank's optimiser updates: the parameters themselves, or with sharding one-dimensional views on parts of
  // them (whole ones keep their shape) under the parameters' names. Their gradients are set by finish_backward.
  const std::vector<NamedParameter>& own_parameters() const { return own_; }
  const std::vector<ParameterPlace>& own_places() const { return own_places_; }
  // Of all ranks' gradients, by the same sums whatever the number of ranks (on a GPU: within rounding).
  double grad_norm(const Optimizer& optimizer);
  // With sharding: gives the parameters themselves their summed gradients, for whoever wants to look at them.
  void gather_gradients();
  // After the update: every rank gets all weights. With sharding the gradients' memory is used for it.
  void share_weights();
  void free_gradients(Optimizer& optimizer);

  // The optimiser's arrays under the names and shapes of a single process: rank 0 gets them all, the others nothing.
  NamedTensors gather_state(const Optimizer& optimizer);
  // Fills this rank's share of them from a checkpoint's file, whatever number of ranks wrote it. more: whole tensors that
  // the file has beside. Error(kInput) unless the file holds exactly these, with these types and shapes.
  void load_state(const fs::path& safetensors, Optimizer& optimizer, const NamedTensors& more);

  // Every rank gets rank 0's.
  void copy_from_leader(const NamedTensors& tensors);
  // All ranks come here, however long it takes.
  void meet(const std::string& name);
  // What rank 0's function gives, on every rank; the others wait, however long it takes.
  nlohmann::json from_leader(const std::string& what, const std::function<nlohmann::json()>& function);

 private:
  struct Member {
    size_t parameter;
    int64_t offset;  // in the bucket
  };
  struct Bucket {
    std::vector<Member> members;
    int64_t size = 0;
    PartBounds parts;
    at::Tensor memory;  // gradients; after the update weights, on their way
    size_t missing = 0; // members whose gradient of this backward pass is still to come
    bool sent = false;
  };
  struct Piece {  // of a parameter: this rank's
    size_t parameter;
    int64_t begin;
    int64_t count;
    size_t bucket;
    int64_t offset;
  };

  void make_buckets(int64_t bucket_bytes);
  void cut_for_optimizer(const std::vector<bool>& whole);
  void own_pieces(const std::vector<bool>& whole);
  at::Tensor gradient_view(const Bucket& bucket, const Member& member) const;
  void take_gradient(size_t parameter);
  void gradient_ready(size_t parameter);
  void send_ready_buckets();
  bool on_gpu() const { return !alone() && !parameters_.empty() && !parameters_[0].tensor.is_cpu(); }
  void communicate();
  // On a GPU: begins it.
  void reduce(Bucket& bucket, const std::string& name);
  bool reductions_done(bool none_to_come);
  void wait_for_buckets();
  void take_weights(const Bucket& bucket, const std::string& name);

  ProcessGroup* group_;
  std::vector<NamedParameter> parameters_;
  bool sharded_ = false;
  std::vector<Bucket> buckets_;
  std::vector<std::pair<size_t, size_t>> place_;  // of each parameter: bucket, member
  std::vector<NamedParameter> own_;
  std::vector<ParameterPlace> own_places_;
  std::vector<Piece> pieces_;  // with sharding: of own_
  std::vector<char> arrived_;  // by parameter: its gradient came in this step
  std::vector<char> used_;     // by parameter: in an earlier pass of this step, or this one
  bool last_ = false;
  size_t next_to_send_ = 0;

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<size_t> queue_;  // buckets to reduce
  size_t begun_ = 0;    // of them, by a GPU
  size_t reduced_ = 0;
  bool ending_ = false;
  std::exception_ptr error_;
};

}  // namespace athanor
