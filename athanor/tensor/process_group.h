// Collectives among the processes of one launch, over c10d: Gloo on the CPU. Sums are taken in rank order, ((x0 + x1) +
// x2) + ..., so that all ranks hold the same bits, and the bits that one process gets which adds the ranks' parts one
// after another. Tensors on a GPU go by NCCL (open_gpu), which adds in an order of its own; all ranks hold the same bits there
// too. Each call names itself: when a rank does not come, the error says which, in which step and call.
//
//   ProcessGroup group(store);                      // a RankStore
//   group.at_step(12);
//   group.all_reduce(gradients, "gradients");       // flat fp32, in place
//   const std::vector<double> total = group.sum({loss, count}, "loss");
//
// All ranks make the same calls in the same order. Any failure is Error(kResource) by RankStore::blame(); the group is
// of no use after it.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "athanor/tensor/device/gpu_group.h"
#include "athanor/tensor/rank_store.h"
#include "athanor/tensor/shared_memory.h"

namespace athanor {

// Cuts a flat tensor into one part a rank: rank r has [bounds[r], bounds[r + 1]); world + 1 of them.
using PartBounds = std::vector<int64_t>;

// Parts of one size but for the last.
PartBounds even_parts(int64_t count, int world);

class ProcessGroup {
 public:
  explicit ProcessGroup(RankStore& store);
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  int rank() const;
  int world() const;
  RankStore& store() { return store_; }

  // The step that errors name.
  void at_step(int64_t step) { step_ = step; }

  // From now on tensors on this device can be given: each rank's own GPU. A collective call; again: nothing.
  void open_gpu(at::Device device);

  // count numbers for tensors that are exchanged again and again. Where all ranks are on one machine they lie in memory that
  // the others read, and the calls below, given this tensor or a piece of it, copy nothing through a socket; else they are
  // like any others. A collective call: the same count on all ranks.
  at::Tensor shared_floats(int64_t count, const std::string& name);
  // Where rank's numbers lie, for a tensor of shared_floats; null where they are not shared. Read between two meetings.
  const float* numbers_of(const at::Tensor& flat, int rank) const;
  // All ranks come here; what they wrote is then seen by all. For a tensor whose numbers are shared. Twice a call: before
  // the others' numbers are read, and after it (leaving), so that nobody writes over what another still reads.
  void meet_over(const at::Tensor& flat, const std::string& name, bool leaving = false);

  // flat: one dimension, contiguous, fp32. In place; only this rank's part holds the sum afterwards.
  void reduce_scatter(const at::Tensor& flat, const PartBounds& parts, const std::string& name);
  // Each rank gives its part, and gets the others'. Any type.
  void all_gather(const at::Tensor& flat, const PartBounds& parts, const std::string& name);
  // fp32, in place.
  void all_reduce(const at::Tensor& flat, const std::string& name);
  // Few numbers: element by element over the ranks.
  std::vector<double> sum(const std::vector<double>& values, const std::string& name);
  void broadcast(const at::Tensor& tensor, int from, const std::string& name);
  // Of a tensor on the GPU, only begun, beside what the device does afterwards; one after another.
  void begin_reduce_scatter(const at::Tensor& flat, const PartBounds& parts, const std::string& name);
  void begin_all_reduce(const at::Tensor& flat, const std::string& name);
  // Whether all that was begun is done: to be asked again and again, which is what finds a lost rank. wait_for_gpu asks.
  bool gpu_done();
  void wait_for_gpu();
  // On the CPU.
  void send(const at::Tensor& tensor, int to, const std::string& name);
  void receive(const at::Tensor& tensor, int from, const std::string& name);

 private:
  struct Impl;
  // Runs one call of the backend, and blames who fails it.
  template <typename Call>
  void collective(const std::string& name, const Call& call, bool together = true);
  // The GPU's calls for this tensor, which begin now; null for one on the CPU.
  GpuGroup* gpu_for(const at::Tensor& tensor, const std::string& name);
  SharedBlock* block_of(const at::Tensor& flat) const;

  RankStore& store_;
  std::unique_ptr<Impl> impl_;
  std::unique_ptr<GpuGroup> gpu_;
  std::vector<std::shared_ptr<SharedBlock>> blocks_;  // tensors over them keep them too
  std::atomic<int64_t> step_{0};
  int64_t num_shared_ = 0;
};

}  // namespace athanor
