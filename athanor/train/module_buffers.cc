#include "athanor/train/module_buffers.h"

#include <algorithm>

namespace athanor {

void ModuleBuffers::keep() {
  before_.clear();
  for (const auto& [name, buffer] : buffers_) {
    before_.push_back(buffer.clone());
  }
}

void ModuleBuffers::put_back() {
  for (size_t i = 0; i < before_.size(); ++i) {
    buffers_[i].second.copy_(before_[i]);
  }
}

void ModuleBuffers::share(Parallel& parallel, bool had_rows) {
  if (parallel.alone() || buffers_.empty()) {
    return;
  }
  std::vector<double> values{had_rows ? 1.0 : 0.0};
  for (const auto& [name, buffer] : buffers_) {
    const at::Tensor host = buffer.to(at::kCPU).to(at::kDouble).contiguous();
    const auto* const from = host.const_data_ptr<double>();
    values.insert(values.end(), from, from + host.numel());
  }
  if (!had_rows) {
    std::fill(values.begin(), values.end(), 0.0);
  }
  values = parallel.sum(values, "running statistics");
  const double ranks = std::max(1.0, values[0]);
  size_t next = 1;
  for (const auto& [name, buffer] : buffers_) {
    at::Tensor mean = buffer.to(at::kCPU).to(at::kDouble).contiguous();
    auto* const to = mean.mutable_data_ptr<double>();
    for (int64_t i = 0; i < mean.numel(); ++i) {
      to[i] = values[next++] / ranks;
    }
    buffer.copy_(mean.to(buffer.scalar_type()));
  }
}

}  // namespace athanor
