// What goes from the host's memory to a GPU's inside a forward or backward pass: tokens, targets, positions, intervals of keys.
//
// A captured pass (graph.h) can copy nothing from the host, so it takes what an earlier pass of the same shape had copied:
//
//   TransferRecord record({tokens, targets});  // host memory that stays, into which each batch is copied
//   record.note(pass);                         // runs as ever, and notes what is copied
//   GpuGraph graph(device, nullptr, [&] { record.give(pass); });
//   tokens.copy_(next batch); record.refresh(); graph.replay();
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace athanor {

namespace device {

// x on that device, itself where it lies there already. All that a pass moves comes through here.
at::Tensor transfer(const at::Tensor& x, at::Device device);

}  // namespace device

// One at a time in a process; passes may run on any thread, as autograd's backward does.
class TransferRecord {
 public:
  // changing: contiguous tensors on the host that hold other values in each pass. All else that a pass moves must be the same
  // each time.
  explicit TransferRecord(std::vector<at::Tensor> changing);
  TransferRecord(const TransferRecord&) = delete;
  TransferRecord& operator=(const TransferRecord&) = delete;

  // Runs the pass and notes its transfers in their order. Once.
  void note(const std::function<void()>& pass);
  // Runs the pass, which copies nothing: its transfers are given what the noted ones made. Error(kInternal) when they are
  // others, in number or shape, or, but for the changing ones, in value: then the pass cannot be captured. Keeps alive what
  // it was asked to move and lay there already.
  void give(const std::function<void()>& pass);
  // Copies the changing tensors to where the passes find them.
  void refresh();

 private:
  friend at::Tensor device::transfer(const at::Tensor& x, at::Device device);
  struct Entry {
    at::Tensor host;   // the changing memory itself, or a copy of the value
    at::Tensor there;
    bool changes;
  };

  void run(const std::function<void()>& pass);
  at::Tensor take(const at::Tensor& x, at::Device device);
  at::Tensor noted(const at::Tensor& x, at::Device device);
  at::Tensor given(const at::Tensor& x);
  bool is_changing(const at::Tensor& x) const;

  std::vector<at::Tensor> changing_;
  std::mutex mutex_;
  std::vector<Entry> entries_;
  size_t next_ = 0;
  bool giving_ = false;
  std::vector<at::Tensor> kept_;
};

}  // namespace athanor
