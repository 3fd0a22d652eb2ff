// The `tokens` artifact: encoded documents, unpacked, one after another (docs/formats/tokens.md). Packing into
// training rows happens at load, so one set serves every sequence length.
//
//   TokenSetWriter writer(dir, tokenizer.vocab_size(), tokenizer.end_of_text(), digest);
//   writer.add(document.id, ids, document.text.size());
//   writer.finish();
//   TokenSet set = TokenSet::open(dir);
//   set.read(set.document_begin(3), 128, out);
//
// Truncated or inconsistent files: Error(kInput) that names the file and the field.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "athanor/base/file.h"

namespace athanor {

class TokenSetWriter {
 public:
  // dir is created. Ids are stored as u16 when vocab_size <= 65536, else as u32. end_of_text < 0: documents
  // follow each other with nothing between. A shard takes whole documents until it holds shard_tokens or more.
  TokenSetWriter(const fs::path& dir, int32_t vocab_size, int32_t end_of_text, std::string tokenizer_digest,
                 uint64_t shard_tokens = uint64_t{1} << 28);
  ~TokenSetWriter();
  TokenSetWriter(TokenSetWriter&&) noexcept;
  TokenSetWriter& operator=(TokenSetWriter&&) noexcept;

  // document_id: 32 lower-case hex digits. ids: every id in [0, vocab_size), without the final end_of_text,
  // which is added here. text_bytes: UTF-8 bytes of the text that gave the ids. Error(kInternal) otherwise.
  void add(std::string_view document_id, std::span<const int32_t> ids, uint64_t text_bytes);
  // Writes the rest and tokens.json (last), fsyncs all. Without it the folder is not a token set.
  void finish();

  uint64_t num_tokens() const;
  uint64_t num_documents() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Read-only and thread-safe; the files are memory-mapped.
class TokenSet {
 public:
  static TokenSet open(const fs::path& dir);
  ~TokenSet();
  TokenSet(TokenSet&&) noexcept;
  TokenSet& operator=(TokenSet&&) noexcept;

  uint64_t num_tokens() const;     // the end_of_text after each document included
  uint64_t num_documents() const;
  uint64_t num_bytes() const;      // UTF-8 bytes of all texts
  int32_t vocab_size() const;
  int32_t end_of_text() const;     // -1: none
  const std::string& tokenizer_digest() const;

  // Tokens [begin, begin + count) of the whole set, across shard borders. Error(kInternal) beyond the end;
  // Error(kInput) when a stored id is not below vocab_size.
  void read(uint64_t begin, uint64_t count, int32_t* out) const;

  // Document i is [document_begin(i), document_end(i)), its end_of_text included. i < num_documents().
  uint64_t document_begin(uint64_t i) const;
  uint64_t document_end(uint64_t i) const;
  uint64_t document_bytes(uint64_t i) const;
  std::string document_id(uint64_t i) const;
  // The document that holds a token: by binary search. token < num_tokens().
  uint64_t document_at(uint64_t token) const;

 private:
  struct State;
  explicit TokenSet(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace athanor
