// Strings of value.h.
#include <algorithm>
#include <cstring>

#include "athanor/base/unicode.h"
#include "athanor/token/chat/value.h"

namespace athanor::chat {

const Str* make_str(Arena& arena, std::string_view text, uint8_t mark) {
  auto* str = arena.make<Str>();
  str->data = text.data();
  str->size = static_cast<uint32_t>(text.size());
  str->mark = mark;
  return str;
}

const Str* copy_str(Arena& arena, std::string_view text, uint8_t mark) {
  return make_str(arena, arena.copy(text), mark);
}

const Str* part_of(Arena& arena, const Str& str, size_t begin, size_t end) {
  if (begin == 0 && end == str.size) {
    return &str;
  }
  auto* part = arena.make<Str>();
  part->data = str.data + begin;
  part->size = static_cast<uint32_t>(end - begin);
  part->mark = str.mark;
  part->marks = str.marks != nullptr ? str.marks + begin : nullptr;
  part->markup = str.markup;
  if (str.num_chars == static_cast<int32_t>(str.size)) {
    part->num_chars = static_cast<int32_t>(part->size);
  }
  return part;
}

namespace {

void put_marks(uint8_t* to, const Str& str) {
  if (str.marks != nullptr) {
    std::memcpy(to, str.marks, str.size);
  } else if (str.size > 0) {
    std::memset(to, str.mark, str.size);
  }
}

bool ends_at_tail(const Str& str) {
  return str.tail != nullptr && str.data + str.size == str.tail->bytes + str.tail->used;
}

}  // namespace

const Str* join_str(Arena& arena, const Str& left, const Str& right, size_t limit_bytes) {
  const size_t total = size_t{left.size} + right.size;
  if (total > limit_bytes) {
    throw Fail{"a string of more than " + std::to_string(limit_bytes >> 20) + " MiB", "a template that is meant for conversations makes no such text"};
  }
  if (right.size == 0 || left.size == 0) {
    return right.size == 0 ? &left : &right;
  }
  const bool uniform = left.marks == nullptr && right.marks == nullptr && left.mark == right.mark;
  TextTail* tail = left.tail;
  if (!ends_at_tail(left) || tail->capacity - tail->used < right.size) {
    tail = arena.make<TextTail>();
    tail->capacity = static_cast<uint32_t>(total + total / 2 + 64);
    tail->bytes = arena.array<char>(tail->capacity);
    tail->marks = nullptr;
    tail->used = left.size;
    std::memcpy(tail->bytes, left.data, left.size);
    if (!uniform) {
      tail->marks = arena.array<uint8_t>(tail->capacity);
      put_marks(tail->marks, left);
    }
  } else if (!uniform && tail->marks == nullptr) {
    // left need not begin where the buffer does; marks lie at the same offsets as bytes.
    tail->marks = arena.array<uint8_t>(tail->capacity);
    std::memset(tail->marks, left.mark, tail->used);
  }
  std::memcpy(tail->bytes + tail->used, right.data, right.size);
  if (tail->marks != nullptr) {
    put_marks(tail->marks + tail->used, right);
  }
  tail->used += right.size;
  auto* joined = arena.make<Str>();
  joined->data = tail->bytes + tail->used - total;
  joined->size = static_cast<uint32_t>(total);
  joined->tail = tail;
  joined->mark = left.mark;
  joined->marks = uniform ? nullptr : tail->marks + (tail->used - total);
  if (left.num_chars >= 0 && right.num_chars >= 0) {
    joined->num_chars = left.num_chars + right.num_chars;
  }
  return joined;
}

int32_t count_chars(const Str& str) {
  if (str.num_chars < 0) {
    str.num_chars = static_cast<int32_t>(std::count_if(str.data, str.data + str.size, [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
  }
  return str.num_chars;
}

size_t offset_of(const Str& str, int64_t index) {
  const int32_t total = count_chars(str);
  if (total == static_cast<int32_t>(str.size) || index == 0) {
    return static_cast<size_t>(index);
  }
  if (index >= total) {
    return str.size;
  }
  const char* p = str.data;
  for (int64_t left = index; left > 0; --left) {
    ++p;
    while ((static_cast<unsigned char>(*p) & 0xC0) == 0x80) {
      ++p;
    }
  }
  return static_cast<size_t>(p - str.data);
}

}  // namespace athanor::chat
