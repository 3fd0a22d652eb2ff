#include "athanor/data/document.h"

#include "athanor/base/hash.h"

namespace athanor {

std::string document_id(std::string_view source, uint64_t span_begin, std::string_view text) {
  const std::string_view zero("\0", 1);
  Sha256 sha;
  sha.update(source).update(zero).update(std::to_string(span_begin)).update(zero).update(text);
  return sha.hex().substr(0, 32);
}

}  // namespace athanor
