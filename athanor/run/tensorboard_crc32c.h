// CRC-32C (Castagnoli, RFC 3720 B.4), by the CPU's instruction where it has one.
#pragma once

#include <cstdint>
#include <string_view>

namespace athanor {

uint32_t crc32c(std::string_view bytes);

// The portable form, which the fast one must equal.
uint32_t crc32c_by_table(std::string_view bytes);

// TFRecord's mask, so that a CRC of data that holds CRCs stays strong: rotate right 15, add 0xa282ead8.
constexpr uint32_t masked_crc32c(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

}  // namespace athanor
