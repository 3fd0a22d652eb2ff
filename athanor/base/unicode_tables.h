// The shape of the generated Unicode tables. For unicode*.cc only: everyone else includes unicode.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace athanor::unicode_tables {

struct Record {
  uint8_t category;  // Category
  uint8_t ccc;       // canonical combining class
  uint8_t flags;     // 1 White_Space, 2 Script=Han
  uint8_t quick;     // quick checks, two bits a form (0 yes, 1 maybe, 2 no): NFC, NFKC, NFD, NFKD from the low end
};

struct Decomposition {  // offsets and lengths in kPool, fully expanded; length 0: none of that kind
  uint32_t code;
  uint16_t canonical, compatible;
  uint8_t canonical_length, compatible_length;
};

struct Composition {
  uint32_t first, second, composite;
};

extern const Record kRecords[];
extern const uint16_t kStage1[];  // code >> 7 -> block
extern const uint8_t kStage2[];   // block * 128 + (code & 127) -> record
extern const Decomposition kDecompositions[];  // sorted by code
extern const size_t kNumDecompositions;
extern const uint32_t kPool[];
extern const Composition kCompositions[];  // sorted by (first, second)
extern const size_t kNumCompositions;

inline const Record& record_of(char32_t code) {
  return kRecords[code < 0x110000 ? kStage2[kStage1[code >> 7] * 128 + (code & 127)]
                                  : kStage2[kStage1[0x10FFFF >> 7] * 128 + 127]];  // unassigned
}

}  // namespace athanor::unicode_tables
