// Pipelines of known shape against the general chain: the same tokenizer, once as it is and once with its
// pre-tokenizer wrapped so that no shape is known.
#include "athanor/token/pipeline/text_encoder.h"

#include <gtest/gtest.h>

#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"
#include "athanor/token/pipeline/bert_text.h"
#include "athanor/token/split/metaspace.h"
#include "athanor/token/tokenizer.h"

namespace athanor::token {
namespace {

const char32_t kAlphabet[] = {U'a', U'B',  U'c', U' ',    U' ',   U'\n',  U'.',     U'\'',    U'>',     0x2581,  0xE9,
                              0x4E00, 0x3042, 0x300, 0x301, 0x327, 0x302E, 0x1D165, 0x3000, 0x85,  0x7F,    0x1B,
                              0xAC01, 0xFFFD, 0xF900, 0xE000, 0x130,  U'Z',  0x345,   0x1F600, 0x20000, 0xD7FF};

std::string random_text(Rng& rng, size_t max_size) {
  std::string text;
  for (size_t left = rng.below(max_size + 1); left > 0; --left) {
    if (rng.below(60) == 0) {
      text += static_cast<char>(0x80 + rng.below(128));  // ill-formed
    } else {
      append_utf8(text, kAlphabet[rng.below(rng.below(2) == 0 ? 9 : std::size(kAlphabet))]);
    }
  }
  return text;
}

// The same tokenizer without a known shape: a step that does nothing stands before its pre-tokenizer's.
Json without_shape(Json json) {
  const Json nothing = {{"type", "Split"}, {"pattern", {{"String", "\x01nowhere\x01"}}}, {"behavior", "Isolated"},
                        {"invert", false}};
  Json steps = Json::array({nothing});
  if (!json["pre_tokenizer"].is_null()) {
    steps.push_back(json["pre_tokenizer"]);
  }
  json["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", steps}};
  return json;
}

Json frame(const Json& normalizer, const Json& pre_tokenizer, const Json& model) {
  return {{"added_tokens", Json::array()}, {"normalizer", normalizer}, {"pre_tokenizer", pre_tokenizer},
          {"decoder", nullptr},            {"post_processor", nullptr}, {"model", model}};
}

void expect_same(const Json& json) {
  const Tokenizer fast = Tokenizer::from_json(json.dump(), "fast");
  const Tokenizer slow = Tokenizer::from_json(without_shape(json).dump(), "slow");
  Rng rng(1);
  for (int i = 0; i < 1500; ++i) {
    const std::string text = random_text(rng, i % 100 == 0 ? 20000 : 40);
    std::vector<int32_t> ids, wanted;
    fast.encode(text, ids);
    slow.encode(text, wanted);
    ASSERT_EQ(ids, wanted) << json["normalizer"] << json["pre_tokenizer"] << "\n" << repair_utf8(text);
  }
}

Json word_piece() {
  Json vocab = {{"[UNK]", 0}};
  for (const char* token : {"a", "b", "c", "##a", "##b", "##c", "ab", "##bc", ".", "'", "一", "あ", "e", "é", "é", "z",
                            "##e", "##z", "i", "가", "▁", "豈", "Z", "B", "##B", "##Z"}) {
    if (!vocab.contains(token)) {
      vocab[token] = vocab.size();
    }
  }
  return {{"type", "WordPiece"}, {"vocab", vocab}, {"unk_token", "[UNK]"}, {"continuing_subword_prefix", "##"},
          {"max_input_chars_per_word", 100}};
}

TEST(TextEncoder, Bert) {
  for (int flags = 0; flags < 24; ++flags) {
    const Json strip = flags / 8 == 0 ? Json() : Json(flags / 8 == 1);
    expect_same(frame({{"type", "BertNormalizer"}, {"clean_text", (flags & 1) != 0},
                       {"handle_chinese_chars", (flags & 2) != 0}, {"strip_accents", strip},
                       {"lowercase", (flags & 4) != 0}},
                      {{"type", "BertPreTokenizer"}}, word_piece()));
  }
}

Json unigram() {
  Json vocab = Json::array({Json::array({"<unk>", 0.0})});
  double score = -1;
  for (const char* token : {"▁", "a", "B", "c", "▁a", "▁▁", "aB", "▁aB", ".", ">", "▁一", "一", "c>", "\n", "▁>", "a▁c"}) {
    vocab.push_back(Json::array({token, score}));
    score -= 0.37;
  }
  return {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", vocab}, {"byte_fallback", false}};
}

TEST(TextEncoder, Metaspace) {
  const Json split = {{"type", "WhitespaceSplit"}};
  for (const char* scheme : {"always", "first", "never"}) {
    const Json metaspace = {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", scheme}, {"split", true}};
    expect_same(frame(nullptr, metaspace, unigram()));
    expect_same(frame({{"type", "NFKC"}}, metaspace, unigram()));
    expect_same(frame(nullptr, {{"type", "Sequence"}, {"pretokenizers", Json::array({split, metaspace})}}, unigram()));
  }
}

Json bpe(const std::vector<std::pair<std::string, std::string>>& merges) {
  Json vocab = {{"<unk>", 0}};
  for (const char* token : {"▁", "a", "B", "c", ">", "\n", "一"}) {
    vocab[token] = vocab.size();
  }
  for (const auto& [left, right] : merges) {
    if (!vocab.contains(left + right)) {
      vocab[left + right] = vocab.size();
    }
  }
  return {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}, {"unk_token", "<unk>"}, {"fuse_unk", true}};
}

TEST(TextEncoder, WholeTextsWithMarkers) {
  const Json replace = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}};
  const Json prepend = {{"type", "Prepend"}, {"prepend", "▁"}};
  const Json both = {{"type", "Sequence"}, {"normalizers", Json::array({prepend, replace})}};
  const std::vector<std::vector<std::pair<std::string, std::string>>> rules = {
      {{"▁", "a"}, {"▁", "▁"}, {"▁▁", "▁"}, {"a", "B"}, {"▁▁", "a"}, {"▁a", "B"}},  // no token crosses a marker
      {{">", "▁"}, {"▁", "▁"}, {">▁", "a"}, {"a", "B"}, {"▁", "a"}},                // after '>'
      {{"\n", "▁"}, {"▁", "▁"}, {">", "▁▁"}, {"a", "B"}, {"▁", "a"}},               // after signs
      {{"a", "▁"}, {"▁", "B"}, {"a▁", "B"}}};                                         // after letters: no cut
  for (const auto& merges : rules) {
    expect_same(frame(replace, nullptr, bpe(merges)));
    expect_same(frame(both, nullptr, bpe(merges)));
    for (const char* scheme : {"always", "first", "never"}) {
      expect_same(frame(nullptr, {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", scheme},
                                  {"split", false}}, bpe(merges)));
    }
  }
}

TEST(TextEncoder, CutsAreProvenAtLoad) {
  const auto scan_of = [](const std::vector<std::pair<std::string, std::string>>& merges) {
    const Json json = bpe(merges);
    const std::string where = "here";
    Vocabulary vocabulary;
    const std::unique_ptr<TokenModel> model = make_model(Field(json, "model", where), false, vocabulary);
    return scan_within_tokens(*model, vocabulary);
  };
  EXPECT_EQ(scan_of({{"▁", "a"}, {"▁", "▁"}}), &scan_marker_runs);
  EXPECT_EQ(scan_of({{">", "▁"}}), &scan_runs_not_after_angle);
  EXPECT_EQ(scan_of({{"\n", "▁"}}), &scan_runs_after_words);
  EXPECT_EQ(scan_of({{"a", "▁"}}), nullptr);
  EXPECT_EQ(scan_of({{"一", "▁"}}), nullptr);
}

TEST(TextEncoder, MarkersSpansAreOfThePieceAsItStands) {
  const Json json = unigram();
  const std::string where = "here";
  Vocabulary vocabulary;
  const std::unique_ptr<TokenModel> model = make_model(Field(json, "model", where), false, vocabulary);
  Workspace work;
  const auto spans_of = [&](Marking marking, std::string_view piece) {
    std::vector<int32_t> ids;
    std::vector<Span> spans;
    MarkerModel(*model, marking).encode_spans(piece, work, ids, spans);
    return spans;
  };
  EXPECT_EQ(spans_of(Marking::kSpaces, " aB"), (std::vector<Span>{{0, 3}}));
  EXPECT_EQ(spans_of(Marking::kSpaces, "\xE2\x96\x81" "aB"), (std::vector<Span>{{0, 5}}));
  EXPECT_EQ(spans_of(Marking::kSpaces, "  ."), (std::vector<Span>{{0, 1}, {1, 2}, {2, 3}}));  // two singles score higher
  EXPECT_EQ(spans_of(Marking::kWords, "aB"), (std::vector<Span>{{0, 2}}));
  EXPECT_EQ(spans_of(Marking::kWords, "\n aB"), (std::vector<Span>{{1, 4}}));
}

TEST(TextEncoder, SamplingIsAFunctionOfSeedAndDocument) {
  const Json merges = bpe({{"▁", "a"}, {"a", "B"}, {"▁a", "B"}});
  const Json metaspace = {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "always"}, {"split", true}};
  const std::string text = "aB aBc aB. aB aB aB aBa";
  for (const Json& model : {unigram(), merges}) {
    const Tokenizer tokenizer = Tokenizer::from_json(frame(nullptr, metaspace, model).dump(), "sampled");
    const Sampling sampling{.dropout = 0.5, .alpha = 0.1};
    const auto drawn = [&](const Sampling& how, uint64_t seed, uint64_t document) {
      std::vector<int32_t> ids;
      tokenizer.encode_sampled(text, AddedTokens::kOrdinary, how, seed, document, ids);
      return ids;
    };
    std::vector<int32_t> plain;
    tokenizer.encode(text, plain);
    EXPECT_EQ(drawn({}, 1, 1), plain);
    EXPECT_EQ(drawn(sampling, 1, 1), drawn(sampling, 1, 1));
    EXPECT_NE(drawn(sampling, 1, 1), drawn(sampling, 1, 2));
    EXPECT_NE(drawn(sampling, 1, 1), drawn(sampling, 2, 1));
  }
}

}  // namespace
}  // namespace athanor::token
