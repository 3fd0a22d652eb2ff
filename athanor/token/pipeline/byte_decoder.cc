#include "athanor/token/pipeline/byte_decoder.h"

#include <cstring>

namespace athanor::token {

namespace {

constexpr size_t kCopied = 16;  // bytes that are copied for every token, however short: no branch

}  // namespace

ByteDecoder::ByteDecoder(const std::vector<std::string>& bytes, const std::vector<bool>& left_out)
    : tokens_(bytes.size()) {
  for (size_t id = 0; id < bytes.size(); ++id) {
    const bool kept = !left_out[id];
    tokens_[id] = {static_cast<uint32_t>(bytes_.size()), kept ? static_cast<uint32_t>(bytes[id].size()) : 0};
    bytes_ += kept ? bytes[id] : "";
  }
  bytes_.append(kCopied, '\0');
}

std::string ByteDecoder::decode(std::span<const int32_t> ids) const {
  size_t size = 0;
  for (const int32_t id : ids) {
    size += token(id).length;
  }
  std::string out(size + kCopied, '\0');
  char* to = out.data();
  for (const int32_t id : ids) {
    const Token token = this->token(id);
    const char* const from = bytes_.data() + token.begin;
    std::memcpy(to, from, kCopied);
    if (token.length > kCopied) {
      std::memcpy(to, from, token.length);
    }
    to += token.length;
  }
  out.resize(size);
  return out;
}

}  // namespace athanor::token
