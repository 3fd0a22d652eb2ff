#include "athanor/stage/text_difference.h"

#include <vector>

#include "athanor/base/format_width.h"

namespace athanor {

namespace {

// Bytes of the start that both share and that can be left out: all but its last characters, a third of the columns wide.
size_t shared_start(std::string_view a, std::string_view b, int columns) {
  std::vector<size_t> ends{0};  // of the shared characters
  std::vector<int> widths;
  std::string_view rest = a;
  std::string_view other = b;
  while (!rest.empty() && !other.empty()) {
    const char32_t code_point = take_code_point(rest);
    if (take_code_point(other) != code_point || a.size() - rest.size() != b.size() - other.size()) {
      break;
    }
    ends.push_back(a.size() - rest.size());
    widths.push_back(display_width(code_point));
  }
  int kept = 0;
  size_t at = widths.size();
  while (at > 0 && kept + widths[at - 1] <= columns / 3) {
    kept += widths[--at];
  }
  return ends[at];
}

}  // namespace

std::pair<std::string, std::string> around_difference(std::string_view a, std::string_view b, int columns) {
  if (display_width(a) <= columns && display_width(b) <= columns) {
    return {valid_utf8(a), valid_utf8(b)};
  }
  const size_t start = shared_start(a, b, columns);
  const auto cut = [&](std::string_view text) {
    return start == 0 ? cut_to_width(text, columns) : "…" + cut_to_width(text.substr(start), columns - 1);
  };
  return {cut(a), cut(b)};
}

}  // namespace athanor
