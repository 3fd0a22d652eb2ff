// Whether a text is in NFC without a doubt: every character is, whatever stands beside it, or is a lone mark behind what
// it joins for certain not. What is not may be so too.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace athanor::token {

bool is_plainly_nfc(std::string_view text);

// nfc(text), asked for only where the text is not plainly NFC: characters that are not, with the one before them and
// what lies between two that are near (nothing joins across the beginning of a plain character; UAX #15, 9.1).
std::string to_nfc_in_parts(std::string_view text, const std::function<std::string(std::string_view)>& nfc);

}  // namespace athanor::token
