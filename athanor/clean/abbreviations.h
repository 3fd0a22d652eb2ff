// English words that keep their full stop.
#pragma once

#include <string_view>

namespace athanor {

// word: without the full stop that follows it. A single ASCII letter, ASCII letters parted by full stops ("U.S",
// "p.m"), or one of a short list ("Mr", "Inc", "Sept").
bool keeps_full_stop(std::string_view word);

}  // namespace athanor
