// Memory for kernels, at the start of a cache line: a vector that crosses one costs two loads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace athanor {

// Grows and never shrinks; what it held is lost when it grows. Not initialised.
template <typename T>
class Aligned {
 public:
  T* reserve(int64_t count) {
    if (count > count_) {
      memory_.reset();
      memory_.reset(static_cast<T*>(::operator new(static_cast<size_t>(count) * sizeof(T), std::align_val_t{64})));
      count_ = count;
    }
    return memory_.get();
  }
  T* data() { return memory_.get(); }
  const T* data() const { return memory_.get(); }

 private:
  struct Freed {
    void operator()(T* memory) const { ::operator delete(memory, std::align_val_t{64}); }
  };
  std::unique_ptr<T, Freed> memory_;
  int64_t count_ = 0;
};

}  // namespace athanor
