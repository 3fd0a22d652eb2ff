// One e-mail (RFC 5322, MIME: RFC 2045 to 2047): its headers, and the text that a reader would see.
#pragma once

#include <string>
#include <string_view>

#include "athanor/data/web/warc.h"

namespace athanor {

struct Mail {
  HeaderList headers;             // raw values, unfolded
  std::string text;               // UTF-8 where the charset is known; the plain texts that are no attachments, joined by
                                  // blank lines; without any, empty
  std::string html;               // the first HTML part, with `html_charset`; only when there is no plain text
  std::string html_charset;
  const char* problem = nullptr;  // "broken mail header", "unknown charset", "broken MIME part"
};

// Nesting up to 16 deep and 1,000 parts; what lies beyond is passed over.
Mail parse_mail(std::string_view bytes);

// =?charset?B?...?= and =?charset?Q?...?= words undone; what cannot be is left as it is.
std::string decode_words(std::string_view value);
std::string decode_base64(std::string_view bytes);           // other characters are passed over
std::string decode_quoted_printable(std::string_view bytes);  // broken escapes stay as they are

}  // namespace athanor
