#include "athanor/base/machine.h"

#include <malloc.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

#include "athanor/base/thread_pool.h"

namespace athanor {

namespace {

// The value of "name: value" in a /proc style file, "" when it is not there.
std::string proc_value(const char* path, const std::string& name) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.compare(0, name.size(), name) != 0) {
      continue;
    }
    const size_t at = line.find_first_of(":=", name.size());
    if (at == std::string::npos) {
      continue;
    }
    const size_t begin = line.find_first_not_of(" \t\"", at + 1);
    const size_t end = line.find_last_not_of(" \t\"");
    return begin == std::string::npos ? "" : line.substr(begin, end - begin + 1);
  }
  return "";
}

uint64_t proc_kib(const char* path, const std::string& name) {
  const std::string value = proc_value(path, name);
  return value.empty() ? 0 : std::strtoull(value.c_str(), nullptr, 10) * 1024;
}

constexpr uint64_t kNoLimit = ~uint64_t{0};

// A number of this process's memory control group, version 2 or 1; kNoLimit where there is none.
uint64_t cgroup_number(const std::string& v2, const std::string& v1) {
  for (const std::string& path : {"/sys/fs/cgroup/memory." + v2, "/sys/fs/cgroup/memory/memory." + v1}) {
    std::ifstream file(path);
    uint64_t value = 0;
    if (file >> value) {
      return value;
    }
  }
  return kNoLimit;
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::string cpu_model() { return proc_value("/proc/cpuinfo", "model name"); }

std::string instruction_set() {
  const std::string flags = " " + proc_value("/proc/cpuinfo", "flags") + " ";
  const auto has = [&](const std::string& flag) { return flags.find(" " + flag + " ") != std::string::npos; };
  if (has("amx_bf16")) {
    return "amx-bf16";
  }
  if (has("avx512_bf16")) {
    return "avx512-bf16";
  }
  if (has("avx512f")) {
    return "avx512";
  }
  return has("avx2") ? "avx2" : "baseline";
}

uint64_t memory_bytes() { return std::min(proc_kib("/proc/meminfo", "MemTotal"), cgroup_number("max", "limit_in_bytes")); }

uint64_t available_memory_bytes() {
  const uint64_t limit = cgroup_number("max", "limit_in_bytes");
  const uint64_t used = cgroup_number("current", "usage_in_bytes");
  const uint64_t left = limit == kNoLimit || used == kNoLimit ? kNoLimit : limit - std::min(limit, used);
  return std::min(proc_kib("/proc/meminfo", "MemAvailable"), left);
}

uint64_t peak_memory_bytes() { return proc_kib("/proc/self/status", "VmHWM"); }
uint64_t resident_bytes() { return proc_kib("/proc/self/status", "VmRSS"); }

void reset_peak_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
  std::ofstream("/proc/self/clear_refs") << "5";
}

std::string executable_path() {
  std::array<char, 4096> path{};
  const ssize_t n = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  return n > 0 ? std::string(path.data(), static_cast<size_t>(n)) : "";
}

nlohmann::json machine_json() {
  utsname name{};
  ::uname(&name);
  return {{"host", host_name()},
          {"cpu", cpu_model()},
          {"cores", available_cores()},
          {"instruction_set", instruction_set()},
          {"memory_bytes", memory_bytes()},
          {"kernel", std::string(name.sysname) + " " + name.release},
          {"os", proc_value("/etc/os-release", "PRETTY_NAME")}};
}

}  // namespace athanor
