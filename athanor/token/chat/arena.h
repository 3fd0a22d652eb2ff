// Memory of one render: taken piece by piece, given back all at once. Everything in it is trivially destructible, so
// values are plain words, cycles (a namespace that holds itself) do no harm, and deep values are freed without recursion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace athanor::chat {

// What went wrong inside a template; Template turns it into an Error that names the place.
struct Fail {
  std::string what;
  std::string hint = {};
};

class Arena {
 public:
  explicit Arena(size_t limit_bytes) : limit_(limit_bytes) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // 8-byte aligned. Fail when the arena's limit is passed.
  void* take(size_t bytes) {
    bytes = (bytes + 7) & ~size_t{7};
    if (bytes <= left_) {
      void* place = next_;
      next_ += bytes;
      left_ -= bytes;
      return place;
    }
    return take_chunk(bytes);
  }

  template <typename T, typename... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= 8);
    return new (take(sizeof(T))) T{std::forward<Args>(args)...};
  }

  template <typename T>
  T* array(size_t count) {
    static_assert(std::is_trivially_destructible_v<T> && std::is_trivially_copyable_v<T> && alignof(T) <= 8);
    if (count > limit_ / sizeof(T)) {
      fail();
    }
    return static_cast<T*>(take(count * sizeof(T)));
  }

  std::string_view copy(std::string_view text);
  size_t used_bytes() const { return used_; }

 private:
  void* take_chunk(size_t bytes);
  [[noreturn]] void fail() const;

  size_t limit_;
  size_t used_ = 0;
  size_t left_ = 0;
  char* next_ = nullptr;
  std::vector<std::unique_ptr<char[]>> chunks_;
};

}  // namespace athanor::chat
