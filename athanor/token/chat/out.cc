#include "athanor/token/chat/out.h"

#include <algorithm>
#include <cstring>

#include "athanor/base/unicode.h"

namespace athanor::chat {

void Out::add_code(char32_t code, uint8_t mark) {
  if (code < 0x80) {
    add(static_cast<char>(code), mark);
    return;
  }
  std::string text;
  append_utf8(text, code);
  add(text, mark);
}

void Out::add_part(const Str& str, size_t begin, size_t end) {
  const std::string_view text = str.view().substr(begin, end - begin);
  if (str.marks == nullptr || text.empty()) {
    add(text, str.mark);
    return;
  }
  reserve(text.size());
  if (marks_.empty()) {
    marks_.assign(bytes_.size(), static_cast<char>(mark_));
  }
  bytes_ += text;
  marks_.append(reinterpret_cast<const char*>(str.marks) + begin, text.size());
}

void Out::mark_from(size_t begin, uint8_t extra) {
  if (begin == bytes_.size()) {
    return;
  }
  if (marks_.empty()) {
    marks_.assign(bytes_.size(), static_cast<char>(mark_));
  }
  for (size_t i = begin; i < marks_.size(); ++i) {
    marks_[i] = static_cast<char>(static_cast<uint8_t>(marks_[i]) | extra);
  }
}

size_t Out::run_end(size_t i) const {
  if (marks_.empty()) {
    return bytes_.size();
  }
  const char mark = marks_[i];
  const char* data = marks_.data();
  const size_t size = marks_.size();
  uint64_t pattern;
  std::memset(&pattern, static_cast<unsigned char>(mark), sizeof pattern);
  for (uint64_t word = 0; i + 8 <= size; i += 8) {
    std::memcpy(&word, data + i, sizeof word);
    if (word != pattern) {
      break;
    }
  }
  while (i < size && data[i] == mark) {
    ++i;
  }
  return i;
}

const Str* Out::finish(Arena& arena) const {
  auto* str = arena.make<Str>();
  const std::string_view text = arena.copy(bytes_);
  str->data = text.data();
  str->size = static_cast<uint32_t>(text.size());
  str->mark = mark_;
  if (!marks_.empty()) {
    const std::string_view marks = arena.copy(marks_);
    str->marks = reinterpret_cast<const uint8_t*>(marks.data());
  }
  return str;
}

}  // namespace athanor::chat
