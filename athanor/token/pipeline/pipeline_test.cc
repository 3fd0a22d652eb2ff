// Every type of tokenizer.json in random combinations, against HF tokenizers 0.23.3 (tests/parity/
// make_pipeline_fixtures.py): ids, offsets, words, masks, windows; texts decoded at once and as a stream.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"
#include "athanor/token/pipeline/added_tokens.h"
#include "athanor/token/pipeline/normalizer.h"
#include "athanor/token/split/grapheme.h"
#include "athanor/token/tokenizer.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

Json spans_json(const std::vector<TextSpan>& spans) {
  Json out = Json::array();
  for (const TextSpan& span : spans) {
    out.push_back({span.begin, span.end});
  }
  return out;
}

void expect_equal(const Encoding& ours, const Json& wanted) {
  EXPECT_EQ(Json(ours.ids), wanted["ids"]);
  EXPECT_EQ(Json(ours.type_ids), wanted["type_ids"]);
  EXPECT_EQ(spans_json(ours.offsets), wanted["offsets"]);
  EXPECT_EQ(Json(ours.word_ids), wanted["words"]);
  EXPECT_EQ(Json(ours.special_tokens_mask), wanted["special"]);
  EXPECT_EQ(Json(ours.attention_mask), wanted["attention"]);
  ASSERT_EQ(ours.overflowing.size(), wanted["overflowing"].size());
  for (size_t i = 0; i < ours.overflowing.size(); ++i) {
    expect_equal(ours.overflowing[i], wanted["overflowing"][i]);
  }
}

// Byte offsets say the same as character offsets.
void expect_same_place(const std::string& text, const std::vector<TextSpan>& bytes, const std::vector<TextSpan>& chars) {
  ASSERT_EQ(bytes.size(), chars.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_EQ(count_code_points(std::string_view(text).substr(0, bytes[i].begin)), chars[i].begin);
    EXPECT_EQ(count_code_points(std::string_view(text).substr(0, bytes[i].end)), chars[i].end);
  }
}

void replace_all(Json& value, const std::string& from, const Json& to) {
  if (value.is_string() && value == from) {
    value = to;
  } else if (value.is_structured()) {
    for (Json& each : value) {
      replace_all(each, from, to);
    }
  }
}

TEST(Pipeline, RandomFilesAsTheirPeer) {
  const Json all = Json::parse(read_file(fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/token/pipeline.json"));
  size_t encoded = 0, decoded = 0, refused = 0;
  for (const Json& each : all["cases"]) {
    Json file = each["file"];
    SCOPED_TRACE(file.dump());
    file["model"] = all["models"].at(file["model"].get<std::string>());
    replace_all(file, "CHARSMAP", all["charsmap"]);
    std::optional<Tokenizer> tokenizer;
    try {
      tokenizer = Tokenizer::from_json(file.dump(), "file");
    } catch (const std::exception& error) {
      ASSERT_NE(std::string(error.what()).find("after \"ByteLevel\""), std::string::npos) << error.what();
      ++refused;
      continue;
    }
    for (const Json& one : each["encode"]) {
      const std::string text = one[0];
      EncodeOptions options;
      options.characters = true;
      options.add_special_tokens = one[2];
      const auto encode = [&] {
        return one[1].is_null() ? tokenizer->encode_full(text, options)
                                : tokenizer->encode_full(text, one[1].get<std::string>(), options);
      };
      const Encoding full = encode();
      expect_equal(full, one[3]);
      options.characters = false;
      if (one[1].is_null()) {
        expect_same_place(text, encode().offsets, full.offsets);
      }
      ++encoded;
    }
    for (const Json& one : each["decode"]) {
      const std::vector<int32_t> ids = one[0];
      EXPECT_EQ(tokenizer->decode(ids, one[1]), one[2]) << one[0];
      StreamDecoder stream(*tokenizer, one[1]);
      std::string streamed;
      for (const int32_t id : ids) {
        const std::string part = stream.push(id);
        EXPECT_TRUE(is_valid_utf8(part));
        streamed += part;
      }
      EXPECT_EQ(streamed + stream.finish(), one[2]) << one[0];
      ++decoded;
    }
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(encoded, 250u);
  EXPECT_GT(decoded, 400u);
  EXPECT_LT(refused, 10u);
}

// encode() and encode_full() go different ways to the same ids, ill-formed text included.
TEST(Pipeline, ShortAndFullWayAgree) {
  const Json all = Json::parse(read_file(fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/token/pipeline.json"));
  Rng rng(9);
  for (const Json& each : all["cases"]) {
    Json file = each["file"];
    file["model"] = all["models"].at(file["model"].get<std::string>());
    file["truncation"] = file["padding"] = nullptr;
    replace_all(file, "CHARSMAP", all["charsmap"]);
    std::optional<Tokenizer> tokenizer;
    try {
      tokenizer = Tokenizer::from_json(file.dump(), "file");
    } catch (const std::exception&) {
      continue;
    }
    for (const Json& one : each["encode"]) {
      std::string text = one[0];
      for (int round = 0; round < 3; ++round) {
        for (const AddedTokens which : {AddedTokens::kNone, AddedTokens::kOrdinary, AddedTokens::kAll}) {
          std::vector<int32_t> ids;
          tokenizer->encode(text, which, ids);
          const EncodeOptions options{.added_tokens = which, .add_special_tokens = false};
          EXPECT_EQ(tokenizer->encode_full(text, options).ids, ids) << file["normalizer"] << file["pre_tokenizer"];
        }
        if (!text.empty()) {
          text[rng.below(text.size())] = static_cast<char>(rng.below(256));
        }
      }
    }
    ASSERT_FALSE(HasFailure());
  }
}

TEST(Pipeline, SpecialTokensInsideDataAreText) {
  Json file = Json::parse(read_file(fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/token/gpt2_600.json"));
  const Tokenizer tokenizer = Tokenizer::from_json(file.dump(), "gpt2");
  const int32_t end = *tokenizer.token_to_id("<|endoftext|>");
  const std::string text = "<|endoftext|>user: <|endoftext|> ok<|endoftext|>";
  const auto count_ends = [&](std::vector<TextSpan> data) {
    EncodeOptions options;
    options.data = data;
    const Encoding full = tokenizer.encode_full(text, options);
    EXPECT_EQ(tokenizer.decode(full.ids, false), text);
    return std::count(full.ids.begin(), full.ids.end(), end);
  };
  EXPECT_EQ(count_ends({}), 3);
  EXPECT_EQ(count_ends({{13, 35}}), 2);
  EXPECT_EQ(count_ends({{13, 20}}), 2);   // a token that the data began
  EXPECT_EQ(count_ends({{25, 36}}), 1);   // and one that it ends in, and one that it begins
  EXPECT_EQ(count_ends({{0, 5}, {21, 22}, {40, 41}}), 0);
}

// The matcher against trying every token at every place.
TEST(AddedTokenMatcher, LeftmostLongest) {
  Rng rng(4);
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> tokens;
    token::AddedTokenMatcher matcher;
    for (uint64_t i = 0; i < 1 + rng.below(6); ++i) {
      std::string token;
      for (uint64_t j = 0; j < 1 + rng.below(5); ++j) {
        token += static_cast<char>('a' + rng.below(3));
      }
      tokens.push_back(token);
      matcher.add(token, static_cast<uint32_t>(i));
    }
    matcher.build();
    std::string text;
    for (uint64_t j = 0; j < rng.below(30); ++j) {
      text += static_cast<char>('a' + rng.below(4));
    }
    for (size_t from = 0; from <= text.size();) {
      size_t best_begin = text.size(), best = tokens.size();
      for (size_t at = from; at < text.size() && best == tokens.size(); ++at) {
        for (size_t i = 0; i < tokens.size(); ++i) {
          const bool longer = best == tokens.size() || tokens[i].size() > tokens[best].size();
          if (longer && text.compare(at, tokens[i].size(), tokens[i]) == 0) {
            best = i;
            best_begin = at;
          }
        }
      }
      token::AddedTokenMatcher::Match match;
      const bool found = matcher.find(text, from, match);
      ASSERT_EQ(found, best < tokens.size()) << text;
      if (!found) {
        break;
      }
      ASSERT_EQ(match.begin, best_begin) << text;
      ASSERT_EQ(match.end, best_begin + tokens[best].size()) << text;
      ASSERT_EQ(tokens[match.index], tokens[best]);
      from = match.end;
    }
  }
}

// A million bytes and a token of a thousand that nearly matches everywhere.
TEST(AddedTokenMatcher, LinearTime) {
  token::AddedTokenMatcher matcher;
  matcher.add(std::string(5000, 'a') + "b", 0);
  matcher.add("ab", 1);
  matcher.build();
  const std::string text = std::string(1000000, 'a') + "b";
  token::AddedTokenMatcher::Match match;
  ASSERT_TRUE(matcher.find(text, 0, match));
  EXPECT_EQ(match.begin, 1000000u - 5000);
  EXPECT_EQ(match.index, 0u);
}

// Normal forms are Unicode 9's: what came later stays as it is.
TEST(NormalForm, LateCharactersStay) {
  EXPECT_EQ(token::hf_nfc("e\u0301"), "\u00e9");
  EXPECT_EQ(token::hf_nfc("a\u0897\u0323e\u0301"), "a\u0897\u0323\u00e9");  // U+0897 came with 16
  EXPECT_EQ(token::hf_nfc("a\u08d3\u0301"), "a\u08d3\u0301");              // U+08D3 with 11: no mark, so it stands between
  EXPECT_EQ(token::hf_nfc("a\xFF\u0301e\u0301"), "a\xFF\u0301\u00e9");
}

TEST(Grapheme, Clusters) {
  EXPECT_EQ(token::grapheme_end("e\u0301x", 0), 3u);
  EXPECT_EQ(token::grapheme_end("\r\nx", 0), 2u);
  EXPECT_EQ(token::grapheme_end("\u1100\u1161\u11a8x", 0), 9u);
  EXPECT_EQ(token::grapheme_end("\U0001F1E8\U0001F1F3\U0001F1E8\U0001F1F3", 0), 8u);
  EXPECT_EQ(token::grapheme_end("\U0001F468\u200d\U0001F469x", 0), 11u);
}

}  // namespace
}  // namespace athanor
