// What SentencePiece (google/sentencepiece, trainer_interface.cc) lets be a piece, and which characters it
// keeps: shared by the Unigram trainer and the BPE trainer in SentencePiece's manner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace athanor::token {

inline constexpr char32_t kSpaceMark = 0x2581;
inline constexpr char32_t kUncovered = 0x2585;  // stands for a character outside the alphabet

struct PieceRules {
  int64_t max_piece_length = 16;  // characters
  bool split_by_script =
      true;  // a piece has characters of one script (Han with kana; digits and marks are Common)
  bool split_by_number = true;  // 0-9 count as Common; else they go with any script
  bool split_digits = false;    // a digit is a piece of its own
  double character_coverage = 0.9995;
  std::string required_chars;  // covered however rare
};

// 0 Common, 1 Inherited, 2 Han and kana, ...
uint8_t script_number(char32_t code);

// Whether characters [begin, end) may be a piece: no marker but at the front, one script, not too long.
bool valid_piece(const char32_t* begin, const char32_t* end, const PieceRules& rules);

struct Alphabet {
  std::vector<char32_t> characters;  // covered ones: the required, then by count, the smaller code first
  std::vector<uint64_t> counts;      // of characters
  uint64_t counted = 0;              // all characters, the uncovered too
  uint64_t num_left_out = 0;         // different ones
};
// counts: how often each character stands in the text. As SentencePiece: characters are taken until their share
// reaches the coverage; with a coverage of 1 all of them.
Alphabet choose_alphabet(const std::unordered_map<char32_t, uint64_t>& counts, const PieceRules& rules);

std::vector<char32_t> characters_of(std::string_view text);
std::string utf8_of(const char32_t* begin, const char32_t* end);

}  // namespace athanor::token
