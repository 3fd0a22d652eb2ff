// The methods of str, list, tuple, dict, numbers and ranges, by the ids of builtins.h.
#pragma once

#include <cstdint>
#include <string_view>

namespace athanor::chat {

enum class Do : uint8_t {
  kAffix, kCase, kCenter, kClass, kCopy, kCount, kExpandTabs, kFind, kFormat, kFromKeys, kGet, kJoin, kMakeTrans,
  kNone, kNumber, kPartition, kRemoveAffix, kReplace, kSplit, kSplitLines, kStrip, kTranslate, kView, kZeroFill
};

// What runs it; kNone: nothing, it is refused.
struct Method {
  std::string_view name;
  uint8_t kinds;
  uint8_t mutates;  // of which kinds
  Do what;
  int variant = 0;  // which of those that share a `what`
};

const Method& method_of(int id);

}  // namespace athanor::chat
