// Foreign tokenizer files. A reader gives the Json of the equivalent Hugging Face tokenizer.json, from which alone a
// Tokenizer is made; a writer takes such a Json and refuses, by the field's name, what its format cannot say.
//
//   Json json = read_sentencepiece(read_file("spiece.model"), "spiece.model");
//   const Tokenizer tokenizer = Tokenizer::from_json(json.dump(), "spiece.model");
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/token/file/json_field.h"
#include "athanor/token/file/tokenizer_config.h"

namespace athanor {
class GgufFile;
}

namespace athanor::token {

inline constexpr uint64_t kMaxTokenizerBytes = uint64_t{1} << 29;

// ---- reading; every one throws Error(kInput) that names the field, the line or the byte

// SentencePiece .model. Ids equal SentencePiece's own, also where transformers' converters lose something (white
// space, control pieces spelt out in the text, user-defined pieces); file/README.md says how and where that ends.
Json read_sentencepiece(std::string_view bytes, const std::string& where);

// tiktoken rank file: lines of base64(token), space, rank. As transformers' TikTokenConverter makes it, with the
// pattern of `family` ("r50k", "p50k", "cl100k", "o200k", "llama3", "qwen2", ...: tiktoken_families()), or, when it
// is empty, of the family guessed from the name of the file or the number of ranks. special: tokens and their ids;
// when empty, those that the family is published with, if the file has that family's number of ranks.
Json read_tiktoken(std::string_view text, const std::string& where, std::string family = "",
                   const std::vector<std::pair<std::string, int32_t>>& special = {});
std::vector<std::string> tiktoken_families();

// BERT's vocab.txt: a token a line, the line number is its id. config: tokenizer_config.json, see bert_options().
Json read_vocab_txt(std::string_view text, const TokenizerConfig& config, const std::string& where);

// GPT-2's pair: {"token": id} and lines "left right".
Json read_gpt2(std::string_view vocab_json, std::string_view merges, const std::string& where);

// The vocabulary in a GGUF file (tokenizer.ggml.*): llama (SentencePiece BPE), gpt2, bert, t5.
Json read_gguf_vocabulary(const GgufFile& file);
// chat_template, names of special tokens, add_bos and add_eos, as tokenizer_config.json would say them.
TokenizerConfig gguf_config(const GgufFile& file);

// ---- any of them

struct Format {
  const char* name;   // "sentencepiece"
  const char* files;  // what they are called: "*.model"
  bool writes;
};
std::span<const Format> tokenizer_formats();

// The Json of the tokenizer in a file or folder, told by its content. What stands beside it (tokenizer_config.json,
// special_tokens_map.json, added_tokens.json) is applied, except to a tokenizer.json, which is complete by itself. Each
// may be packed (.zst, .gz, .bz2).
Json read_any(const fs::path& file_or_folder);
// The name in tokenizer_formats(), or "" when the bytes are none of them.
std::string detect_format(std::string_view bytes);

// ---- writing; Error(kUsage) names the field that the format cannot express

std::string write_sentencepiece_model(const Json& tokenizer, const std::string& where);
std::string write_gguf_vocabulary(const Json& tokenizer, const TokenizerConfig& config, const std::string& where);
std::string write_vocab_txt(const Json& tokenizer, const std::string& where);
std::string write_tiktoken(const Json& tokenizer, const std::string& where);
struct Gpt2Files {
  std::string vocab_json, merges_txt;
};
Gpt2Files write_gpt2(const Json& tokenizer, const std::string& where);

// Writes the format that the name asks for: *.json (tokenizer.json), *.model, *.gguf, *.tiktoken, a name that ends
// in vocab.txt, or a folder (vocab.json + merges.txt). Returns the files written.
std::vector<fs::path> write_any(const Json& tokenizer, const TokenizerConfig& config, const fs::path& path,
                                const std::string& where);

}  // namespace athanor::token
