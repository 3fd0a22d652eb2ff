#include "athanor/token/pipeline/partial_utf8.h"

#include "athanor/base/unicode.h"

namespace athanor::token {

size_t complete_utf8_prefix(std::string_view text) {
  for (size_t tail = 1; tail <= 3 && tail <= text.size(); ++tail) {
    const uint8_t byte = static_cast<uint8_t>(text[text.size() - tail]);
    if ((byte & 0xC0) == 0x80) {
      continue;
    }
    const size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    if (length <= tail) {
      break;
    }
    // One bad subpart over the whole tail: a prefix of some character. More than one: never to be completed.
    const std::string_view rest = text.substr(text.size() - tail);
    const char* p = rest.data();
    decode_utf8(p, rest.data() + rest.size());
    const bool may_complete = p == rest.data() + rest.size() && byte >= 0xC2 && byte <= 0xF4;
    return may_complete ? text.size() - tail : text.size();
  }
  return text.size();
}

}  // namespace athanor::token
