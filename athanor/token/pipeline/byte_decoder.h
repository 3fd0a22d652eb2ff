// Ids back to bytes, for byte-level tokenizers: the bytes of all tokens in one stretch of memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace athanor::token {

class ByteDecoder {
 public:
  // bytes by id; what is left_out gives nothing.
  ByteDecoder(const std::vector<std::string>& bytes, const std::vector<bool>& left_out);

  // Unknown ids give nothing.
  std::string decode(std::span<const int32_t> ids) const;

 private:
  struct Token {
    uint32_t begin, length;  // in bytes_
  };
  Token token(int32_t id) const {
    return static_cast<size_t>(static_cast<uint32_t>(id)) < tokens_.size() ? tokens_[id] : Token{0, 0};
  }

  std::vector<Token> tokens_;
  std::string bytes_;
  size_t longest_ = 0;
};

}  // namespace athanor::token
