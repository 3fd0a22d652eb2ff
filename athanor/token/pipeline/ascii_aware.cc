#include "athanor/token/pipeline/ascii_aware.h"

#include <algorithm>
#include <cstring>

namespace athanor::token {

AsciiAware::AsciiAware(TextFunction step) : step_(std::move(step)) {
  for (size_t byte = 0; byte < to_.size(); ++byte) {
    const std::string from(1, static_cast<char>(byte));
    simple_[byte] = from != "\r";
    to_[byte] = step_(from);
    same_[byte] = simple_[byte] && to_[byte] == from;
  }
}

std::string AsciiAware::operator()(std::string_view text) const {
  const auto is_simple = [&](size_t at) { return simple_[static_cast<uint8_t>(text[at])]; };
  const auto is_same = [&](size_t at) { return same_[static_cast<uint8_t>(text[at])]; };
  std::string out;
  out.reserve(text.size());
  for (size_t begin = 0; begin < text.size();) {  // text[begin] may be taken apart from what is before it
    size_t at = begin;
    while (at < text.size() && is_same(at)) {
      ++at;
    }
    const bool ends = at == text.size();
    if (ends || is_simple(at)) {
      const bool alone = ends || at + 1 == text.size() || is_simple(at + 1);
      out.append(text, begin, at - begin);
      if (ends) {
        break;
      }
      if (alone) {
        out += to_[static_cast<uint8_t>(text[at])];
        begin = at + 1;
        continue;
      }
      begin = at;
    } else if (at > begin) {  // the last character before others may belong to them
      out.append(text, begin, at - 1 - begin);
      begin = at - 1;
    }
    size_t end = at + 1;
    while (end < text.size() && !(is_simple(end - 1) && is_simple(end) && end - 1 > at)) {
      ++end;
    }
    out += step_(text.substr(begin, end - begin));
    begin = end;
  }
  return out;
}

std::string replace_space_runs(std::string_view text, std::string_view content) {
  std::string out;
  out.reserve(text.size());
  for (size_t begin = 0; begin < text.size();) {
    const void* const found = ::memmem(text.data() + begin, text.size() - begin, "  ", 2);
    const size_t at = found == nullptr ? text.size() : static_cast<size_t>(static_cast<const char*>(found) - text.data());
    out.append(text, begin, at - begin);
    begin = std::min(text.find_first_not_of(' ', at), text.size());
    if (begin > at) {
      out += content;
    }
  }
  return out;
}

}  // namespace athanor::token
