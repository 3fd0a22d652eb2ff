#include "athanor/token/file/sentencepiece_model.h"

#include <cmath>
#include <unordered_set>

#include "athanor/base/error.h"
#include "athanor/token/file/wire.h"
#include "athanor/token/model/vocabulary.h"

namespace athanor::token {

namespace {

// Field numbers of sentencepiece_model.proto.
constexpr uint32_t kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3, kDenormalizerSpec = 5;
constexpr uint32_t kPiece = 1, kScore = 2, kType = 3;
constexpr uint32_t kModelType = 3, kVocabSize = 4, kSuffix = 24, kByteFallback = 35;
constexpr uint32_t kUnkId = 40, kBosId = 41, kEosId = 42, kPadId = 43, kUnkSurface = 44;
constexpr uint32_t kUnkPiece = 45, kBosPiece = 46, kEosPiece = 47, kPadPiece = 48;
constexpr uint32_t kName = 1, kCharsmap = 2, kDummyPrefix = 3, kExtraWhitespaces = 4, kEscape = 5;

SentencePieceModel::Piece read_piece(WireReader reader) {
  SentencePieceModel::Piece piece;
  while (reader.next()) {
    if (reader.field() == kPiece) {
      piece.text = reader.string("piece");
    } else if (reader.field() == kScore) {
      piece.score = reader.float32("score");
    } else if (reader.field() == kType) {
      const uint64_t type = reader.integer("type");
      if (type < 1 || type > 6) {
        reader.fail("has the unknown 'type' " + std::to_string(type));
      }
      piece.type = static_cast<PieceType>(type);
    }
  }
  if (piece.text.empty()) {
    reader.fail("has no text");
  }
  if (!std::isfinite(piece.score)) {
    reader.fail("has a 'score' that is not a finite number");
  }
  return piece;
}

void read_trainer(WireReader reader, SentencePieceModel& model) {
  while (reader.next()) {
    switch (reader.field()) {
      case kModelType: {
        const uint64_t kind = reader.integer("model_type");
        if (kind < 1 || kind > 4) {
          reader.fail("has the unknown 'model_type' " + std::to_string(kind));
        }
        model.kind = static_cast<SentencePieceModel::Kind>(kind);
        break;
      }
      case kSuffix:
        model.treat_whitespace_as_suffix = reader.boolean("treat_whitespace_as_suffix");
        break;
      case kByteFallback:
        model.byte_fallback = reader.boolean("byte_fallback");
        break;
      case kUnkId:
        model.unk_id = reader.int32("unk_id");
        break;
      case kBosId:
        model.bos_id = reader.int32("bos_id");
        break;
      case kEosId:
        model.eos_id = reader.int32("eos_id");
        break;
      case kPadId:
        model.pad_id = reader.int32("pad_id");
        break;
      case kUnkSurface:
        model.unk_surface = reader.string("unk_surface");
        break;
      case kUnkPiece:
        model.unk_piece = reader.string("unk_piece");
        break;
      case kBosPiece:
        model.bos_piece = reader.string("bos_piece");
        break;
      case kEosPiece:
        model.eos_piece = reader.string("eos_piece");
        break;
      case kPadPiece:
        model.pad_piece = reader.string("pad_piece");
        break;
      default:
        break;
    }
  }
}

void read_normalizer(WireReader reader, SentencePieceModel& model) {
  while (reader.next()) {
    switch (reader.field()) {
      case kName:
        model.normalizer_name = reader.string("name");
        break;
      case kCharsmap:
        model.charsmap = reader.bytes("precompiled_charsmap");
        break;
      case kDummyPrefix:
        model.add_dummy_prefix = reader.boolean("add_dummy_prefix");
        break;
      case kExtraWhitespaces:
        model.remove_extra_whitespaces = reader.boolean("remove_extra_whitespaces");
        break;
      case kEscape:
        model.escape_whitespaces = reader.boolean("escape_whitespaces");
        break;
      default:
        break;
    }
  }
}

void check_pieces(const SentencePieceModel& model, const std::string& where) {
  const auto fail = [&](const std::string& what) { throw Error(ErrorKind::kInput, what, where); };
  std::unordered_set<std::string_view> texts;
  int32_t num_unknown = 0;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const SentencePieceModel::Piece& piece = model.pieces[id];
    const std::string name = "field 'pieces[" + std::to_string(id) + "]' ";
    num_unknown += piece.type == PieceType::kUnknown;
    if (!texts.insert(piece.text).second) {
      fail(name + "is " + json_string(piece.text) + ", which stands there twice");
    }
  }
  if (model.pieces.empty() || num_unknown != 1) {
    fail("field 'pieces' holds " + std::to_string(model.pieces.size()) + " pieces, " + std::to_string(num_unknown) +
         " of type UNKNOWN: there must be one");
  }
}

}  // namespace

int32_t SentencePieceModel::id_of_type(PieceType type) const {
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (pieces[id].type == type) {
      return static_cast<int32_t>(id);
    }
  }
  return -1;
}

SentencePieceModel parse_sentencepiece(std::string_view bytes, const std::string& where) {
  SentencePieceModel model;
  WireReader reader(bytes, where, "model");
  while (reader.next()) {
    if (reader.field() == kPieces) {
      if (model.pieces.size() >= static_cast<size_t>(kMaxVocabulary)) {
        reader.fail("has more than " + std::to_string(kMaxVocabulary) + " pieces");
      }
      const std::string name = "pieces[" + std::to_string(model.pieces.size()) + "]";
      const std::string_view part = reader.bytes("pieces");
      model.pieces.push_back(read_piece(WireReader(part, where, name, reader.begin())));
    } else if (reader.field() == kTrainerSpec) {
      const std::string_view part = reader.bytes("trainer_spec");
      read_trainer(WireReader(part, where, "trainer_spec", reader.begin()), model);
    } else if (reader.field() == kNormalizerSpec) {
      const std::string_view part = reader.bytes("normalizer_spec");
      read_normalizer(WireReader(part, where, "normalizer_spec", reader.begin()), model);
    } else if (reader.field() == kDenormalizerSpec) {
      SentencePieceModel other;
      const std::string_view part = reader.bytes("denormalizer_spec");
      read_normalizer(WireReader(part, where, "denormalizer_spec", reader.begin()), other);
      model.has_denormalizer = !other.charsmap.empty();
    }
  }
  check_pieces(model, where);
  return model;
}

std::string write_sentencepiece(const SentencePieceModel& model) {
  std::string out;
  for (const SentencePieceModel::Piece& piece : model.pieces) {
    std::string part;
    put_bytes(part, kPiece, piece.text);
    put_float(part, kScore, piece.score);
    if (piece.type != PieceType::kNormal) {
      put_integer(part, kType, static_cast<int64_t>(piece.type));
    }
    put_bytes(out, kPieces, part);
  }
  std::string trainer;
  put_integer(trainer, kModelType, static_cast<int64_t>(model.kind));
  put_integer(trainer, kVocabSize, static_cast<int64_t>(model.pieces.size()));
  put_integer(trainer, kSuffix, model.treat_whitespace_as_suffix);
  put_integer(trainer, kByteFallback, model.byte_fallback);
  put_integer(trainer, kUnkId, model.unk_id);
  put_integer(trainer, kBosId, model.bos_id);
  put_integer(trainer, kEosId, model.eos_id);
  put_integer(trainer, kPadId, model.pad_id);
  put_bytes(trainer, kUnkSurface, model.unk_surface);
  put_bytes(trainer, kUnkPiece, model.unk_piece);
  put_bytes(trainer, kBosPiece, model.bos_piece);
  put_bytes(trainer, kEosPiece, model.eos_piece);
  put_bytes(trainer, kPadPiece, model.pad_piece);
  put_bytes(out, kTrainerSpec, trainer);
  std::string normalizer;
  put_bytes(normalizer, kName, model.normalizer_name);
  put_bytes(normalizer, kCharsmap, model.charsmap);
  put_integer(normalizer, kDummyPrefix, model.add_dummy_prefix);
  put_integer(normalizer, kExtraWhitespaces, model.remove_extra_whitespaces);
  put_integer(normalizer, kEscape, model.escape_whitespaces);
  put_bytes(out, kNormalizerSpec, normalizer);
  return out;
}

bool is_sentencepiece(std::string_view bytes) {
  // Field 1, a length of a few bytes, then field 1 again: the text of the first piece.
  return bytes.size() > 4 && bytes[0] == '\x0A' && static_cast<uint8_t>(bytes[1]) < 0x80 && bytes[2] == '\x0A' &&
         static_cast<uint8_t>(bytes[3]) < static_cast<uint8_t>(bytes[1]);
}

}  // namespace athanor::token
