#include "athanor/tensor/device/gpu_group.h"

#include <c10/core/DeviceGuard.h>

#include <chrono>
#include <thread>

#include "athanor/base/error.h"
#include "athanor/base/text.h"
#include "athanor/tensor/device/device.h"

namespace athanor {

namespace {

constexpr double kLook = 0.5;                              // seconds between looks at the store
constexpr double kImpatient = 0.002;                       // most calls are done by then
constexpr auto kPause = std::chrono::microseconds(50);

}  // namespace

GpuGroup::GpuGroup(RankStore& store, at::Device device) : store_(store), device_(device) {
  const Launch& launch = store.launch();
  const GpuUnit& unit = gpu_unit();
  const std::string id = store.from_rank_0("connecting the GPUs", [&] {
    std::string made(kGpuGroupIdBytes, '\0');
    const int code = unit.group_id(made.data());
    if (code != 0) {
      throw Error(ErrorKind::kResource, std::string("the GPUs cannot be connected: ") + unit.group_error_text(code), "device",
                  "NCCL_DEBUG=WARN says more");
    }
    return made;
  });
  const c10::DeviceGuard guard(device);
  begun_ = looked_ = monotonic_time();
  const int code = unit.group_open(device.index(), launch.rank, launch.world, id.data(), &group_);
  if (code != 0) {
    fail(unit.group_error_text(code));
  }
  wait();
}

GpuGroup::~GpuGroup() {
  if (group_ != nullptr) {
    gpu_unit().group_close(group_, gpu_unit().group_state(group_) != 0);
  }
}

// Ends what still runs before anything else: a device that waits for a lost rank takes no other work.
void GpuGroup::fail(const std::string& why) {
  if (group_ != nullptr) {
    gpu_unit().group_close(group_, true);
    group_ = nullptr;
  }
  store_.blame(why);
}

int GpuGroup::state() {
  if (group_ == nullptr) {
    fail("the GPUs are not connected");
  }
  const int code = gpu_unit().group_state(group_);
  if (code == 0) {
    return code;
  }
  if (code != kGpuRunning && code != kGpuStarting) {
    fail(gpu_unit().group_error_text(code));
  }
  const double now = monotonic_time();
  if (now - begun_ > store_.timeout_seconds()) {
    fail("");
  }
  if (now - looked_ > kLook) {
    looked_ = now;
    if (store_.somebody_failed()) {
      fail("");
    }
  }
  return code;
}

bool GpuGroup::done() { return state() == 0; }

void GpuGroup::wait() {
  while (!done()) {
    monotonic_time() - begun_ < kImpatient ? std::this_thread::yield() : std::this_thread::sleep_for(kPause);
  }
}

template <class Call>
void GpuGroup::begin(const Call& call) {
  const c10::DeviceGuard guard(device_);
  while (state() == kGpuStarting) {
    std::this_thread::sleep_for(kPause);
  }
  begun_ = looked_ = monotonic_time();
  const int code = call();
  if (code != 0) {
    fail(gpu_unit().group_error_text(code));
  }
}

void GpuGroup::all_reduce(const at::Tensor& flat) {
  begin([&] {
    return gpu_unit().group_all_reduce(group_, gpu_unit().stream(device_.index()), flat.mutable_data_ptr<float>(), flat.numel());
  });
}

void GpuGroup::reduce_scatter(const at::Tensor& flat, const std::vector<int64_t>& parts) {
  begin([&] {
    return gpu_unit().group_reduce_scatter(group_, gpu_unit().stream(device_.index()), flat.mutable_data_ptr<float>(), parts.data());
  });
}

void GpuGroup::all_gather(const at::Tensor& flat, const std::vector<int64_t>& parts) {
  std::vector<int64_t> bytes;
  for (const int64_t place : parts) {
    bytes.push_back(place * static_cast<int64_t>(flat.element_size()));
  }
  begin([&] {
    return gpu_unit().group_all_gather(group_, gpu_unit().stream(device_.index()), flat.mutable_data_ptr(), bytes.data());
  });
}

void GpuGroup::broadcast(const at::Tensor& tensor, int from) {
  begin([&] {
    return gpu_unit().group_broadcast(group_, gpu_unit().stream(device_.index()), tensor.mutable_data_ptr(),
                                      static_cast<int64_t>(tensor.nbytes()), from);
  });
}

}  // namespace athanor
