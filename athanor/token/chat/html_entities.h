// The named character references of HTML 5, with and without their semicolons, as Python's html.unescape takes them.
// Made by tests/parity/make_html_entities.py.
#pragma once

#include <cstddef>

namespace athanor::chat {

struct HtmlEntity {
  const char* name;  // without the &; with the ; where it needs one
  char32_t to[2];    // the second is 0 where there is one
};

extern const HtmlEntity kHtmlEntities[];  // sorted by name
extern const size_t kNumHtmlEntities;
extern const char32_t kHtmlWindows[32];  // what &#128; to &#159; stand for

}  // namespace athanor::chat
