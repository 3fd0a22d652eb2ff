#include "athanor/tensor/device/transfer.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>

#include "athanor/base/error.h"
#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

std::atomic<TransferRecord*> active{nullptr};

struct Active {
  explicit Active(TransferRecord* record) { active = record; }
  ~Active() { active = nullptr; }
  Active(const Active&) = delete;
  Active& operator=(const Active&) = delete;
};

bool same_place(const at::Tensor& a, const at::Tensor& b) {
  return a.is_cpu() && b.is_cpu() && a.const_data_ptr() == b.const_data_ptr() && a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes();
}

bool same_bytes(const at::Tensor& a, const at::Tensor& b) {
  return a.nbytes() == 0 || std::memcmp(a.const_data_ptr(), b.contiguous().const_data_ptr(), a.nbytes()) == 0;
}

Error differs(size_t number, const std::string& what) {
  return {ErrorKind::kInternal, "the pass moves " + what + " to the GPU, and the one that was noted did not", "transfer " + std::to_string(number)};
}

}  // namespace

at::Tensor device::transfer(const at::Tensor& x, at::Device device) {
  if (TransferRecord* const record = active) {
    return record->take(x, device);
  }
  return x.to(device);
}

TransferRecord::TransferRecord(std::vector<at::Tensor> changing) : changing_(std::move(changing)) {}

void TransferRecord::run(const std::function<void()>& pass) {
  const Active here(this);
  pass();
}

void TransferRecord::note(const std::function<void()>& pass) {
  giving_ = false;
  run(pass);
}

void TransferRecord::give(const std::function<void()>& pass) {
  giving_ = true;
  next_ = 0;
  run(pass);
  if (next_ != entries_.size()) {
    throw Error(ErrorKind::kInternal, "the pass moves " + std::to_string(next_) + " tensors to the GPU, and the one that was noted " +
                                          std::to_string(entries_.size()));
  }
}

void TransferRecord::refresh() {
  const NoGrad no_grad;
  std::vector<const void*> done;
  for (const Entry& entry : entries_) {
    if (entry.changes && std::find(done.begin(), done.end(), entry.there.const_data_ptr()) == done.end()) {
      entry.there.copy_(entry.host);
      done.push_back(entry.there.const_data_ptr());
    }
  }
}

at::Tensor TransferRecord::take(const at::Tensor& x, at::Device device) {
  const std::lock_guard lock(mutex_);
  if (x.device() == device) {
    if (giving_) {
      kept_.push_back(x);
    }
    return x;
  }
  return giving_ ? given(x) : noted(x, device);
}

// A changing tensor that is moved twice (the look-up's forward and backward) lies there once.
at::Tensor TransferRecord::noted(const at::Tensor& x, at::Device device) {
  const bool changes = is_changing(x);
  const auto before = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.changes && same_place(entry.host, x); });
  const at::Tensor there = before != entries_.end() ? before->there : x.to(device);
  entries_.push_back({changes ? x : x.clone(at::MemoryFormat::Contiguous), there, changes});
  return there;
}

at::Tensor TransferRecord::given(const at::Tensor& x) {
  const size_t number = next_++;
  if (number >= entries_.size()) {
    throw differs(number, "one more tensor");
  }
  const Entry& entry = entries_[number];
  if (entry.host.scalar_type() != x.scalar_type() || entry.host.sizes() != x.sizes()) {
    throw differs(number, "a tensor of this shape");
  }
  if (entry.changes ? !same_place(entry.host, x) : !same_bytes(entry.host, x)) {
    throw differs(number, "these values");
  }
  return entry.there;
}

bool TransferRecord::is_changing(const at::Tensor& x) const {
  return std::any_of(changing_.begin(), changing_.end(), [&](const at::Tensor& memory) { return x.is_alias_of(memory); });
}

}  // namespace athanor
