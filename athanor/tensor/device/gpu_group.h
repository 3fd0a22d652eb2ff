// Collectives among processes that have one GPU each, through the GPU unit (NCCL): what process_group.h does with tensors that
// lie on a GPU. A call is only begun: it goes on beside what the device does afterwards, in order with the calls before it.
//
//   GpuGroup group(store, device);      // on all ranks
//   group.all_reduce(gradients);
//   while (!group.done()) { ... }       // or group.wait()
//
// Sums are taken in an order of the backend's own. All ranks make the same calls in the same order. Any failure, a rank that is
// gone, and one that does not come within the store's timeout, ends what still runs and is Error(kResource) by
// RankStore::blame(); the group is of no use after it. One thread at a time.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "athanor/tensor/rank_store.h"

namespace athanor {

class GpuGroup {
 public:
  // A collective call; waits until all ranks have come.
  GpuGroup(RankStore& store, at::Device device);
  ~GpuGroup();
  GpuGroup(const GpuGroup&) = delete;
  GpuGroup& operator=(const GpuGroup&) = delete;

  at::Device device() const { return device_; }

  // In place, on contiguous tensors of this device; fp32 where it adds. parts: as ProcessGroup's.
  void all_reduce(const at::Tensor& flat);
  // Only this rank's part holds anything of use afterwards.
  void reduce_scatter(const at::Tensor& flat, const std::vector<int64_t>& parts);
  void all_gather(const at::Tensor& flat, const std::vector<int64_t>& parts);
  void broadcast(const at::Tensor& tensor, int from);

  // Whether all that was begun is done. To be asked again and again: it is what finds out that a rank is gone.
  bool done();
  void wait();

 private:
  template <class Call>
  void begin(const Call& call);
  int state();
  [[noreturn]] void fail(const std::string& why);

  RankStore& store_;
  at::Device device_;
  void* group_ = nullptr;
  double begun_ = 0;   // the last call
  double looked_ = 0;  // at the other ranks' signs of life
};

}  // namespace athanor
