// json.dumps as transformers' tojson filter calls it.
#pragma once

#include <string_view>

namespace athanor::chat {

struct JsonStyle {
  bool ascii = false;
  bool pretty = false;        // indent is not none
  bool sort_keys = false;
  std::string_view indent;    // one level
  std::string_view item = ", ";
  std::string_view key = ": ";
};

}  // namespace athanor::chat
