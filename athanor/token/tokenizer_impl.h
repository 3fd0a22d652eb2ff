// The parts of a Tokenizer, shared by tokenizer.cc (encode, decode) and file/tokenizer_json.cc (load, save).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "athanor/token/model/model.h"
#include "athanor/token/piece_encoder.h"
#include "athanor/token/split/split.h"
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
  std::optional<token::PieceEncoder> encoder;  // over pre_tokenizer and model
  std::vector<Normalize> normalizers;
  std::vector<AddedToken> added;
  int32_t end_of_text = -1;

  // Sections that are kept as they were read: truncation, padding, normalizer, pre_tokenizer, post_processor,
  // decoder; and the members of "model" beside vocab and merges.
  token::Json sections, model_fields;
  std::string model_type;

  std::vector<std::string> bytes;  // by id
  std::vector<bool> special;       // by id

  void fill_tables();  // bytes, special and end_of_text, from the vocabulary and the added tokens
  static std::unique_ptr<Impl> from_value(const token::Json& json, const std::string& where);
};

}  // namespace athanor
