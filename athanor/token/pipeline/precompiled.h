// SentencePiece's compiled character map: a Darts double array (Yata et al. 2007) from byte strings to places in a
// pool of replacements, as the normalizer "Precompiled" holds it in base64. All places are checked while reading.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/pipeline/aligned.h"

namespace athanor::token {

class Charsmap {
 public:
  // Error(kInput) at field for what is no character map.
  static Charsmap read(const Field& base64);

  // As HF has it: clusters of at most five bytes as a whole, all else character by character.
  void apply(Aligned& text) const;
  // As SentencePiece has it: at each place the longest beginning that the map has.
  void apply_longest(Aligned& text) const;
  // The replacement of the shortest beginning of text that has one.
  std::optional<std::string_view> find(std::string_view text) const;

 private:
  struct Match {
    size_t bytes;  // of the text; 0: none
    std::string_view replacement;
  };
  Match find_longest(std::string_view text) const;
  // Walks one byte on; false when no key goes on so. replacement: set when a key ends here.
  bool step(size_t& node, uint8_t byte, std::optional<std::string_view>& replacement) const;

  std::vector<uint32_t> units_;
  std::string pool_;
};

}  // namespace athanor::token
