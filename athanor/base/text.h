// Small operations on names and lines of text.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

// Levenshtein distance in bytes, with a swap of neighbours counted as one edit (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to name, or "" when none is near enough to be a likely slip.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

// "did you mean 'x'?" or, without a near name, "known: a, b, c".
std::string suggest(std::string_view name, std::span<const std::string> candidates);

std::vector<std::string> split_text(std::string_view text, char separator);
std::string join_text(std::span<const std::string> parts, std::string_view separator);

// Now, UTC, as 2026-11-22T05:58:23Z.
std::string utc_time(double unix_seconds);
double unix_time();       // wall clock, seconds
double monotonic_time();  // seconds, for durations

}  // namespace athanor
