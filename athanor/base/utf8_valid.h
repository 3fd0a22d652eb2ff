// UTF-8 validation at memory speed: the lookup method of Keiser and Lemire ("Validating UTF-8 In Less Than One
// Instruction Per Byte", 2021) with AVX2, chosen at run time; elsewhere the portable one of unicode.h.
#pragma once

#include <string_view>

namespace athanor {

// The same answer as is_valid_utf8().
bool is_valid_utf8_fast(std::string_view text);

}  // namespace athanor
