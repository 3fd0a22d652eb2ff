// An array of a fitted model: its own while it is learnt, a view of the stored file once it is read, so that opening a large
// model copies nothing. A stored model's file is never written again (a finished run does not change).
//
//   StoredArray<float> cover;
//   cover.own().push_back(3);                       // of its own
//   cover = {in.floats("cover"), in.keeper()};      // of the file, which stays mapped while this or a copy lives
//   cover[0];                                       // reads either
#pragma once

#include <memory>
#include <span>
#include <vector>

namespace athanor {

template <class T>
class StoredArray {
 public:
  StoredArray() = default;
  StoredArray(std::span<const T> view, std::shared_ptr<const void> file) : view_(view), file_(std::move(file)) {}

  std::span<const T> all() const { return file_ != nullptr ? view_ : std::span<const T>(own_); }
  const T* data() const { return file_ != nullptr ? view_.data() : own_.data(); }
  size_t size() const { return file_ != nullptr ? view_.size() : own_.size(); }
  bool empty() const { return size() == 0; }
  const T& operator[](size_t i) const { return data()[i]; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size(); }

  // To be changed; what lies in a file is copied first.
  std::vector<T>& own() {
    if (file_ != nullptr) {
      own_.assign(view_.begin(), view_.end());
      view_ = {};
      file_.reset();
    }
    return own_;
  }

 private:
  std::vector<T> own_;
  std::span<const T> view_;
  std::shared_ptr<const void> file_;
};

}  // namespace athanor
