// Writing a token set: see token_set.h. Reading: token_set.cc.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/data/tokens/token_set.h"
#include "athanor/data/tokens/token_set_format.h"

namespace athanor {

using namespace token_set_format;

namespace {

struct Shard {
  std::string file;
  uint64_t num_tokens;
};

std::string shard_name(size_t index) {
  char name[32];
  std::snprintf(name, sizeof(name), "tokens-%05zu.bin", index);
  return name;
}

template <typename T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

struct TokenSetWriter::State {
  fs::path dir;
  int32_t vocab_size;
  int32_t end_of_text;
  std::string digest;
  uint64_t shard_tokens;
  std::unique_ptr<FileWriter> shard, index, ids;
  std::vector<Shard> shards;
  uint64_t num_tokens = 0;
  uint64_t num_documents = 0;
  uint64_t num_bytes = 0;
  std::vector<uint16_t> narrow;
  std::vector<int32_t> wide;

  void open_shard() {
    shards.push_back({shard_name(shards.size()), 0});
    shard = std::make_unique<FileWriter>(dir / shards.back().file);
  }
  void close_shard() {
    shard->sync();
    shard->close();
    shard.reset();
  }
};

TokenSetWriter::TokenSetWriter(const fs::path& dir, int32_t vocab_size, int32_t end_of_text,
                               std::string tokenizer_digest, uint64_t shard_tokens)
    : state_(new State{dir, vocab_size, end_of_text, std::move(tokenizer_digest),
                       std::max<uint64_t>(shard_tokens, 1)}) {
  if (vocab_size < 1 || end_of_text < -1 || end_of_text >= vocab_size) {
    throw Error(ErrorKind::kInternal, "vocab_size " + std::to_string(vocab_size) + " and end_of_text " +
                                          std::to_string(end_of_text) + " do not fit", dir.string());
  }
  make_dirs(dir);
  fs::remove(dir / "tokens.json");
  state_->index = std::make_unique<FileWriter>(dir / "documents.idx");
  state_->ids = std::make_unique<FileWriter>(dir / "documents.ids");
  state_->open_shard();
}

TokenSetWriter::~TokenSetWriter() = default;
TokenSetWriter::TokenSetWriter(TokenSetWriter&&) noexcept = default;
TokenSetWriter& TokenSetWriter::operator=(TokenSetWriter&&) noexcept = default;

uint64_t TokenSetWriter::num_tokens() const { return state_->num_tokens; }
uint64_t TokenSetWriter::num_documents() const { return state_->num_documents; }

void TokenSetWriter::add(std::string_view document_id, std::span<const int32_t> ids, uint64_t text_bytes) {
  State& s = *state_;
  if (!is_document_id(document_id)) {
    throw Error(ErrorKind::kInternal, "a document id must be 32 lower-case hex digits, not '" +
                                          std::string(document_id) + "'", s.dir.string());
  }
  for (const int32_t id : ids) {
    if (id < 0 || id >= s.vocab_size) {
      throw Error(ErrorKind::kInternal, "token id " + std::to_string(id) + " is not below vocab_size " +
                                            std::to_string(s.vocab_size), s.dir.string());
    }
  }
  if (s.shards.back().num_tokens >= s.shard_tokens) {
    s.close_shard();
    s.open_shard();
  }
  const uint64_t entry[2] = {s.num_tokens, text_bytes};
  s.index->write({reinterpret_cast<const char*>(entry), sizeof(entry)});
  s.ids->write(document_id);
  s.ids->write("\n");
  const bool ends = s.end_of_text >= 0;
  if (s.vocab_size <= kMaxU16Vocab) {
    s.narrow.assign(ids.begin(), ids.end());
    if (ends) {
      s.narrow.push_back(static_cast<uint16_t>(s.end_of_text));
    }
    s.shard->write(bytes_of(s.narrow));
  } else {
    s.wide.assign(ids.begin(), ids.end());
    if (ends) {
      s.wide.push_back(s.end_of_text);
    }
    s.shard->write(bytes_of(s.wide));
  }
  const uint64_t count = ids.size() + (ends ? 1 : 0);
  s.shards.back().num_tokens += count;
  s.num_tokens += count;
  s.num_bytes += text_bytes;
  ++s.num_documents;
}

void TokenSetWriter::finish() {
  State& s = *state_;
  s.close_shard();
  for (FileWriter* writer : {s.index.get(), s.ids.get()}) {
    writer->sync();
    writer->close();
  }
  nlohmann::ordered_json shards = nlohmann::ordered_json::array();
  for (const Shard& shard : s.shards) {
    shards.push_back({{"file", shard.file}, {"num_tokens", shard.num_tokens}});
  }
  const nlohmann::ordered_json json = {{"schema", kSchema},
                                       {"vocab_size", s.vocab_size},
                                       {"dtype", s.vocab_size <= kMaxU16Vocab ? "u16" : "u32"},
                                       {"num_tokens", s.num_tokens},
                                       {"num_documents", s.num_documents},
                                       {"num_bytes", s.num_bytes},
                                       {"end_of_text", s.end_of_text},
                                       {"tokenizer", s.digest},
                                       {"shards", shards}};
  const auto replace = nlohmann::ordered_json::error_handler_t::replace;
  write_file_atomic(s.dir / "tokens.json", json.dump(2, ' ', false, replace) + "\n");
}

}  // namespace athanor
