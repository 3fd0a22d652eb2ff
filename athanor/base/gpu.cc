#include "athanor/base/gpu.h"

#include <dlfcn.h>

#include <array>
#include <charconv>

#include "athanor/base/error.h"

namespace athanor {

namespace {

// NVML's C interface, the part that is asked (docs.nvidia.com/deploy/nvml-api).
using Device = void*;
struct Memory {
  unsigned long long total, free, used;
};

class Nvml {
 public:
  explicit Nvml(const std::string& library) : handle_(::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL)) {}
  ~Nvml() {
    if (handle_ != nullptr) {
      ::dlclose(handle_);
    }
  }
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  bool there() const { return handle_ != nullptr; }

  // The function's result; -1 when the library lacks it. 0 is success.
  template <typename... Args>
  int call(const char* name, Args... args) const {
    auto* const function = reinterpret_cast<int (*)(Args...)>(::dlsym(handle_, name));
    return function == nullptr ? -1 : function(args...);
  }

 private:
  void* handle_;
};

}  // namespace

std::optional<int> gpu_number(std::string_view device) {
  if (device.empty() || device == "cpu" || device == "auto") {
    return std::nullopt;
  }
  int number = 0;
  const std::string_view digits = device.size() > 5 ? device.substr(5) : "0";
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (!device.starts_with("cuda") || (device.size() > 4 && device[4] != ':') || error != std::errc() ||
      end != digits.data() + digits.size() || number < 0 || number > 127) {
    throw Error(ErrorKind::kUsage, "there is no device '" + std::string(device) + "'", "device", "use cpu, cuda, cuda:0 or auto");
  }
  return number;
}

GpuReport list_gpus(const std::string& library) {
  GpuReport report;
  const Nvml nvml(library);
  if (!nvml.there()) {
    return report;
  }
  if (const int code = nvml.call("nvmlInit_v2"); code != 0) {
    report.error = "the driver's library answers with error " + std::to_string(code);
    return report;
  }
  std::array<char, 96> text{};
  if (nvml.call("nvmlSystemGetDriverVersion", text.data(), static_cast<unsigned>(text.size())) == 0) {
    report.driver = text.data();
  }
  int cuda = 0;
  if (nvml.call("nvmlSystemGetCudaDriverVersion_v2", &cuda) == 0) {
    report.cuda = std::to_string(cuda / 1000) + "." + std::to_string(cuda % 1000 / 10);
  }
  unsigned count = 0;
  nvml.call("nvmlDeviceGetCount_v2", &count);
  for (unsigned i = 0; i < count; ++i) {
    Device device = nullptr;
    if (const int code = nvml.call("nvmlDeviceGetHandleByIndex_v2", i, &device); code != 0) {
      report.error = "GPU " + std::to_string(i) + " cannot be asked: error " + std::to_string(code);
      continue;
    }
    Gpu gpu;
    Memory memory{};
    if (nvml.call("nvmlDeviceGetName", device, text.data(), static_cast<unsigned>(text.size())) == 0) {
      gpu.name = text.data();
    }
    if (nvml.call("nvmlDeviceGetMemoryInfo", device, &memory) == 0) {
      gpu.memory_bytes = memory.total;
      gpu.free_bytes = memory.free;
    }
    nvml.call("nvmlDeviceGetCudaComputeCapability", device, &gpu.major, &gpu.minor);
    report.gpus.push_back(gpu);
  }
  nvml.call("nvmlShutdown");
  return report;
}

}  // namespace athanor
