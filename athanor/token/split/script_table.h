// Which characters a script has: \p{Han} of the regexes (Unicode 16) and UnicodeScripts' idea of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace athanor::token {

struct ScriptRange {
  uint32_t first, last;
};
struct Script {
  const char* name;
  const ScriptRange* ranges;  // in order
  size_t num_ranges;
};
std::span<const Script> scripts();
// name: one of scripts(), by its pointer.
bool in_script(char32_t code, const char* name);
// What UnicodeScripts does not part has one number; 0 goes with everything.
int script_group(char32_t code);

}  // namespace athanor::token
