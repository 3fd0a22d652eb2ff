#include "athanor/data/stream/read_buffer.h"

#include <cstring>

namespace athanor {

bool ReadBuffer::fill() {
  // Room for at least half a buffer is made by moving what is unread, so that reads stay large.
  if (begin_ > 0 && (begin_ == end_ || bytes_.size() - end_ < bytes_.size() / 2)) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == bytes_.size()) {
    bytes_.resize(bytes_.size() * 2);
  }
  const size_t n = stream_.read(bytes_.data() + end_, bytes_.size() - end_);
  end_ += n;
  return n > 0;
}

}  // namespace athanor
