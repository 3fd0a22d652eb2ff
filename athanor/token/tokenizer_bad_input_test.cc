// Broken and hostile tokenizer files: an Error(kInput) that names the field, never a crash or another exception.
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/token/tokenizer.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

std::string fixture(const std::string& name) {
  return read_file(fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/token" / name);
}

void expect_refused(const std::string& text, const std::string& word) {
  try {
    Tokenizer::from_json(text, "here.json");
    FAIL() << "accepted; wanted a complaint about " << word;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput) << error.what();
    EXPECT_EQ(error.where(), "here.json") << error.what();
    EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what() << "\nwanted: " << word;
  }
}

TEST(BadTokenizer, NotJson) {
  expect_refused("", "JSON");
  expect_refused("{", "JSON");
  expect_refused("[]", "object");
  expect_refused("\xFF\xFE", "JSON");
  expect_refused("{\"a\": \"\\ud800\"}", "JSON");
  expect_refused(std::string(1000000, '['), "nested");
  expect_refused("{\"a\":" + std::string(1000000, '{'), "nested");
  expect_refused("{}", "'model' is missing");
}

struct Case {
  const char* name;
  std::function<void(Json&)> change;
  const char* word;
};

TEST(BadTokenizer, EachFieldIsNamed) {
  const Case cases[] = {
      {"no model", [](Json& j) { j.erase("model"); }, "'model' is missing"},
      {"model list", [](Json& j) { j["model"] = Json::array(); }, "'model' must be an object"},
      {"model type", [](Json& j) { j["model"]["type"] = "Markov"; }, "'model.type'"},
      {"model type number", [](Json& j) { j["model"]["type"] = 3; }, "'model.type' must be a string"},
      {"model type null", [](Json& j) { j["model"]["type"] = nullptr; j["model"].erase("merges"); },
       "'model.type' must be a string"},
      {"no vocab", [](Json& j) { j["model"].erase("vocab"); }, "'model.vocab' is missing"},
      {"vocab list", [](Json& j) { j["model"]["vocab"] = {1, 2}; }, "'model.vocab' must be an object"},
      {"id text", [](Json& j) { j["model"]["vocab"]["a"] = "7"; }, "model.vocab.\"a\"' must be an integer"},
      {"id fraction", [](Json& j) { j["model"]["vocab"]["a"] = 7.5; }, "must be an integer"},
      {"id negative", [](Json& j) { j["model"]["vocab"]["a"] = -1; }, "must be an integer from 0"},
      {"id huge", [](Json& j) { j["model"]["vocab"]["a"] = 2000000000; }, "must be an integer from 0"},
      {"id enormous", [](Json& j) { j["model"]["vocab"]["a"] = 18446744073709551615u; }, "must be an integer from 0"},
      {"id twice", [](Json& j) { j["model"]["vocab"]["qqq"] = 5; }, "has the id of another token"},
      {"no byte", [](Json& j) { j["model"]["vocab"].erase("Ġ"); }, "lacks the byte 32"},
      {"no merges", [](Json& j) { j["model"].erase("merges"); }, "'model.merges' is missing"},
      {"merges object", [](Json& j) { j["model"]["merges"] = Json::object(); }, "'model.merges' must be a list"},
      {"merge number", [](Json& j) { j["model"]["merges"][3] = 1; }, "'model.merges[3]'"},
      {"merge one", [](Json& j) { j["model"]["merges"][3] = {"a"}; }, "'model.merges[3]' must hold two"},
      {"merge no space", [](Json& j) { j["model"]["merges"][0] = "ab"; }, "'model.merges[0]' must be two tokens"},
      {"merge three", [](Json& j) { j["model"]["merges"][0] = "a b c"; }, "'model.merges[0]' must be two tokens"},
      {"merge unknown", [](Json& j) { j["model"]["merges"][0] = {"zzz", "a"}; }, "needs the token \"zzz\""},
      {"merge result", [](Json& j) { j["model"]["merges"][0] = {"a", "Ġ"}; }, "needs the token \"aĠ\""},
      {"dropout", [](Json& j) { j["model"]["dropout"] = 0.1; }, "'model.dropout'"},
      {"ignore_merges", [](Json& j) { j["model"]["ignore_merges"] = "yes"; }, "'model.ignore_merges' must be true"},
      {"normalizer", [](Json& j) { j["normalizer"] = {{"type", "Uppercase"}}; }, "'normalizer.type' is \"Uppercase\""},
      {"normalizer field", [](Json& j) { j["normalizer"] = {{"type", "NFC"}, {"fast", true}}; }, "'normalizer.fast'"},
      {"bert field", [](Json& j) { j["normalizer"] = {{"type", "BertNormalizer"}}; }, "'normalizer.clean_text' is missing"},
      {"normalizers", [](Json& j) { j["normalizer"] = Json::parse(R"({"type":"Sequence","normalizers":[{"type":"Replace"}]})"); },
       "'normalizer.normalizers[0].content'"},
      {"charsmap", [](Json& j) { j["normalizer"] = {{"type", "Precompiled"}, {"precompiled_charsmap", "AAAA!"}}; },
       "'normalizer.precompiled_charsmap' is not base64"},
      {"charsmap size", [](Json& j) { j["normalizer"] = {{"type", "Precompiled"}, {"precompiled_charsmap", "/////w=="}}; },
       "holds no character map"},
      {"pre type", [](Json& j) { j["pre_tokenizer"]["type"] = "Sentences"; }, "'pre_tokenizer.type' is \"Sentences\""},
      {"pre field", [](Json& j) { j["pre_tokenizer"]["speed"] = 1; }, "'pre_tokenizer.speed'"},
      {"scheme", [](Json& j) {
         j["pre_tokenizer"] = Json::parse(R"({"type":"Metaspace","replacement":"_","prepend_scheme":"last"})");
       }, "'pre_tokenizer.prepend_scheme'"},
      {"mark", [](Json& j) { j["pre_tokenizer"] = Json::parse(R"({"type":"Metaspace","replacement":"__"})"); },
       "'pre_tokenizer.replacement' must be one character"},
      {"metaspace behind", [](Json& j) {
         j["pre_tokenizer"] = Json::parse(R"({"type":"Sequence","pretokenizers":[
           {"type":"ByteLevel","add_prefix_space":false},{"type":"Metaspace","replacement":"_"}]})");
       }, "after \"ByteLevel\""},
      {"regex", [](Json& j) {
         j["pre_tokenizer"] = Json::parse(R"({"type":"Split","behavior":"Isolated","invert":false,"pattern":{"Regex":"(a)\\1"}})");
       }, "'pre_tokenizer.pattern.Regex' holds \\1"},
      {"behavior", [](Json& j) {
         j["pre_tokenizer"] = Json::parse(R"({"type":"Split","behavior":"Dropped","invert":false,"pattern":{"Regex":"a"}})");
       }, "'pre_tokenizer.behavior'"},
      {"two ByteLevels", [](Json& j) {
         j["pre_tokenizer"] = Json::parse(R"({"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},{"type":"ByteLevel"}]})");
       }, "second \"ByteLevel\""},
      {"decoder", [](Json& j) { j["decoder"] = {{"type", "Subword"}}; }, "'decoder.type'"},
      {"decoder field", [](Json& j) { j["decoder"] = {{"type", "WordPiece"}, {"prefix", "##"}}; }, "'decoder.cleanup'"},
      {"post", [](Json& j) { j["post_processor"] = {{"type", "Chat"}}; }, "'post_processor.type'"},
      {"template token", [](Json& j) {
         j["post_processor"] = Json::parse(R"({"type":"TemplateProcessing","special_tokens":{},"pair":[],
           "single":[{"SpecialToken":{"id":"[X]","type_id":0}}]})");
       }, "'post_processor.single[0].SpecialToken.id' is \"[X]\""},
      {"template text", [](Json& j) {
         j["post_processor"] = Json::parse(R"({"type":"TemplateProcessing","special_tokens":{},"pair":[],
           "single":[{"Sequence":{"id":"B","type_id":0}}]})");
       }, "'post_processor.single[0].Sequence.id' is \"B\""},
      {"truncation", [](Json& j) { j["truncation"] = {{"max_length", -1}}; }, "'truncation.max_length'"},
      {"padding", [](Json& j) { j["padding"] = {{"strategy", "Longest"}}; }, "'padding.strategy'"},
      {"added", [](Json& j) { j["added_tokens"] = 3; }, "'added_tokens' must be a list"},
      {"added id", [](Json& j) { j["added_tokens"][0]["id"] = -4; }, "'added_tokens[0].id'"},
      {"added huge", [](Json& j) { j["added_tokens"][0]["id"] = 1 << 30; }, "'added_tokens[0].id'"},
      {"added other id", [](Json& j) { j["added_tokens"][0]["id"] = 700; }, "'added_tokens[0].id' is 700"},
      {"added taken", [](Json& j) { j["added_tokens"][0]["content"] = "<new>"; }, "is the id of another token"},
      {"added content", [](Json& j) { j["added_tokens"][0].erase("content"); }, "'added_tokens[0].content' is missing"},
  };
  const Json good = Json::parse(fixture("gpt2_600.json"));
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Json bad = good;
    c.change(bad);
    expect_refused(bad.dump(), c.word);
  }
  Json chars = Json::parse(fixture("chars.json"));
  chars["model"]["unk_token"] = "missing";
  expect_refused(chars.dump(), "'model.unk_token' is not in the vocabulary");
}

TEST(BadTokenizer, TruncatedAndMutatedFilesNeverCrash) {
  Rng rng(11);
  for (const char* name : {"chars.json", "llama3_600.json"}) {
    const std::string good = fixture(name);
    for (int round = 0; round < 400; ++round) {
      std::string text = good;
      if (round % 4 == 0) {
        text.resize(rng.below(text.size()));
      }
      for (uint64_t i = rng.below(4); i > 0 && !text.empty(); --i) {
        text[rng.below(text.size())] = "0129\"{}[],:a \\-\xC4"[rng.below(16)];
      }
      try {
        const Tokenizer tokenizer = Tokenizer::from_json(text, name);
        std::vector<int32_t> ids;
        tokenizer.encode("Some text, 123 here's\n\n 你好 \xFF", ids);
        tokenizer.decode(ids);
        tokenizer.to_json();
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::kInput) << error.what();
      }
    }
  }
}

// The files of every type that the fuzz target begins with.
TEST(BadTokenizer, MutatedPipelinesNeverCrash) {
  Rng rng(13);
  for (const auto& entry : fs::directory_iterator(fs::path(ATHANOR_SOURCE_DIR) / "fuzz/corpus/tokenizer_json")) {
    const std::string good = read_file(entry.path());
    for (int round = 0; round < 150; ++round) {
      std::string text = good;
      for (uint64_t i = rng.below(4); i > 0 && !text.empty(); --i) {
        text[rng.below(text.size())] = "0129\"{}[],:a \\-\xC4+*?("[rng.below(20)];
      }
      try {
        const Tokenizer tokenizer = Tokenizer::from_json(text, "mutated");
        const std::string_view sample = "Some text, 123 here's\n\n 你好 \xFF <s>  e\u0301";
        std::vector<int32_t> ids;
        tokenizer.encode(sample, AddedTokens::kAll, ids);
        tokenizer.decode(ids);
        const std::string saved = tokenizer.to_json();
        EXPECT_EQ(Tokenizer::from_json(saved, "saved").to_json(), saved);
        tokenizer.encode_full(sample, "and more");
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::kInput) << error.what();
      }
    }
  }
}

TEST(BadTokenizer, Gpt2PairAndFolders) {
  EXPECT_THROW(Tokenizer::from_gpt2("[]", "", "pair"), Error);
  EXPECT_THROW(Tokenizer::from_gpt2("{}", "", "pair"), Error);
  EXPECT_THROW(Tokenizer::from_gpt2("{\"a\": 0}", "a", "pair"), Error);
  EXPECT_THROW(Tokenizer::from_gpt2("{\"a\": 0}", "\xFF a", "pair"), Error);
  EXPECT_THROW(Tokenizer::load("/nowhere/at/all"), Error);
  EXPECT_THROW(Tokenizer::load("/"), Error);
}

}  // namespace
}  // namespace athanor
