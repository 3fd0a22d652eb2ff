// What one template may cost. Templates come from strangers: every one of these is checked, and passing one is an
// Error(kInput) that says which.
#pragma once

#include <cstddef>
#include <cstdint>

namespace athanor::chat {

struct Limits {
  size_t template_bytes = 512 << 10;    // source of the template (the longest real one known has 60 KB)
  int parse_depth = 150;                // nesting of expressions and of blocks
  // Of a render. A step is an expression, a statement, an item of a loop, a value copied, or 64 bytes of text moved;
  // 20 million take about a second.
  int64_t steps = 20'000'000;
  size_t output_bytes = 64 << 20;       // the text, and any one string inside the template
  size_t memory_bytes = size_t{512} << 20;  // all values that the render makes
  int depth = 400;                      // calls, recursive loops and nesting of values, together
};

inline constexpr int64_t kMaxRange = 100'000;  // items of range(): the sandbox's own limit

}  // namespace athanor::chat
