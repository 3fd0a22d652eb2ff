// Some steps of a run as a Chrome trace (chrome://tracing, ui.perfetto.dev): every ATen operation with its shapes, and
// the trainer's own spans, by PyTorch's profiler.
#pragma once

#include "athanor/base/file.h"

namespace athanor {

class StepProfile {
 public:
  StepProfile() = default;
  ~StepProfile();  // ends a recording without writing it
  StepProfile(const StepProfile&) = delete;
  StepProfile& operator=(const StepProfile&) = delete;

  void start();  // of this thread; a second start is nothing
  bool recording() const { return recording_; }
  // Writes the trace. Error(kResource) when the file cannot be written.
  void finish(const fs::path& path);

 private:
  bool recording_ = false;
};

}  // namespace athanor
