// The one file that sees PyTorch's profiler.
#include "athanor/train/profile.h"

#include <torch/csrc/autograd/profiler_kineto.h>

#include "athanor/base/error.h"

namespace athanor {

namespace profiler = torch::autograd::profiler;

StepProfile::~StepProfile() {
  if (recording_) {
    profiler::disableProfiler();
  }
}

void StepProfile::start() {
  if (recording_) {
    return;
  }
  const torch::profiler::impl::ProfilerConfig config(torch::profiler::impl::ProfilerState::KINETO,
                                                     /*report_input_shapes=*/true);
  const std::set<torch::profiler::impl::ActivityType> activities{torch::profiler::impl::ActivityType::CPU};
  profiler::prepareProfiler(config, activities);
  profiler::enableProfiler(config, activities);
  recording_ = true;
}

void StepProfile::finish(const fs::path& path) {
  recording_ = false;
  const auto result = profiler::disableProfiler();
  const std::string partial = path.string() + ".tmp";
  result->save(partial);
  std::error_code code;
  if (!fs::exists(partial, code)) {
    throw Error(ErrorKind::kResource, "the trace could not be written", path.string());
  }
  fs::rename(partial, path);
}

}  // namespace athanor
