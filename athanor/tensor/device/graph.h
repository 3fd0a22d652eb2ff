// A CUDA graph: work that was given to a GPU once, kept by it, and begun again as one launch.
//
//   GpuGraph graph(device, nullptr, [&] { loss = step(tokens_there); });  // nothing runs yet
//   tokens_there.copy_(batch); graph.replay();                            // loss now holds this batch's
#pragma once

#include <c10/core/Device.h>

#include <functional>

namespace athanor {

class GpuGraph {
 public:
  // Runs the work on the host while what it gives the device is captured and not run: nothing that it computes is there before
  // a replay, and a look at a value or a copy from or to the host is an error. Memory that it takes is the graph's, and stays
  // where it is; what it reads must live as long as the graph. before: a graph of the same device whose spare memory this one
  // may take, or null; the two are then replayed in this order only, and what one leaves beside tensors that are held is lost
  // to the other.
  // Error(kResource) when the device cannot capture it; what the work throws comes through. The device is as before either way.
  GpuGraph(at::Device device, const GpuGraph* before, const std::function<void()>& work);
  ~GpuGraph();
  GpuGraph(const GpuGraph&) = delete;
  GpuGraph& operator=(const GpuGraph&) = delete;

  // After all that the device's stream was given, and before all that comes. Does not wait. Error(kResource) when it does not
  // start.
  void replay();

 private:
  at::Device device_;
  void* graph_ = nullptr;
};

}  // namespace athanor
