#include "athanor/stage/runs_folder.h"

namespace athanor {

std::string runs_argument(const fs::path& root) {
  if (root == "runs") {
    return "";
  }
  const std::string text = root.string();
  constexpr const char* kSpecial = " \t\n'\"\\$&|;<>()*?[]{}~#!`";
  if (text.find_first_of(kSpecial) == std::string::npos) {
    return " runs=" + text;
  }
  std::string quoted;
  for (const char c : text) {
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return " runs='" + quoted + "'";
}

}  // namespace athanor
