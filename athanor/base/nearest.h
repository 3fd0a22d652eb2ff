// The known name nearest to a mistyped one, for messages about unknown keys.
//
//   did_you_mean("min_char", {"min_chars", "max_chars"})  ->  "did you mean 'min_chars'?"
//   did_you_mean("xyz", {"min_chars", "max_chars"})       ->  "known: max_chars, min_chars"
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

// Edits (insert, delete, replace, swap of neighbours: optimal string alignment) between two names, in characters.
size_t edit_distance(std::string_view a, std::string_view b);

// The known name with the fewest edits (ties: first by bytes) when they are at most a third of its length, at
// least one, rounded up; else empty.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

// The hint itself: the nearest name as a question, else all of them, each once.
std::string did_you_mean(std::string_view name, std::vector<std::string> known);

}  // namespace athanor
