// What the writer and the reader of token sets agree on (docs/formats/tokens.md).
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>

namespace athanor::token_set_format {

static_assert(std::endian::native == std::endian::little, "the files are little-endian and used in place");

inline constexpr int kSchema = 1;
inline constexpr uint64_t kIdBytes = 32;           // hex digits of a document id
inline constexpr uint64_t kIdLine = kIdBytes + 1;  // with its newline
inline constexpr uint64_t kIndexBytes = 16;        // u64 first token, u64 text bytes
inline constexpr int32_t kMaxU16Vocab = 65536;

inline bool is_document_id(std::string_view id) {
  return id.size() == kIdBytes && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace athanor::token_set_format
