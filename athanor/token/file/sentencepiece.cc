// SentencePiece .model -> tokenizer.json. What SentencePiece does to a text is spelt out in the normalizer, in its
// own order, since transformers' converters only come near it. Two members are our own, and HF passes over them:
// Precompiled's "longest_match" (SentencePiece replaces the longest beginning that the map has, HF what it finds for
// a grapheme of at most five bytes or else a character) and Unigram's "unmatched_ids" (control, unknown, byte and
// unused pieces never match text). See file/README.md.
#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/text.h"
#include "athanor/base/base64.h"
#include "athanor/token/file/formats.h"
#include "athanor/token/file/frame.h"
#include "athanor/token/file/piece_merges.h"
#include "athanor/token/file/sentencepiece_model.h"

namespace athanor::token {

namespace {

using Kind = SentencePieceModel::Kind;
using Piece = SentencePieceModel::Piece;

constexpr const char* kSpace = "\xE2\x96\x81";  // U+2581, how a space is written in a piece

Json normalizer(const SentencePieceModel& model) {
  Json parts = Json::array();
  if (!model.charsmap.empty()) {
    parts.push_back({{"type", "Precompiled"}, {"precompiled_charsmap", to_base64(model.charsmap)}, {"longest_match", true}});
  }
  if (model.remove_extra_whitespaces) {
    parts.push_back(replace_regex(model.escape_whitespaces ? kEdgeSpaces : "\\A +| +\\z", ""));
    parts.push_back(replace_regex(kSpaceRuns, " "));
  }
  if (model.add_dummy_prefix) {
    parts.push_back({{"type", "Prepend"}, {"prepend", model.escape_whitespaces ? kSpace : " "}});
  }
  if (model.escape_whitespaces) {
    parts.push_back(replace_string(" ", kSpace));
  }
  return parts.empty() ? Json() : sequence("normalizers", std::move(parts));
}

Json decoder(const SentencePieceModel& model) {
  Json parts = Json::array();
  if (model.escape_whitespaces) {
    parts.push_back(replace_string(kSpace, " "));
  }
  if (model.byte_fallback) {
    parts.push_back({{"type", "ByteFallback"}});
  }
  parts.push_back({{"type", "Fuse"}});
  if (model.add_dummy_prefix) {
    parts.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  return sequence("decoders", std::move(parts));
}

bool may_match(PieceType type) { return type == PieceType::kNormal || type == PieceType::kUserDefined; }

std::string regex_of_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}#-/&~").find(c) != std::string_view::npos) {
      out += '\\';
    }
    out += c;
  }
  return out;
}

// User-defined pieces, the longest first.
std::vector<std::string> user_defined(const SentencePieceModel& model) {
  std::vector<std::string> out;
  for (const Piece& piece : model.pieces) {
    if (piece.type == PieceType::kUserDefined) {
      out.push_back(piece.text);
    }
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  return out;
}

Json cut(const std::vector<std::string>& pieces) {
  std::vector<std::string> parts;
  for (const std::string& piece : pieces) {
    parts.push_back(regex_of_text(piece));
  }
  return {{"type", "Split"},
          {"pattern", {{"Regex", join_text(parts, "|")}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}

Json metaspace(const char* prepend_scheme, bool split) {
  return {{"type", "Metaspace"}, {"replacement", kSpace}, {"prepend_scheme", prepend_scheme}, {"split", split}};
}

Json unigram(const SentencePieceModel& model) {
  Json vocab = Json::array(), unmatched = Json::array();
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const Piece& piece = model.pieces[id];
    vocab.push_back(Json::array({piece.text, static_cast<double>(piece.score)}));
    if (!may_match(piece.type)) {
      unmatched.push_back(id);
    }
  }
  return {{"type", "Unigram"},
          {"unk_id", model.id_of_type(PieceType::kUnknown)},
          {"vocab", std::move(vocab)},
          {"byte_fallback", model.byte_fallback},
          {"unmatched_ids", std::move(unmatched)}};
}

Json piece_ids(const SentencePieceModel& model) {
  Json vocab = Json::object();
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    vocab[model.pieces[id].text] = id;
  }
  return vocab;
}

Json bpe(const SentencePieceModel& model, const std::string& unknown, const std::string& where) {
  Json json = bpe_model(unknown.c_str(), model.byte_fallback, true, false);
  json["vocab"] = piece_ids(model);
  if (model.kind == Kind::kBpe) {
    std::vector<ScoredPiece> pieces;
    std::vector<std::string> texts;
    for (const Piece& piece : model.pieces) {
      pieces.push_back({piece.text, piece.score, piece.type == PieceType::kNormal});
      texts.push_back(piece.text);
    }
    json["merges"] = merges_json(merges_by_score(pieces, where), texts);
  }
  return json;
}

void refuse(const SentencePieceModel& model, const std::string& where) {
  const auto fail = [&](const std::string& what) { throw Error(ErrorKind::kInput, what, where); };
  if (model.treat_whitespace_as_suffix) {
    fail("field 'trainer_spec.treat_whitespace_as_suffix' is true, which is not supported");
  }
  if (model.kind == Kind::kWord && model.byte_fallback) {
    fail("field 'trainer_spec.byte_fallback' is true for a word model, which is not supported");
  }
  const int32_t unused = model.id_of_type(PieceType::kUnused);
  if (model.kind == Kind::kBpe && unused >= 0) {
    fail("field 'pieces[" + std::to_string(unused) + "]' is of type UNUSED, which is not supported in a BPE model");
  }
}

}  // namespace

// User-defined pieces are cut out by SentencePiece after the white space is done. Unigram: a Split does the same. In
// a BPE a piece alone does not merge to itself, so they are added tokens, found in the normalized text; the dummy
// prefix then has to come from Metaspace, whose "first" misses it where the text begins with such a piece.
Json sentencepiece_json(const SentencePieceModel& model, const std::string& where) {
  SentencePieceModel text = model;
  const std::vector<std::string> user = user_defined(model);
  const bool added_user = !user.empty() && model.kind != Kind::kUnigram && model.kind != Kind::kWord;
  Json json = empty_tokenizer();
  Json cuts = Json::array();
  if (!user.empty() && model.kind == Kind::kUnigram) {
    cuts.push_back(cut(user));
  }
  if (added_user && model.add_dummy_prefix) {
    text.add_dummy_prefix = false;
    cuts.push_back(metaspace("first", false));
  } else if (model.kind == Kind::kWord) {
    cuts.push_back(metaspace("never", true));
  }
  json["normalizer"] = normalizer(text);
  json["decoder"] = decoder(model);
  if (!cuts.empty()) {
    json["pre_tokenizer"] = cuts.size() == 1 ? cuts[0] : sequence("pretokenizers", cuts);
  }
  const std::string& unknown = model.pieces[static_cast<size_t>(model.id_of_type(PieceType::kUnknown))].text;
  if (model.kind == Kind::kUnigram) {
    json["model"] = unigram(model);
  } else if (model.kind == Kind::kWord) {
    json["model"] = {{"type", "WordLevel"}, {"vocab", piece_ids(model)}, {"unk_token", unknown}};
  } else {
    json["model"] = bpe(model, unknown, where);
  }
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const Piece& piece = model.pieces[id];
    const bool special = piece.type == PieceType::kControl || piece.type == PieceType::kUnknown;
    if (special || (added_user && piece.type == PieceType::kUserDefined)) {
      json["added_tokens"].push_back(added_token(static_cast<int32_t>(id), piece.text, special, !special));
    }
  }
  return json;
}

Json read_sentencepiece(std::string_view bytes, const std::string& where) {
  const SentencePieceModel model = parse_sentencepiece(bytes, where);
  refuse(model, where);
  return sentencepiece_json(model, where);
}

}  // namespace athanor::token
