// Two long values side by side, cut so that where they differ is seen.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace athanor {

// Both in at most `columns` of a terminal. What fits is whole; else both begin a little before the first character that differs,
// after a "…" where something was left out.
std::pair<std::string, std::string> around_difference(std::string_view a, std::string_view b, int columns);

}  // namespace athanor
