#include "athanor/token/chat/arena.h"

#include <algorithm>
#include <cstring>

namespace athanor::chat {
namespace {

constexpr size_t kFirstChunk = 16 << 10;
constexpr size_t kLargestChunk = 1 << 20;

}  // namespace

void Arena::fail() const {
  throw Fail{"the template needs more than " + std::to_string(limit_ >> 20) + " MiB of memory",
             "shorten the conversation"};
}

void* Arena::take_chunk(size_t bytes) {
  if (bytes > limit_ || used_ > limit_ - bytes) {
    fail();
  }
  const bool own = bytes > kLargestChunk / 4;
  const size_t size = own ? bytes : std::max(bytes, std::min(std::max(kFirstChunk, used_), kLargestChunk));
  chunks_.push_back(std::make_unique_for_overwrite<char[]>(size));
  used_ += size;
  char* place = chunks_.back().get();
  if (!own) {
    next_ = place + bytes;
    left_ = size - bytes;
  }
  return place;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) {
    return {};
  }
  char* place = array<char>(text.size());
  std::memcpy(place, text.data(), text.size());
  return {place, text.size()};
}

}  // namespace athanor::chat
