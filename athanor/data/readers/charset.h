// Text in other encodings, by the C library's iconv.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace athanor {

// As UTF-8; nullopt for a charset that is not known. Bytes that are no character of it become U+FFFD. An empty name,
// "us-ascii" and "utf-8" leave the bytes as they are: the caller checks UTF-8.
std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset);

// Of bytes that are not UTF-8: "GB18030" where those above 127 stand in the pairs that Chinese is written in, else
// "WINDOWS-1252". A guess, for messages.
const char* likely_charset(std::string_view bytes);

}  // namespace athanor
