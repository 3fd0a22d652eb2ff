// From a page's bytes to UTF-8: which encoding (WHATWG HTML, "determining the character encoding"), then lexbor's
// decoders. Private to this folder.
//
// Order: byte order mark; the transport's charset; <meta> in the first 4 KB; bytes that are UTF-8 are UTF-8; a guess
// among gb18030, big5, euc-jp, shift_jis, euc-kr, windows-1251, windows-1252. In one point this is not a browser: a page
// that is UTF-8 throughout and has several characters beyond ASCII is UTF-8, whatever it says of itself.
#pragma once

#include <string>
#include <string_view>

namespace athanor::html {

// The page in UTF-8, well-formed: either `bytes` itself (without its mark) or `storage`, which is filled. `charset` says
// which encoding it was and becomes the name of the one that was used.
std::string_view decode_page(std::string_view bytes, std::string& charset, std::string& storage);

// Bytes that are no text in any encoding: known magic numbers, or many control characters.
bool is_binary(std::string_view bytes);

}  // namespace athanor::html
