// Where an ASCII needle stands in a text whatever the case of its ASCII letters; npos when nowhere.
//
//   find_folded("Enable JavaScript", "javascript") == 7
//
// needle: lower case, at least two bytes. Sixteen places at once where the processor is an x86-64.
#pragma once

#include <cstddef>
#include <string_view>

namespace athanor {

size_t find_folded(std::string_view text, std::string_view needle, size_t from = 0);
inline bool contains_folded(std::string_view text, std::string_view needle) {
  return find_folded(text, needle) != std::string_view::npos;
}

}  // namespace athanor
