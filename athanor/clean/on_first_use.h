// What costs much to make, a model or a list read from its file: made when it is first asked for, once, whatever thread asks. A
// chain is built many times while a recipe is looked at (check, pins, plans), and most of these never measure.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

namespace athanor {

template <typename T>
class OnFirstUse {
 public:
  explicit OnFirstUse(std::function<T()> make) : make_(std::move(make)) {}
  // What make throws is thrown here, and the next call tries again. Thread-safe.
  const T& get() const {
    std::call_once(made_, [this] { value_.reset(new T(make_())); });
    return *value_;
  }

 private:
  std::function<T()> make_;
  mutable std::once_flag made_;
  mutable std::unique_ptr<const T> value_;
};

}  // namespace athanor
