// The fake GPU's collectives (testing_fake_gpu.h): what unit.h asks of NCCL, among processes of one machine, through a file that
// all map. As there, a call only begins, is done later by a thread of the group's own, adds in a ring's order and not in that of
// the ranks, leaves nothing of use in others' parts, and waits for ever for a rank that does not come.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "athanor/tensor/device/testing_fake_kernels.h"
#include "athanor/tensor/device/unit.h"

namespace athanor::fake_gpu {

constexpr int kMostRanks = 8;
constexpr int64_t kSlotBytes = int64_t{1} << 20;  // a longer call goes in pieces
constexpr int kAborted = 6;

class Group {
 public:
  Group(int rank, int world, const std::string& path) : rank_(rank), world_(world), path_(path) {
    const int file = ::open(path.c_str(), O_RDWR);
    base_ = static_cast<char*>(::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
    ::close(file);
    thread_ = std::thread([this] { work(); });
    begin([this] {
      meet();
      if (rank_ == 0) {
        ::unlink(path_.c_str());
      }
    });
  }
  ~Group() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_all();
    thread_.join();
    ::munmap(base_, kBytes);
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  static constexpr size_t kBytes = 4096 + static_cast<size_t>(kMostRanks * kSlotBytes);

  void abort() { aborted_ = true; }
  int state() {
    const std::lock_guard lock(mutex_);
    return aborted_ ? kAborted : undone_ > 0 ? (met_ == 0 ? kGpuStarting : kGpuRunning) : 0;
  }

  void begin(std::function<void()> call) {
    const std::lock_guard lock(mutex_);
    ++undone_;
    calls_.push_back(std::move(call));
    wake_.notify_all();
  }

  // The sum of data[begin, end) of all ranks: in a ring it begins with the rank after the one that is to have it.
  void add_up(float* data, int64_t begin, int64_t end, int owner, bool all) {
    constexpr int64_t kFloats = kSlotBytes / 4;
    for (int64_t at = begin; at < end; at += kFloats) {
      const int64_t count = std::min(kFloats, end - at);
      give(data + at, count * 4);
      meet();
      if (all || owner == rank_) {
        std::vector<float> total(static_cast<size_t>(count), 0.0f);
        for (int step = 1; step <= world_; ++step) {
          const auto* const theirs = reinterpret_cast<const float*>(slot((owner + step) % world_));
          for (int64_t i = 0; i < count; ++i) {
            total[static_cast<size_t>(i)] += theirs[i];
          }
        }
        const Open open;
        std::copy(total.begin(), total.end(), data + at);
      } else {
        const Open open;
        std::fill_n(data + at, count, NAN);
      }
      meet();
    }
  }

  void spread(char* data, int64_t begin, int64_t end, int from) {
    for (int64_t at = begin; at < end; at += kSlotBytes) {
      const int64_t count = std::min(kSlotBytes, end - at);
      if (rank_ == from) {
        give(data + at, count);
      }
      meet();
      if (rank_ != from && !aborted_) {
        const Open open;
        std::memcpy(data + at, slot(from), static_cast<size_t>(count));
      }
      meet();
    }
  }

  int world() const { return world_; }

 private:
  char* slot(int rank) const { return base_ + 4096 + rank * kSlotBytes; }
  std::atomic<uint64_t>& arrived(int rank) const { return *reinterpret_cast<std::atomic<uint64_t>*>(base_ + rank * 64); }

  void give(const void* from, int64_t bytes) {
    const Open open;
    std::memcpy(slot(rank_), from, static_cast<size_t>(bytes));
  }

  // All ranks come here, or this one is told to abort.
  void meet() {
    const uint64_t round = arrived(rank_).fetch_add(1) + 1;
    for (int rank = 0; rank < world_; ++rank) {
      while (arrived(rank) < round && !aborted_) {
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
    }
    ++met_;
  }

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return ending_ || !calls_.empty(); });
      if (calls_.empty() || (ending_ && aborted_)) {
        return;
      }
      const auto call = std::move(calls_.front());
      calls_.pop_front();
      lock.unlock();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // who does not wait for it finds it undone
      call();
      lock.lock();
      --undone_;
    }
  }

  int rank_;
  int world_;
  std::string path_;
  char* base_ = nullptr;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> calls_;
  int undone_ = 0;
  bool ending_ = false;
  std::atomic<bool> aborted_{false};
  std::atomic<uint64_t> met_{0};
};

inline int group_id(char* id) {
  std::string path = (std::filesystem::temp_directory_path() / "athanor-fake-gpus-XXXXXX").string();
  const int file = ::mkstemp(path.data());
  const bool good = file >= 0 && path.size() < kGpuGroupIdBytes && ::ftruncate(file, Group::kBytes) == 0;
  ::close(file);
  std::memset(id, 0, kGpuGroupIdBytes);
  std::memcpy(id, path.data(), std::min<size_t>(path.size(), kGpuGroupIdBytes - 1));
  return good ? 0 : 1;
}

inline int group_open(int, int rank, int world, const char* id, void** group) {
  if (world > kMostRanks) {
    return 4;
  }
  *group = new Group(rank, world, id);
  return 0;
}

inline int group_all_reduce(void* given, void*, float* data, int64_t count) {
  auto* const group = static_cast<Group*>(given);
  group->begin([=] {
    for (int owner = 0; owner < group->world(); ++owner) {
      group->add_up(data, count * owner / group->world(), count * (owner + 1) / group->world(), owner, true);
    }
  });
  return 0;
}

inline int group_reduce_scatter(void* given, void*, float* data, const int64_t* parts) {
  auto* const group = static_cast<Group*>(given);
  const std::vector<int64_t> places(parts, parts + group->world() + 1);
  group->begin([=] {
    for (int owner = 0; owner < group->world(); ++owner) {
      group->add_up(data, places[static_cast<size_t>(owner)], places[static_cast<size_t>(owner) + 1], owner, false);
    }
  });
  return 0;
}

inline int group_all_gather(void* given, void*, void* data, const int64_t* parts) {
  auto* const group = static_cast<Group*>(given);
  const std::vector<int64_t> places(parts, parts + group->world() + 1);
  group->begin([=] {
    for (int from = 0; from < group->world(); ++from) {
      group->spread(static_cast<char*>(data), places[static_cast<size_t>(from)], places[static_cast<size_t>(from) + 1], from);
    }
  });
  return 0;
}

inline int group_broadcast(void* given, void*, void* data, int64_t bytes, int from) {
  auto* const group = static_cast<Group*>(given);
  group->begin([=] { group->spread(static_cast<char*>(data), 0, bytes, from); });
  return 0;
}

inline int group_state(void* group) { return static_cast<Group*>(group)->state(); }

inline void group_close(void* given, bool aborting) {
  auto* const group = static_cast<Group*>(given);
  if (aborting) {
    group->abort();
  }
  delete group;
}

inline const char* group_error_text(int code) { return code == kAborted ? "it was aborted" : "the fake GPUs cannot be connected"; }

inline void add_group_calls(GpuUnit& unit) {
  unit.group_id = group_id;
  unit.group_open = group_open;
  unit.group_all_reduce = group_all_reduce;
  unit.group_reduce_scatter = group_reduce_scatter;
  unit.group_all_gather = group_all_gather;
  unit.group_broadcast = group_broadcast;
  unit.group_state = group_state;
  unit.group_close = group_close;
  unit.group_error_text = group_error_text;
}

}  // namespace athanor::fake_gpu
