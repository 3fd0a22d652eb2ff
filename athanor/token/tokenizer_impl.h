// The parts of a Tokenizer, shared by tokenizer.cc (encode, decode) and tokenizer_json.cc (load, save).
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "athanor/token/model.h"
#include "athanor/token/piece_cache.h"
#include "athanor/token/split.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

using Normalize = std::string (*)(std::string_view);

struct AddedToken {
  int32_t id;
  std::string content;
  bool special;
  token::Json json;  // as read, for to_json
};

struct Tokenizer::Impl {
  token::Vocabulary vocabulary;  // the model's
  std::unique_ptr<token::TokenModel> model;
  token::PreTokenizer pre_tokenizer;
  std::vector<Normalize> normalizers;
  std::vector<AddedToken> added;
  int32_t end_of_text = -1;

  // Sections that are kept as they were read: truncation, padding, normalizer, pre_tokenizer, post_processor,
  // decoder; and the members of "model" beside vocab and merges.
  token::Json sections, model_fields;
  std::string model_type;

  std::vector<std::string> bytes;  // by id
  std::vector<bool> special;       // by id

  // What one encoding thread needs; lent out so that caches stay warm between calls.
  struct Room {
    token::Workspace work;
    token::PieceCache cache;
    std::vector<int32_t> piece_ids;
  };
  mutable std::mutex mutex;
  mutable std::vector<std::unique_ptr<Room>> rooms;

  std::unique_ptr<Room> take_room() const;
  void give_room(std::unique_ptr<Room> room) const;
  void encode(std::string_view text, Room& room, std::vector<int32_t>& ids) const;

  void fill_tables();  // bytes, special and end_of_text, from the vocabulary and the added tokens
  static std::unique_ptr<Impl> from_value(const token::Json& json, const std::string& where);
};

}  // namespace athanor
