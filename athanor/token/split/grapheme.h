// Extended grapheme clusters (UAX #29, Unicode 17, with the conjuncts of rule GB9c), as HF tokenizers 0.23.3 cuts them
// in its Precompiled: what a reader takes for one character. Conjuncts of four-byte consonants are not known: whether
// they stay together changes nothing there.
//
//   grapheme_end("e\u0301x", 0) == 3
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace athanor::token {

namespace grapheme_table {

struct Range {
  uint32_t first, last;
  uint8_t kind;
};
extern const Range kRanges[];
extern const size_t kNumRanges;

}  // namespace grapheme_table

// Where the cluster that begins at byte `begin` ends. begin < text.size(); text is UTF-8.
size_t grapheme_end(std::string_view text, size_t begin);

}  // namespace athanor::token
