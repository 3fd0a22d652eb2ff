#include "athanor/token/split/safe_cuts.h"

#include "athanor/token/split/scan.h"
#include "athanor/token/split/window_scan.h"

namespace athanor::token {

namespace {

bool is_ascii_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

// 0 < at, at + 1 < text.size().
bool may_cut(std::string_view text, size_t at) {
  if (text[at] == ' ') {
    return is_ascii_letter(text[at - 1]) && is_ascii_letter(text[at + 1]);
  }
  const auto byte = static_cast<uint8_t>(text[at]);
  return text[at - 1] == '\n' && (is_ascii_letter(text[at]) || (byte >= 0xE5 && byte <= 0xE9));
}

}  // namespace

bool has_safe_cuts(Scan scan) {
  return scan == &scan_gpt2 || scan == &scan_llama3 || scan == &scan_qwen2 || scan == &scan_deepseek;
}

std::vector<std::string_view> cut_safely(std::string_view text, size_t part_bytes) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  for (size_t at = part_bytes; at + 1 < text.size(); ++at) {
    if (may_cut(text, at)) {
      parts.push_back(text.substr(begin, at - begin));
      begin = at;
      at += part_bytes;
    }
  }
  parts.push_back(text.substr(begin));
  return parts;
}

}  // namespace athanor::token
