// The simple lower-case mapping of one code point (UnicodeData.txt, field 13), of the same pinned Unicode version
// as unicode.h. Context and language are not looked at: U+03A3 is always U+03C3, U+0130 becomes a plain i.
//
//   to_lower(U'É') == U'é'
#pragma once

namespace athanor {

char32_t to_lower(char32_t code);

}  // namespace athanor
