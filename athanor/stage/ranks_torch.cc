#include "athanor/stage/ranks_torch.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdlib>

#include "athanor/tensor/device/device.h"

namespace athanor {

namespace {

constexpr double kWaitingTimeout = 50;  // between steps; a step sets its own

class RanksOverStore : public Ranks {
 public:
  explicit RanksOverStore(const Launch& launch) : store_(launch, kWaitingTimeout) {}

  const Launch& launch() const override { return store_.launch(); }
  void set(const std::string& key, const std::string& value) override { store_.set(key, value); }
  bool has(const std::string& key) override { return store_.get(key).has_value(); }
  std::string wait(const std::string& key, const std::string& what) override { return store_.wait(key, what); }
  void say_failed(const Error& error) override { store_.say_failed(error); }
  RankStore& store() { return store_; }

 private:
  RankStore store_;
};

}  // namespace

std::unique_ptr<Ranks> ranks_over_store(const Launch& launch) {
  if (std::getenv("OMP_NUM_THREADS") == nullptr && launch.local_world > 1) {
    at::set_num_threads(std::max(1, at::get_num_threads() / launch.local_world));
  }
  set_local_rank(launch.local_rank, launch.local_world);
  return std::make_unique<RanksOverStore>(launch);
}

fs::path own_rejected(const StageContext& context) {
  const int rank = context.ranks == nullptr ? 0 : context.ranks->launch().rank;
  return rank == 0 ? context.run.rejected() : context.run.state() / ("rank-" + std::to_string(rank)) / "rejected";
}

TrainPlace place_of(const Launch& launch, const TrainOptions& options) {
  return {.gpu = !open_device(options.device).is_cpu(), .ranks = launch.world, .local_ranks = launch.local_world};
}

TrainPlace place_of(const StageContext& context, const TrainOptions& options) {
  return place_of(context.ranks == nullptr ? Launch() : context.ranks->launch(), options);
}

std::unique_ptr<ProcessGroup> open_group(StageContext& context, double timeout_seconds) {
  if (context.ranks == nullptr) {
    return nullptr;
  }
  RankStore& store = static_cast<RanksOverStore*>(context.ranks)->store();  // this unit made it
  store.set_timeout(timeout_seconds);
  return std::make_unique<ProcessGroup>(store);
}

}  // namespace athanor
