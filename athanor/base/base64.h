// Base64 (RFC 4648, section 4), strict: padded, no other characters.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace athanor {

std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);  // none when it is not base64

}  // namespace athanor
