// Text under construction, with the marks of its bytes.
#pragma once

#include <string>
#include <string_view>

#include "athanor/token/chat/value.h"

namespace athanor::chat {

class Out {
 public:
  explicit Out(size_t limit_bytes) : limit_(limit_bytes) {}

  void add(std::string_view text, uint8_t mark) {
    if (text.empty()) {
      return;
    }
    reserve(text.size());
    if (bytes_.empty()) {
      mark_ = mark;
    } else if (marks_.empty() && mark != mark_) {
      marks_.assign(bytes_.size(), static_cast<char>(mark_));
    }
    bytes_ += text;
    if (!marks_.empty()) {
      marks_.append(text.size(), static_cast<char>(mark));
    }
  }
  void add(char c, uint8_t mark) { add(std::string_view(&c, 1), mark); }
  void add_code(char32_t code, uint8_t mark);
  void add(const Str& str) { add_part(str, 0, str.size); }
  void add_part(const Str& str, size_t begin, size_t end);

  // Sets marks on bytes from `begin` on (those of a generation block).
  void mark_from(size_t begin, uint8_t extra);

  size_t size() const { return bytes_.size(); }
  std::string_view view() const { return bytes_; }
  uint8_t mark_at(size_t i) const { return marks_.empty() ? mark_ : static_cast<uint8_t>(marks_[i]); }
  // The end of the run of equal marks that holds byte i.
  size_t run_end(size_t i) const;
  std::string take_text() { return std::move(bytes_); }
  const Str* finish(Arena& arena) const;
  void clear() {
    bytes_.clear();
    marks_.clear();
  }

 private:
  void reserve(size_t more) const {
    if (more > limit_ || bytes_.size() > limit_ - more) {
      throw Fail{"the text is longer than " + std::to_string(limit_ >> 20) + " MiB", "a template that is meant for conversations makes no such text"};
    }
  }

  size_t limit_;
  std::string bytes_;
  std::string marks_;  // empty: all bytes have mark_
  uint8_t mark_ = kTemplate;
};

}  // namespace athanor::chat
