#include "athanor/tensor/cuda/graph_gpu.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <exception>
#include <memory>
#include <string>

namespace athanor {
namespace {

thread_local std::string last_error;

struct Graph {
  Graph(c10::DeviceIndex device, const Graph* before)
      : device(device),
        pool(before == nullptr ? at::cuda::graph_pool_handle() : before->pool),
        outside(c10::cuda::getCurrentCUDAStream(device)),
        inside(before == nullptr ? c10::cuda::getStreamFromPool(false, device) : before->inside) {}

  c10::DeviceIndex device;
  c10::MempoolId_t pool;
  c10::cuda::CUDAStream outside;  // the device's stream, which cannot be captured where it is the default one
  c10::cuda::CUDAStream inside;   // of all that share memory: cuBLAS takes workspaces for each stream and keeps them
  at::cuda::CUDAGraph graph;
};

// 0, or kGraphError with the words that were thrown. What CUDA still holds of the error would be told to the next kernel.
template <class Fn>
int guarded(Fn fn) {
  try {
    fn();
    return 0;
  } catch (const c10::Error& error) {
    last_error = error.what_without_backtrace();
  } catch (const std::exception& error) {
    last_error = error.what();
  }
  static_cast<void>(cudaGetLastError());
  return kGraphError;
}

int graph_begin(int device, void* before, void** out) {
  std::unique_ptr<Graph> made;
  const int code = guarded([&] {
    const c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device));
    made = std::make_unique<Graph>(static_cast<c10::DeviceIndex>(device), static_cast<const Graph*>(before));
    C10_CUDA_CHECK(cudaDeviceSynchronize());
    c10::cuda::CUDACachingAllocator::emptyCache();  // a graph takes none of the memory that passes before it have left
    c10::cuda::setCurrentCUDAStream(made->inside);
    made->graph.capture_begin(made->pool);
  });
  if (code != 0) {
    if (made) {
      c10::cuda::setCurrentCUDAStream(made->outside);
    }
    return code;
  }
  *out = made.release();
  return 0;
}

int graph_end(void* given) {
  auto* const graph = static_cast<Graph*>(given);
  const int code = guarded([&] {
    const c10::cuda::CUDAGuard guard(graph->device);
    graph->graph.capture_end();
  });
  c10::cuda::setCurrentCUDAStream(graph->outside);
  return code;
}

int graph_replay(void* given) {
  auto* const graph = static_cast<Graph*>(given);
  return guarded([&] {
    const c10::cuda::CUDAGuard guard(graph->device);
    graph->graph.replay();
  });
}

void graph_free(void* given) {
  const std::unique_ptr<Graph> graph(static_cast<Graph*>(given));
  guarded([&] {
    const c10::cuda::CUDAGuard guard(graph->device);
    C10_CUDA_CHECK(cudaDeviceSynchronize());  // a replay may still run
  });
}

}  // namespace

void add_graph_calls(GpuUnit& unit) {
  unit.graph_begin = graph_begin;
  unit.graph_end = graph_end;
  unit.graph_replay = graph_replay;
  unit.graph_free = graph_free;
}

const char* graph_error_text() { return last_error.c_str(); }

}  // namespace athanor
