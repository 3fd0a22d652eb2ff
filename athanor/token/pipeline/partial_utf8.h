// Where a text that is still growing may be cut without cutting a character.
#pragma once

#include <cstddef>
#include <string_view>

namespace athanor::token {

// The bytes before an incomplete sequence at the end that more bytes may complete; all of them when there is none.
size_t complete_utf8_prefix(std::string_view text);

}  // namespace athanor::token
