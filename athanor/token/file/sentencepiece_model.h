// A SentencePiece model file (google/sentencepiece, sentencepiece_model.proto): what it says, in and out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/file/json_field.h"

namespace athanor::token {

enum class PieceType { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

struct SentencePieceModel {
  struct Piece {
    std::string text;
    float score = 0;
    PieceType type = PieceType::kNormal;
  };
  enum class Kind { kUnigram = 1, kBpe = 2, kWord = 3, kChar = 4 };

  std::vector<Piece> pieces;  // by id

  // trainer_spec, the members that decide ids
  Kind kind = Kind::kUnigram;
  bool byte_fallback = false;
  bool treat_whitespace_as_suffix = false;
  int32_t unk_id = 0, bos_id = 1, eos_id = 2, pad_id = -1;
  std::string unk_piece = "<unk>", bos_piece = "<s>", eos_piece = "</s>", pad_piece = "<pad>";
  std::string unk_surface = " \xE2\x81\x87 ";  // what the unknown piece is decoded to

  // normalizer_spec
  std::string normalizer_name;
  std::string charsmap;  // precompiled_charsmap, see pipeline/precompiled.h
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
  bool has_denormalizer = false;  // denormalizer_spec with a charsmap of its own

  int32_t id_of_type(PieceType type) const;  // the first piece of that type, -1 when there is none
};

// Error(kInput) names the field and the byte: not whole, no pieces, an empty or repeated piece, a score that is not
// a number, no or two unknown pieces.
SentencePieceModel parse_sentencepiece(std::string_view bytes, const std::string& where);

// Regexes of the normalizers that stand for remove_extra_whitespaces. A U+2581 at the end of the text goes too.
inline constexpr const char* kEdgeSpaces = "\\A +|[ \u2581]+\\z";
inline constexpr const char* kSpaceRuns = " {2,}";

// Its tokenizer.json. A GGUF vocabulary is one too.
Json sentencepiece_json(const SentencePieceModel& model, const std::string& where);

// The reverse, for tokenizers whose every part SentencePiece has; Error(kUsage) names the field otherwise.
SentencePieceModel sentencepiece_from_json(const Json& tokenizer, const std::string& where);

// The file. parse_sentencepiece of it gives the same model.
std::string write_sentencepiece(const SentencePieceModel& model);

// Whether bytes begin as a SentencePiece model does: with a first piece.
bool is_sentencepiece(std::string_view bytes);

}  // namespace athanor::token
