// The answer of a web server as an archive keeps it: status, headers, and the body with its encodings undone.
#pragma once

#include <string>
#include <string_view>

#include "athanor/data/web/warc.h"

namespace athanor {

struct HttpMessage {
  int status = 0;
  HeaderList headers;
  std::string_view body;          // of the message or of `storage`
  std::string storage;
  const char* problem = nullptr;  // "broken HTTP header", "broken chunks", "corrupt content encoding",
                                  // "unknown content encoding", "page too large"
};

// Transfer-Encoding chunked (a body that is not chunked after all is taken as it is: archives keep the header), then
// Content-Encoding gzip and deflate. The result stays below max_bytes. `bytes` must outlive the message.
void parse_http(std::string_view bytes, size_t max_bytes, HttpMessage& message);

}  // namespace athanor
