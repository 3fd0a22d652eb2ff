// Foreign tokenizer files: the Json they become, round trips through the writers, and what cannot be said. Ids are
// those of the files' own libraries (tests/parity/make_token_file_fixtures.py).
#include "athanor/token/file/formats.h"

#include <gtest/gtest.h>
#include <functional>

#include <nlohmann/json.hpp>

#include "athanor/base/rng.h"
#include "athanor/data/containers/gguf.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/data/testing/test_tar.h"
#include "athanor/base/base64.h"
#include "athanor/token/file/frame.h"
#include "athanor/token/file/sentencepiece_model.h"
#include "athanor/token/file/splits.h"
#include "athanor/token/file/wire.h"
#include "athanor/token/tokenizer.h"

namespace athanor::token {
namespace {

const fs::path kFolder = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/token";
const fs::path kFiles = kFolder / "files";

std::string bytes_of(const std::string& name) { return read_file(kFiles / name); }

std::string what_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void expect_has(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(Base64, RoundTripAndRefusal) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    bytes += static_cast<char>(i * 7);
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
  }
  EXPECT_EQ(to_base64("Man"), "TWFu");
  EXPECT_EQ(to_base64("M"), "TQ==");
  for (const char* bad : {"TWF", "TW=u", "T===", "TWF!", "====", " WFu"}) {
    EXPECT_FALSE(from_base64(bad)) << bad;
  }
}

TEST(SentencePiece, WhatTheFileSays) {
  const SentencePieceModel model = parse_sentencepiece(bytes_of("unigram_user.model"), "x.model");
  EXPECT_EQ(model.kind, SentencePieceModel::Kind::kUnigram);
  EXPECT_EQ(model.pieces[0].text, "<unk>");
  EXPECT_EQ(model.pieces[0].type, PieceType::kUnknown);
  EXPECT_EQ(model.pieces[3].text, "<sep>");
  EXPECT_EQ(model.pieces[3].type, PieceType::kUserDefined);
  EXPECT_FALSE(model.charsmap.empty());
  EXPECT_TRUE(model.add_dummy_prefix);
  const SentencePieceModel bytes = parse_sentencepiece(bytes_of("bpe_bytes.model"), "x.model");
  EXPECT_TRUE(bytes.byte_fallback);
  EXPECT_FALSE(bytes.remove_extra_whitespaces);
  EXPECT_EQ(bytes.pieces[3].text, "<0x00>");
  EXPECT_EQ(bytes.pieces[3].type, PieceType::kByte);
}

TEST(SentencePiece, WrittenAgainItIsTheSameModel) {
  for (const char* name : {"unigram", "unigram_bytes", "unigram_user", "bpe_bytes", "bpe_user", "bpe", "char", "word"}) {
    const std::string file = bytes_of(std::string(name) + ".model");
    const SentencePieceModel a = parse_sentencepiece(file, name);
    const Json json = read_sentencepiece(file, name);
    const SentencePieceModel b = parse_sentencepiece(write_sentencepiece_model(json, name), name);
    ASSERT_EQ(a.pieces.size(), b.pieces.size()) << name;
    for (size_t id = 0; id < a.pieces.size(); ++id) {
      EXPECT_EQ(a.pieces[id].text, b.pieces[id].text) << name << " " << id;
      EXPECT_EQ(a.pieces[id].type, b.pieces[id].type) << name << " " << a.pieces[id].text;
      if (a.kind == SentencePieceModel::Kind::kUnigram) {
        EXPECT_EQ(a.pieces[id].score, b.pieces[id].score) << name << " " << id;
      }
    }
    EXPECT_EQ(a.kind, b.kind) << name;
    EXPECT_EQ(a.charsmap, b.charsmap) << name;
    EXPECT_EQ(a.add_dummy_prefix, b.add_dummy_prefix) << name;
    EXPECT_EQ(a.remove_extra_whitespaces, b.remove_extra_whitespaces) << name;
    EXPECT_EQ(a.escape_whitespaces, b.escape_whitespaces) << name;
    EXPECT_EQ(a.byte_fallback, b.byte_fallback) << name;
    EXPECT_EQ(a.unk_id, b.unk_id) << name;
    EXPECT_EQ(a.bos_id, b.bos_id) << name;
    EXPECT_EQ(a.eos_id, b.eos_id) << name;
    EXPECT_EQ(a.pad_id, b.pad_id) << name;
    EXPECT_EQ(write_sentencepiece(b), write_sentencepiece(parse_sentencepiece(write_sentencepiece(b), name)));
    EXPECT_EQ(read_sentencepiece(write_sentencepiece_model(json, name), name), json) << name;
  }
}

std::string piece(const std::string& text, float score, int type) {
  std::string part, out;
  put_bytes(part, 1, text);
  put_float(part, 2, score);
  put_integer(part, 3, type);
  put_bytes(out, 1, part);
  return out;
}

TEST(SentencePiece, FilesThatLie) {
  const auto what = [](const std::string& bytes) { return what_of([&] { read_sentencepiece(bytes, "x.model"); }); };
  const std::string unk = piece("<unk>", 0, 2);
  expect_has(what(""), "'pieces' holds 0 pieces");
  expect_has(what(piece("a", 0, 1)), "0 of type UNKNOWN");
  expect_has(what(unk + unk), "'pieces[1]' is \"<unk>\", which stands there twice");
  expect_has(what(unk + piece("", 0, 1)), "'pieces[1]' has no text");
  expect_has(what(unk + piece("\xFF", 0, 1)), "'piece' that is not UTF-8");
  expect_has(what(unk + piece("a", std::numeric_limits<float>::quiet_NaN(), 1)), "not a finite number");
  expect_has(what(unk + piece("a", 0, 9)), "unknown 'type' 9");
  expect_has(what(unk + "\x0A\x7F"), "claims 127 bytes where 0 are left (at byte " + std::to_string(unk.size() + 2));
  expect_has(what(unk + "\x0A"), "ends inside a number");
  expect_has(what(unk + std::string(11, '\xFF')), "more than 64 bits");
  expect_has(what(unk + "\x0B"), "wire type 3");
  std::string trainer, suffix = unk;
  put_integer(trainer, 24, 1);
  put_bytes(suffix, 2, trainer);
  expect_has(what(suffix), "trainer_spec.treat_whitespace_as_suffix");
  std::string bpe, unused = unk + piece("a", 0, 5);
  put_integer(bpe, 3, 2);
  put_bytes(unused, 2, bpe);
  expect_has(what(unused), "'pieces[1]' is of type UNUSED");
}

TEST(Writers, SayWhichFieldTheyCannotExpress) {
  const Json llama = parse_json(read_file(kFolder / "llama3_600.json"), "x");
  const auto model = [](const Json& json) { return what_of([&] { write_sentencepiece_model(json, "x"); }); };
  expect_has(model(llama), "'pre_tokenizer.type'");
  Json unigram = read_sentencepiece(bytes_of("unigram.model"), "x");
  unigram["normalizer"]["normalizers"].push_back({{"type", "NFKC"}});
  expect_has(model(unigram), "'normalizer.type' is \"NFKC\" after what SentencePiece does last");
  unigram["normalizer"] = {{"type", "BertNormalizer"}};
  expect_has(model(unigram), "'normalizer.type' is {\"type\":\"BertNormalizer\"}");
  Json flagged = read_sentencepiece(bytes_of("unigram.model"), "x");
  flagged["added_tokens"][0]["lstrip"] = true;
  expect_has(model(flagged), "'added_tokens.lstrip' is true for \"<unk>\"");
  const auto gguf = [](const Json& json) { return what_of([&] { write_gguf_vocabulary(json, {}, "x"); }); };
  expect_has(gguf(read_sentencepiece(bytes_of("word.model"), "x")), "'model.type' is \"WordLevel\"");
  expect_has(gguf(read_sentencepiece(bytes_of("unigram_bytes.model"), "x")), "'model.byte_fallback'");
  expect_has(gguf(read_sentencepiece(bytes_of("bpe.model"), "x")), "'normalizer'");
  expect_has(gguf(read_sentencepiece(bytes_of("unigram_user.model"), "x")), "'pre_tokenizer'");
  expect_has(what_of([&] { write_tiktoken(unigram, "x"); }), "'model.type'");
  expect_has(what_of([&] { write_vocab_txt(unigram, "x"); }), "'model.type' is \"Unigram\"");
  expect_has(what_of([&] { write_gpt2(llama, "x"); }), "'pre_tokenizer' is not GPT-2's");
  expect_has(what_of([&] { write_any(llama, {}, "x.bin", "x"); }), "which format");
}

TEST(Tiktoken, ReadWriteAndFamilies) {
  const std::string file = bytes_of("ranks.tiktoken");
  const Json json = read_tiktoken(file, "cl100k_base.tiktoken");
  EXPECT_EQ(json["model"]["ignore_merges"], true);
  EXPECT_EQ(json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"], split_family_by_name("cl100k")->regexes[0]);
  EXPECT_TRUE(json["added_tokens"].empty());  // not the published file: its special tokens are not cl100k's
  EXPECT_EQ(write_tiktoken(json, "x"), file);
  const Json named = read_tiktoken(file, "x", "llama3", {{"<|end|>", 700}});
  EXPECT_EQ(named["added_tokens"].size(), 1u);
  EXPECT_EQ(named["added_tokens"][0]["id"], 700);
  expect_has(what_of([&] { read_tiktoken(file, "x"); }), "does not say how text is cut");
  expect_has(what_of([&] { read_tiktoken(file, "x", "nothing"); }), "no family 'nothing'");
  const auto what = [](const std::string& text) { return what_of([&] { read_tiktoken(text, "x", "r50k"); }); };
  expect_has(what("QQ== 0\n!!!! 1\n"), "x:2: the token is not base64");
  expect_has(what("QQ==\n"), "not base64");
  expect_has(what("QQ== x\n"), "the rank is not a number");
  expect_has(what("QQ== 99999999999\n"), "the rank is not a number");
  expect_has(what("QQ== 1000000\n"), "far beyond");
  expect_has(what("QQ== 0\nQg== 0\n"), "stands there twice");
  expect_has(what("QQ== 0\nQQ== 1\n"), "rank 1 stands there twice");
  expect_has(what("QQ== 0\n"), "the byte 0 is no token");
  expect_has(what(file + to_base64(std::string(2000, 'a')) + " 600\n"), "a piece has 2000 bytes");
}

TEST(VocabTxt, ReadsWritesAndGuesses) {
  const std::string file = bytes_of("vocab.txt");
  const Json json = read_vocab_txt(file, {}, "vocab.txt");
  EXPECT_EQ(write_vocab_txt(json, "x"), file);
  EXPECT_EQ(json["normalizer"]["lowercase"], true);
  EXPECT_EQ(json["added_tokens"].size(), 5u);
  EXPECT_EQ(json["post_processor"]["pair"].size(), 5u);
  TokenizerConfig config;
  config.do_lower_case = false;
  config.strip_accents = true;
  config.tokenize_chinese_chars = false;
  const Json cased = read_vocab_txt(file, config, "vocab.txt");
  EXPECT_EQ(cased["normalizer"]["lowercase"], false);
  EXPECT_EQ(cased["normalizer"]["strip_accents"], true);
  EXPECT_EQ(cased["normalizer"]["handle_chinese_chars"], false);
  EXPECT_EQ(read_vocab_txt("[UNK]\nThe\n", {}, "x")["normalizer"]["lowercase"], false);  // capitals: cased
  expect_has(what_of([] { read_vocab_txt("a\nb\n", {}, "x"); }), "has no line \"[UNK]\"");
  expect_has(what_of([] { read_vocab_txt("a\na\n", {}, "x"); }), "x:2: the token \"a\" stands there twice");
  expect_has(what_of([] { read_vocab_txt("\xFF\n", {}, "x"); }), "not UTF-8");
}

TEST(Gpt2, ReadsAndWrites) {
  const Json json = read_gpt2(R"({"a": 0, "b": 1, "ab": 2, "<|endoftext|>": 3})", "#version: 0.2\na b\n", "x");
  EXPECT_EQ(json["added_tokens"][0]["id"], 3);
  const Gpt2Files files = write_gpt2(json, "x");
  EXPECT_EQ(read_gpt2(files.vocab_json, files.merges_txt, "x"), json);
  expect_has(what_of([] { read_gpt2(R"({"a": -1})", "", "x"); }), "'vocab.a' must be an integer");
  expect_has(what_of([] { read_gpt2("[]", "", "x"); }), "'vocab' must be an object");
}

Json gguf_json(const std::string& name) { return read_gguf_vocabulary(GgufFile::open(kFiles / name)); }

TEST(GgufVocabulary, SaysTheSameAsTheOtherFiles) {
  const Json bert = gguf_json("bert.gguf");
  EXPECT_EQ(bert["model"], read_vocab_txt(bytes_of("vocab.txt"), {}, "x")["model"]);
  const Json bpe = gguf_json("bpe_bytes.gguf");
  EXPECT_EQ(bpe, read_sentencepiece(bytes_of("bpe_bytes.model"), "x"));
  const Json unigram = gguf_json("unigram.gguf");
  EXPECT_EQ(unigram, read_sentencepiece(bytes_of("unigram.model"), "x"));
  const Json llama = gguf_json("llama_bpe.gguf");
  EXPECT_EQ(llama["model"]["ignore_merges"], true);
  EXPECT_EQ(llama["added_tokens"].size(), 3u);
  EXPECT_EQ(llama["added_tokens"][1]["special"], false);
  EXPECT_EQ(llama["post_processor"]["single"][0]["SpecialToken"]["id"], "<|begin|>");
  EXPECT_EQ(gguf_config(GgufFile::open(kFiles / "llama_bpe.gguf")).chat_template, "{{ messages }}");
}

TEST(GgufVocabulary, WrittenAndReadAgain) {
  for (const char* name : {"bert.gguf", "bpe_bytes.gguf", "unigram.gguf", "llama_bpe.gguf"}) {
    const Json json = gguf_json(name);
    const TokenizerConfig config = gguf_config(GgufFile::open(kFiles / name));
    const std::string bytes = write_gguf_vocabulary(json, config, name);
    const Json again = read_gguf_vocabulary(GgufFile::from_bytes(bytes, name));
    EXPECT_EQ(again["model"], json["model"]) << name;
    EXPECT_EQ(again["added_tokens"], json["added_tokens"]) << name;
    EXPECT_EQ(again["normalizer"], json["normalizer"]) << name;
    EXPECT_EQ(again["pre_tokenizer"], json["pre_tokenizer"]) << name;
    EXPECT_EQ(again["post_processor"], json["post_processor"]) << name;
  }
}

TEST(GgufVocabulary, FilesThatLie) {
  const auto what = [](const std::function<void(GgufWriter&)>& fill) {
    GgufWriter writer;
    fill(writer);
    return what_of([&] { read_gguf_vocabulary(GgufFile::from_bytes(writer.bytes(), "x.gguf")); });
  };
  const std::vector<std::string> tokens{"<unk>", "a"};
  expect_has(what([](GgufWriter&) {}), "'tokenizer.ggml.model' is \"\"");
  expect_has(what([](GgufWriter& w) { w.text("tokenizer.ggml.model", "rwkv"); }), "is \"rwkv\", which is not");
  expect_has(what([](GgufWriter& w) { w.text("tokenizer.ggml.model", "gpt2"); }), "'tokenizer.ggml.tokens' is missing");
  expect_has(what([&](GgufWriter& w) {
               w.text("tokenizer.ggml.model", "gpt2");
               w.text("tokenizer.ggml.pre", "nobody-s");
               w.strings("tokenizer.ggml.tokens", tokens);
             }),
             "'tokenizer.ggml.pre' is \"nobody-s\"");
  expect_has(what([&](GgufWriter& w) {
               w.text("tokenizer.ggml.model", "llama");
               w.strings("tokenizer.ggml.tokens", tokens);
             }),
             "'tokenizer.ggml.scores' must be a list of 2 float32");
  expect_has(what([&](GgufWriter& w) {
               w.text("tokenizer.ggml.model", "gpt2");
               w.strings("tokenizer.ggml.tokens", tokens);
               w.strings("tokenizer.ggml.merges", std::vector<std::string>{"ab"});
             }),
             "'tokenizer.ggml.merges[0]' is not two tokens");
  expect_has(what([&](GgufWriter& w) {
               w.text("tokenizer.ggml.model", "gpt2");
               w.strings("tokenizer.ggml.tokens", tokens);
               w.strings("tokenizer.ggml.merges", std::vector<std::string>{});
               w.uint32("tokenizer.ggml.bos_token_id", 2);
             }),
             "'tokenizer.ggml.bos_token_id' is 2, which is no token");
}

TEST(Config, ReadsWhatStandsBeside) {
  TokenizerConfig config;
  config.read("tokenizer_config.json", R"({"bos_token": "<s>", "eos_token": {"content": "</s>"}, "pad_token": null,
      "model_max_length": 1e30, "add_bos_token": true, "tokenizer_class": "LlamaTokenizer",
      "additional_special_tokens": ["<x>", {"content": "<y>"}],
      "added_tokens_decoder": {"9": {"content": "<x>", "special": true, "rstrip": true}},
      "chat_template": [{"name": "default", "template": "A"}, {"name": "tool_use", "template": "B"}]})", "c");
  config.read("added_tokens.json", R"({"<x>": 9, "<z>": 8})", "a");
  EXPECT_EQ(config.bos_token, "<s>");
  EXPECT_EQ(config.eos_token, "</s>");
  EXPECT_EQ(config.pad_token, "");
  EXPECT_FALSE(config.model_max_length);
  EXPECT_EQ(config.add_bos_token, true);
  EXPECT_EQ(config.extra_special_tokens, (std::vector<std::string>{"<x>", "<y>"}));
  EXPECT_EQ(config.chat_template, "A");
  EXPECT_EQ(config.chat_templates.at("tool_use"), "B");
  ASSERT_EQ(config.added.size(), 2u);
  EXPECT_EQ(config.added[0].content, "<z>");
  EXPECT_TRUE(config.added[1].rstrip);
  Json json = read_vocab_txt("[UNK]\n[CLS]\n[SEP]\na\nb\nc\n<s>\n</s>\n", {}, "x");
  apply_config(config, json, "x");
  const VocabularyView view(json);
  EXPECT_EQ(view.find("<z>"), 8);
  EXPECT_EQ(view.find("<x>"), 9);
  EXPECT_EQ(view.find("<y>"), 10);  // the next free one
  EXPECT_EQ(json["post_processor"]["single"][0]["SpecialToken"]["id"], "<s>");
  EXPECT_EQ(json["post_processor"]["special_tokens"]["<s>"]["ids"][0], 6);
  config.read("chat_template.jinja", "C", "t");
  EXPECT_EQ(config.chat_template, "C");
}

TEST(Config, SaysWhatIsWrong) {
  const auto what = [](const char* text) {
    return what_of([&] { TokenizerConfig().read("tokenizer_config.json", text, "c.json"); });
  };
  expect_has(what("[]"), "is not a JSON object");
  expect_has(what(R"({"bos_token": 3})"), "'bos_token' must be a string");
  expect_has(what(R"({"added_tokens_decoder": {"x": {"content": "a"}}})"), "the key \"x\", which is not an id");
  expect_has(what(R"({"added_tokens_decoder": {"3": {}}})"), "'added_tokens_decoder.3.content' is missing");
  expect_has(what(R"({"add_bos_token": "yes"})"), "'add_bos_token' must be true or false");
  TokenizerConfig config;
  config.added.push_back({1, "<x>", true, false, false, false, false});
  Json json = read_vocab_txt("[UNK]\na\n", {}, "x");
  expect_has(what_of([&] { apply_config(config, json, "x"); }), "the id 1, which is another token's");
  config.added[0] = {7, "a", true, false, false, false, false};
  expect_has(what_of([&] { apply_config(config, json, "x"); }), "the vocabulary has it as 1");
}

TEST(Any, TellsTheFormatByContent) {
  EXPECT_EQ(detect_format(bytes_of("unigram.model")), "sentencepiece");
  EXPECT_EQ(detect_format(bytes_of("bert.gguf")), "gguf");
  EXPECT_EQ(detect_format(bytes_of("ranks.tiktoken")), "tiktoken");
  EXPECT_EQ(detect_format(bytes_of("vocab.txt")), "vocab.txt");
  EXPECT_EQ(detect_format(" \n{\"a\": 1}"), "tokenizer.json");
  EXPECT_EQ(detect_format("some text\n"), "");
  EXPECT_EQ(detect_format(""), "");
}

TEST(Any, PackedFiles) {
  const fs::path folder = scratch("packed");
  write_file_atomic(folder / "spiece.model.gz", gzip(bytes_of("unigram.model")));
  EXPECT_EQ(read_any(folder), read_any(folder / "spiece.model.gz"));
  EXPECT_EQ(read_any(folder)["model"]["vocab"], read_sentencepiece(bytes_of("unigram.model"), "x")["model"]["vocab"]);
  const std::string json = Tokenizer::bytes({"<s>"}).to_json();
  write_file_atomic(folder / "a.json.gz", gzip(json));
  EXPECT_EQ(Json::parse(Tokenizer::load(folder / "a.json.gz").to_json()), Json::parse(json));
  write_file_atomic(folder / "a.json.gz", gzip(json).substr(0, 300));
  expect_has(what_of([&] { Tokenizer::load(folder / "a.json.gz"); }), "truncated");
  write_file_atomic(folder / "empty.json", "");
  expect_has(what_of([&] { Tokenizer::load(folder / "empty.json"); }), "is empty");
}

TEST(Any, AFolderOfT5AndOneThatIsRenumbered) {
  const fs::path folder = scratch("t5");
  write_file_atomic(folder / "spiece.model", bytes_of("unigram.model"));
  const size_t size = parse_sentencepiece(bytes_of("unigram.model"), "x").pieces.size();
  write_file_atomic(folder / "tokenizer_config.json", R"({"tokenizer_class": "T5Tokenizer", "eos_token": "</s>",
      "additional_special_tokens": ["<extra_id_0>", "<extra_id_1>", "<extra_id_2>"]})");
  const Json json = read_any(folder);
  EXPECT_EQ(VocabularyView(json).find("<extra_id_2>"), static_cast<int32_t>(size));  // from the last to the first
  EXPECT_EQ(json["post_processor"]["single"][1]["SpecialToken"]["id"], "</s>");
  write_file_atomic(folder / "tokenizer_config.json", R"({"tokenizer_class": "XLMRobertaTokenizerFast"})");
  expect_has(what_of([&] { read_any(folder); }), "'tokenizer_class'");
  expect_has(what_of([&] { read_any(folder / "spiece.model"); }), "numbers the pieces in its own way");
  fs::remove(folder / "spiece.model");
  expect_has(what_of([&] { read_any(folder); }), "holds no tokenizer");
}

// Every damaged file is an Error or a tokenizer, in bounded time.
TEST(Any, DamageIsAnErrorOrATokenizer) {
  Rng rng(11);
  for (const char* name : {"unigram.model", "bpe_user.model", "bert.gguf", "unigram.gguf", "ranks.tiktoken"}) {
    const std::string whole = bytes_of(name);
    for (int i = 0; i < 150; ++i) {
      std::string bytes = whole;
      for (int edits = 0; edits < 3; ++edits) {
        bytes[rng.below(bytes.size())] = static_cast<char>(rng.below(256));
      }
      bytes.resize(rng.below(4) == 0 ? rng.below(bytes.size()) : bytes.size());
      try {
        const std::string format = detect_format(bytes);
        if (format == "gguf") {
          read_gguf_vocabulary(GgufFile::from_bytes(bytes, "x"));
        } else if (format == "sentencepiece") {
          read_sentencepiece(bytes, "x");
        } else if (format == "tiktoken") {
          read_tiktoken(bytes, "x", "o200k");
        }
      } catch (const Error&) {
      }
    }
  }
}

}  // namespace
}  // namespace athanor::token
