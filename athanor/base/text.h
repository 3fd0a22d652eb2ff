// Small operations on names and lines of text.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

std::vector<std::string> split_text(std::string_view text, char separator);
std::string join_text(std::span<const std::string> parts, std::string_view separator);

// Now, UTC, as 2026-11-22T05:58:23Z.
std::string utc_time(double unix_seconds);
double unix_time();       // wall clock, seconds
double monotonic_time();  // seconds, for durations

}  // namespace athanor
