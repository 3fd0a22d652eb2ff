// Collectives by NCCL, compiled in the gpu preset alone. The communicator does not block (ncclConfig_t.blocking = 0), so that
// a rank which never comes leaves the caller free to find out which, and to abort.
#include "athanor/tensor/cuda/group_gpu.h"

#include <c10/cuda/CUDAFunctions.h>
#include <cuda_runtime_api.h>
#include <nccl.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

namespace athanor {
namespace {

static_assert(sizeof(ncclUniqueId) == kGpuGroupIdBytes);

constexpr int kCuda = 1000;  // codes from here on are CUDA's
constexpr auto kPause = std::chrono::milliseconds(1);
constexpr int kMostPauses = 10000;  // ten seconds for the last words between ranks that all live

// NCCL and events want the device to be the current one. The one before is no rank's own as a rule, and takes memory from the
// moment it is touched: LibTorch's call leaves it alone.
class OnDevice {
 public:
  explicit OnDevice(int device) {
    cudaGetDevice(&before_);
    cudaSetDevice(device);
  }
  ~OnDevice() { c10::cuda::MaybeSetDevice(static_cast<c10::DeviceIndex>(before_)); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

 private:
  int before_ = 0;
};

struct Group {
  ncclComm_t comm = nullptr;
  int device = 0;
  int rank = 0;
  int world = 1;
  cudaStream_t stream = nullptr;   // the calls' own: they run beside backward
  cudaEvent_t before = nullptr;    // what a call comes after
  cudaEvent_t done = nullptr;
  bool recorded = true;            // done stands behind the last call
};

int code_of(cudaError_t error) { return error == cudaSuccess ? 0 : kCuda + static_cast<int>(error); }
int code_of(ncclResult_t result) { return result == ncclInProgress ? 0 : static_cast<int>(result); }

int group_id(char* id) {
  ncclUniqueId made;
  const ncclResult_t result = ncclGetUniqueId(&made);
  std::memcpy(id, &made, sizeof made);
  return code_of(result);
}

// The group is the caller's to close, however far it came.
int group_open(int device, int rank, int world, const char* id, void** out) {
  const OnDevice there(device);
  auto* const group = new Group;
  *out = group;
  group->device = device;
  group->rank = rank;
  group->world = world;
  cudaError_t made = cudaStreamCreateWithFlags(&group->stream, cudaStreamNonBlocking);
  for (cudaEvent_t* event : {&group->before, &group->done}) {
    made = made == cudaSuccess ? cudaEventCreateWithFlags(event, cudaEventDisableTiming) : made;
  }
  if (made != cudaSuccess) {
    return code_of(made);
  }
  ncclUniqueId given;
  std::memcpy(&given, id, sizeof given);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  return code_of(ncclCommInitRankConfig(&group->comm, world, given, rank, &config));
}

// calls(group) on the group's stream, behind what `stream` holds now.
template <class Calls>
int begin(void* given, void* stream, const Calls& calls) {
  auto& group = *static_cast<Group*>(given);
  const OnDevice there(group.device);
  cudaError_t ordered = cudaEventRecord(group.before, static_cast<cudaStream_t>(stream));
  ordered = ordered == cudaSuccess ? cudaStreamWaitEvent(group.stream, group.before, 0) : ordered;
  if (ordered != cudaSuccess) {
    return code_of(ordered);
  }
  group.recorded = false;
  int code = code_of(ncclGroupStart());
  if (code == 0) {
    code = calls(group);
    const int ended = code_of(ncclGroupEnd());
    code = code == 0 ? ended : code;
  }
  return code;
}

int group_all_reduce(void* given, void* stream, float* data, int64_t count) {
  return begin(given, stream, [&](const Group& group) {
    return code_of(ncclAllReduce(data, data, static_cast<size_t>(count), ncclFloat, ncclSum, group.comm, group.stream));
  });
}

bool even(const int64_t* parts, int world) {
  for (int rank = 1; rank < world; ++rank) {
    if (parts[rank + 1] - parts[rank] != parts[1] - parts[0]) {
      return false;
    }
  }
  return true;
}

// One call for each part that is not empty; the first error.
template <class Call>
int for_each_part(const Group& group, const int64_t* parts, const Call& call) {
  int code = 0;
  for (int rank = 0; rank < group.world && code == 0; ++rank) {
    const auto count = static_cast<size_t>(parts[rank + 1] - parts[rank]);
    code = count == 0 ? 0 : code_of(call(rank, parts[rank], count));
  }
  return code;
}

int group_reduce_scatter(void* given, void* stream, float* data, const int64_t* parts) {
  return begin(given, stream, [&](const Group& group) {
    if (even(parts, group.world)) {
      return code_of(ncclReduceScatter(data + parts[0], data + parts[group.rank], static_cast<size_t>(parts[1] - parts[0]),
                                       ncclFloat, ncclSum, group.comm, group.stream));
    }
    return for_each_part(group, parts, [&](int rank, int64_t at, size_t count) {
      return ncclReduce(data + at, data + at, count, ncclFloat, ncclSum, rank, group.comm, group.stream);
    });
  });
}

int group_all_gather(void* given, void* stream, void* data, const int64_t* parts) {
  return begin(given, stream, [&](const Group& group) {
    char* const bytes = static_cast<char*>(data);
    if (even(parts, group.world)) {
      return code_of(ncclAllGather(bytes + parts[group.rank], bytes + parts[0], static_cast<size_t>(parts[1] - parts[0]),
                                   ncclInt8, group.comm, group.stream));
    }
    return for_each_part(group, parts, [&](int rank, int64_t at, size_t count) {
      return ncclBroadcast(bytes + at, bytes + at, count, ncclInt8, rank, group.comm, group.stream);
    });
  });
}

int group_broadcast(void* given, void* stream, void* data, int64_t bytes, int from) {
  return begin(given, stream, [&](const Group& group) {
    return code_of(ncclBroadcast(data, data, static_cast<size_t>(bytes), ncclInt8, from, group.comm, group.stream));
  });
}

int group_state(void* given) {
  auto& group = *static_cast<Group*>(given);
  const OnDevice there(group.device);
  ncclResult_t state = ncclSuccess;
  const ncclResult_t asked = ncclCommGetAsyncError(group.comm, &state);
  if (asked != ncclSuccess) {
    return code_of(asked);
  }
  if (state == ncclInProgress) {
    return kGpuStarting;
  }
  if (state != ncclSuccess) {
    return code_of(state);
  }
  if (!group.recorded) {  // only now are the kernels on the stream
    const cudaError_t error = cudaEventRecord(group.done, group.stream);
    if (error != cudaSuccess) {
      return code_of(error);
    }
    group.recorded = true;
  }
  const cudaError_t finished = cudaEventQuery(group.done);
  return finished == cudaErrorNotReady ? kGpuRunning : code_of(finished);
}

// The ranks' last words to each other; false where they do not come.
bool finalised(ncclComm_t comm) {
  ncclResult_t state = ncclCommFinalize(comm);
  for (int pause = 0; state == ncclInProgress && pause < kMostPauses; ++pause) {
    std::this_thread::sleep_for(kPause);
    if (ncclCommGetAsyncError(comm, &state) != ncclSuccess) {
      return false;
    }
  }
  return state == ncclSuccess;
}

void group_close(void* given, bool aborting) {
  const std::unique_ptr<Group> group(static_cast<Group*>(given));
  const OnDevice there(group->device);
  if (group->comm != nullptr && !aborting && finalised(group->comm)) {
    ncclCommDestroy(group->comm);
  } else if (group->comm != nullptr) {
    ncclCommAbort(group->comm);
  }
  for (cudaEvent_t event : {group->before, group->done}) {
    if (event != nullptr) {
      cudaEventDestroy(event);
    }
  }
  if (group->stream != nullptr) {
    cudaStreamDestroy(group->stream);
  }
}

const char* group_error_text(int code) {
  return code >= kCuda ? cudaGetErrorString(static_cast<cudaError_t>(code - kCuda))
                       : ncclGetErrorString(static_cast<ncclResult_t>(code));
}

}  // namespace

void add_group_calls(GpuUnit& unit) {
  unit.group_id = group_id;
  unit.group_open = group_open;
  unit.group_all_reduce = group_all_reduce;
  unit.group_reduce_scatter = group_reduce_scatter;
  unit.group_all_gather = group_all_gather;
  unit.group_broadcast = group_broadcast;
  unit.group_state = group_state;
  unit.group_close = group_close;
  unit.group_error_text = group_error_text;
  ncclGetVersion(&unit.group_version);
}

}  // namespace athanor
