// The NVIDIA GPUs of this machine, asked of the driver's own library (NVML), which is opened when it is there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

struct Gpu {
  std::string name;
  uint64_t memory_bytes = 0;
  uint64_t free_bytes = 0;
  int major = 0;  // compute capability
  int minor = 0;
};

struct GpuReport {
  std::string driver;       // version; empty: no driver
  std::string cuda;         // newest CUDA that the driver runs, "13.0"
  std::string error;        // why nothing could be asked, where a driver is there; else empty
  std::vector<Gpu> gpus;
};

// The GPU that an option `device` names: 0 for "cuda", 1 for "cuda:1"; nothing for "cpu", "auto" and "". Error(kUsage) for any
// other word. Whether it is there is not looked at.
std::optional<int> gpu_number(std::string_view device);

// library: for tests.
GpuReport list_gpus(const std::string& library = "libnvidia-ml.so.1");

}  // namespace athanor
