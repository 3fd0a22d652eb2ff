// Ids back to bytes, for byte-level tokenizers: one look-up a token, for those of at most 15 bytes.
#pragma once

#include <cstdint>
#include <memory>
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

  // Room for the bytes of ids_a_block() ids, whichever they are, not set to anything.
  using Block = std::unique_ptr<char[]>;
  Block make_block() const;
  size_t ids_a_block() const;

  // Appends the bytes of ids up to the first of `stops`, and returns how many ids that were. stops: by id, may be empty.
  size_t append(std::span<const int32_t> ids, const std::vector<bool>& stops, Block& block, std::string& out) const;

  // The bytes of at most ids_a_block() ids; returns how many bytes those are.
  size_t write(std::span<const int32_t> ids, Block& block) const;

  // Room in out for all ids, if the rest of them is like the first, which gave so many bytes.
  static void reserve_like(size_t bytes, size_t ids_done, size_t ids_in_all, std::string& out);

 private:
  static constexpr size_t kInline = 15;
  static constexpr uint8_t kLong = 255;

  struct alignas(16) Token {
    char bytes[kInline];  // of a long token: where it begins in long_bytes_, and its length
    uint8_t length;       // kLong: more than kInline
  };
  std::span<const int32_t> before_stop(std::span<const int32_t> ids, const std::vector<bool>& stops) const;

  std::vector<Token> tokens_;  // by id; the last one gives nothing
  std::string long_bytes_;
  size_t longest_ = 0;
};

}  // namespace athanor::token
