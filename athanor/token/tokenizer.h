// Text to token ids and back, by a Hugging Face tokenizer.json; ids and offsets equal those of HF `tokenizers` 0.23.3.
//
//   const Tokenizer tokenizer = Tokenizer::load("runs/tokenizer-1f3a9c20/out");
//   std::vector<int32_t> ids;
//   tokenizer.encode("Hello world", ids);
//   tokenizer.decode(ids) == "Hello world"
//   const Encoding full = tokenizer.encode_full("Hello world");  // offsets, word ids, template, truncation, padding
//
// A type or a field that is not known is an Error(kInput) that names it. All const members are thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/base/thread_pool.h"
#include "athanor/token/encoding.h"

namespace athanor {

namespace token {
struct Sampling;  // model/model.h
}  // namespace token

class Tokenizer {
 public:
  // A file of any format in file/formats.h, told by its content: tokenizer.json, SentencePiece .model, GGUF, tiktoken
  // ranks, BERT's vocab.txt; or a folder with one, or with vocab.json + merges.txt, or encoder.json + vocab.bpe.
  static Tokenizer load(const fs::path& file_or_folder);
  // where: the name that errors give.
  static Tokenizer from_json(std::string_view text, const std::string& where);
  // GPT-2's pair: {"token": id} and lines "left right".
  static Tokenizer from_gpt2(std::string_view vocab_json, std::string_view merges, const std::string& where);
  // One id a byte (0-255), then the special tokens.
  static Tokenizer bytes(const std::vector<std::string>& special_tokens);

  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  // tokenizer.json for HF `tokenizers`. from_json(to_json()).to_json() gives the same bytes.
  std::string to_json() const;

  // Appends the ids of text, without the post-processor. Special tokens inside it are plain text, as they must be for
  // text from outside; other added tokens are found (AddedTokens::kOrdinary).
  // Ill-formed UTF-8: a byte-level tokenizer encodes its bytes as they stand, unless a normalizer other than NFC, NFD,
  // NFKC, NFKD comes before; everywhere else each maximal bad subpart is U+FFFD.
  void encode(std::string_view text, std::vector<int32_t>& ids) const;
  void encode(std::string_view text, AddedTokens which, std::vector<int32_t>& ids) const;

  // Draws one way to write the text (subword regularisation): BPE-dropout, or Unigram's sampling. The same ids for the
  // same seed and document, whatever else is encoded, on any thread; a sampling of zeros gives what encode gives.
  void encode_sampled(std::string_view text, AddedTokens which, const token::Sampling& sampling, uint64_t seed,
                      uint64_t document, std::vector<int32_t>& ids) const;
  // How many ids encode() gives; where the pipeline allows none of them is kept.
  size_t count(std::string_view text) const;
  // The byte of text where the first max_ids ids of encode() end (of a character in several tokens: its end, or where
  // a byte-level token ends in it); text.size() when there are no more. Reads little further than that.
  size_t cut(std::string_view text, size_t max_ids) const;
  // encode() on all threads of the pool, in parts of a quarter of a megabyte: the same ids.
  void encode_parallel(std::string_view text, ThreadPool& pool, std::vector<int32_t>& ids) const;

  // Everything about one text or two; Error(kInput) for 4 GiB or more. Ids without template, truncation and padding
  // are those of encode().
  Encoding encode_full(std::string_view text, const EncodeOptions& options = {}) const;
  Encoding encode_full(std::string_view text, std::string_view pair, const EncodeOptions& options = {}) const;
  // Padding to the longest is to the longest of all.
  std::vector<Encoding> encode_full(std::span<const std::string_view> texts, const EncodeOptions& options = {}) const;

  // By the file's decoder; ill-formed UTF-8 becomes U+FFFD. Unknown ids are left out.
  std::string decode(std::span<const int32_t> ids, bool skip_special = true) const;

  // The bytes that an id stands for, perhaps part of a character; empty for an unknown id.
  const std::string& token_bytes(int32_t id) const;

  int32_t vocab_size() const;  // largest id + 1, special tokens included
  std::optional<int32_t> token_to_id(std::string_view token) const;  // as spelt in tokenizer.json
  bool is_special(int32_t id) const;
  int32_t end_of_text() const;  // the document separator (<|endoftext|>, <|end_of_text|>, </s>, ...), -1 if none

 private:
  friend class StreamDecoder;
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Decodes ids one by one: what push gives never ends inside a character. The pieces, and finish, add up to decode().
class StreamDecoder {
 public:
  // tokenizer outlives the decoder.
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_special = true);
  ~StreamDecoder();
  StreamDecoder(StreamDecoder&&) noexcept;
  StreamDecoder& operator=(StreamDecoder&&) noexcept;

  std::string push(int32_t id);
  std::string finish();  // what was held back; the decoder is then as new

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// out[i] becomes the ids of texts[i].
void encode_batch(const Tokenizer& tokenizer, std::span<const std::string_view> texts, ThreadPool& pool,
                  std::vector<std::vector<int32_t>>& out);

}  // namespace athanor
