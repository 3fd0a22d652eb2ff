#include "athanor/tensor/device/graph.h"

#include <c10/core/DeviceGuard.h>

#include <string>

#include "athanor/base/error.h"
#include "athanor/tensor/device/device.h"

namespace athanor {
namespace {

Error refused(const char* what, int code) {
  return {ErrorKind::kResource, std::string("the GPU did not ") + what + " a graph: " + gpu_unit().error_text(code), "graphs",
          "graphs=false runs the same steps operator by operator"};
}

}  // namespace

GpuGraph::GpuGraph(at::Device device, const GpuGraph* before, const std::function<void()>& work) : device_(device) {
  const GpuUnit& unit = gpu_unit();
  const c10::DeviceGuard guard(device_);
  if (const int code = unit.graph_begin(device_.index(), before == nullptr ? nullptr : before->graph_, &graph_); code != 0) {
    throw refused("begin to capture", code);
  }
  try {
    work();
  } catch (...) {
    unit.graph_end(graph_);
    unit.graph_free(graph_);
    throw;
  }
  if (const int code = unit.graph_end(graph_); code != 0) {
    const Error error = refused("capture", code);
    unit.graph_free(graph_);
    throw error;
  }
}

GpuGraph::~GpuGraph() { gpu_unit().graph_free(graph_); }

void GpuGraph::replay() {
  const c10::DeviceGuard guard(device_);
  if (const int code = gpu_unit().graph_replay(graph_); code != 0) {
    throw refused("replay", code);
  }
}

}  // namespace athanor
