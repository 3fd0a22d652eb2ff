// What the tests of the models share.
#pragma once

#include <gtest/gtest.h>

#include <set>

#include "athanor/token/model/model.h"

namespace athanor::token {

inline const std::string kWhere = "here.json";

struct Made {
  Vocabulary vocabulary;
  std::unique_ptr<TokenModel> model;

  explicit Made(const Json& json, bool byte_level = false) {
    model = make_model(Field(json, "model", kWhere), byte_level, vocabulary);
  }
  std::vector<std::string> encode(std::string_view piece) const {
    std::vector<int32_t> ids;
    Workspace work;
    model->encode(piece, work, ids);
    return spell(ids);
  }
  std::vector<std::string> spell(const std::vector<int32_t>& ids) const {
    std::vector<std::string> tokens;
    for (const int32_t id : ids) {
      tokens.push_back(vocabulary.token(id));
    }
    return tokens;
  }
  // The spans, after a check that the ids are those of encode.
  std::vector<Span> spans(std::string_view piece) const {
    std::vector<int32_t> ids, same;
    std::vector<Span> spans;
    Workspace work;
    model->encode(piece, work, ids);
    model->encode_spans(piece, work, same, spans);
    EXPECT_EQ(ids, same);
    EXPECT_EQ(ids.size(), spans.size());
    return spans;
  }
};

inline std::string random_text(Rng& rng, std::string_view alphabet, size_t max_size) {
  std::string text;
  for (size_t left = 1 + rng.below(max_size); left > 0; --left) {
    text += alphabet[rng.below(alphabet.size())];
  }
  return text;
}

inline Json numbered(const std::set<std::string>& tokens) {
  Json vocab = Json::object();
  for (const std::string& token : tokens) {
    vocab[token] = vocab.size();
  }
  return vocab;
}

// Unigram's "vocab".
inline Json scored(std::initializer_list<std::pair<const char*, double>> tokens) {
  Json vocab = Json::array();
  for (const auto& [token, score] : tokens) {
    vocab.push_back(Json::array({token, score}));
  }
  return vocab;
}

using Tokens = std::vector<std::string>;

}  // namespace athanor::token
