#include "athanor/data/tokens/token_set.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/data/tokens/token_set_format.h"

namespace athanor {

using namespace token_set_format;

struct TokenSet::State {
  fs::path dir;
  int32_t vocab_size = 0;
  int32_t end_of_text = -1;
  std::string digest;
  uint64_t num_tokens = 0;
  uint64_t num_documents = 0;
  uint64_t num_bytes = 0;
  bool narrow = true;
  std::vector<MappedFile> shards;
  std::vector<std::string> names;
  std::vector<uint64_t> starts;  // first token of each shard, then num_tokens
  MappedFile index, ids;

  void read_header(const nlohmann::json& json, const fs::path& file);
  void map_shards(const nlohmann::json& json, const fs::path& file);
  void map_documents();

  uint64_t entry(uint64_t document, size_t field) const {
    uint64_t value;
    std::memcpy(&value, index.bytes().data() + document * kIndexBytes + field * 8, 8);
    return value;
  }
  void check_document(uint64_t i) const {
    if (i >= num_documents) {
      throw Error(ErrorKind::kInternal, "document " + std::to_string(i) + " of " + std::to_string(num_documents),
                  dir.string());
    }
  }
};

namespace {

using Json = nlohmann::json;

// Any count that a file may claim without overflow of what is computed from it.
constexpr uint64_t kMaxCount = uint64_t{1} << 48;

[[noreturn]] void fail(const fs::path& file, const std::string& what) {
  throw Error(ErrorKind::kInput, what, file.string(), "the token set is damaged: encode it again");
}

const Json& field(const Json& json, const char* name, const fs::path& file) {
  const auto found = json.find(name);
  if (found == json.end()) {
    fail(file, std::string("field '") + name + "' is missing");
  }
  return *found;
}

uint64_t unsigned_field(const Json& json, const char* name, const fs::path& file, uint64_t max) {
  const Json& value = field(json, name, file);
  if (!value.is_number_unsigned() || value.get<uint64_t>() > max) {
    fail(file, std::string("field '") + name + "' must be an integer from 0 to " + std::to_string(max) + ", not " +
                   value.dump(-1, ' ', true, Json::error_handler_t::replace));
  }
  return value.get<uint64_t>();
}

std::string string_field(const Json& json, const char* name, const fs::path& file) {
  const Json& value = field(json, name, file);
  if (!value.is_string()) {
    fail(file, std::string("field '") + name + "' must be a string");
  }
  return value.get<std::string>();
}

Json parse_object(const fs::path& file) {
  const std::string text = read_file(file, uint64_t{64} << 20);
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    fail(file, "is not a JSON object");
  }
  return json;
}

MappedFile map_exactly(const fs::path& file, uint64_t bytes, const std::string& field_name) {
  MappedFile map(file);
  if (map.size() != bytes) {
    fail(file, "holds " + std::to_string(map.size()) + " bytes, but field '" + field_name +
                   "' of tokens.json asks for " + std::to_string(bytes));
  }
  return map;
}

}  // namespace

TokenSet::TokenSet(std::unique_ptr<State> state) : state_(std::move(state)) {}
TokenSet::~TokenSet() = default;
TokenSet::TokenSet(TokenSet&&) noexcept = default;
TokenSet& TokenSet::operator=(TokenSet&&) noexcept = default;

void TokenSet::State::read_header(const Json& json, const fs::path& file) {
  if (unsigned_field(json, "schema", file, kMaxCount) != kSchema) {
    throw Error(ErrorKind::kInput, "field 'schema' is not 1: written by another version", file.string());
  }
  vocab_size = static_cast<int32_t>(unsigned_field(json, "vocab_size", file, std::numeric_limits<int32_t>::max()));
  const std::string dtype = string_field(json, "dtype", file);
  narrow = dtype == "u16";
  if (!narrow && dtype != "u32") {
    fail(file, "field 'dtype' must be \"u16\" or \"u32\"");
  }
  const Json& end = field(json, "end_of_text", file);
  if (!end.is_number_integer() || end.get<int64_t>() < -1 || end.get<int64_t>() >= vocab_size) {
    fail(file, "field 'end_of_text' must be -1 or an id below vocab_size");
  }
  end_of_text = end.get<int32_t>();
  digest = string_field(json, "tokenizer", file);
  num_tokens = unsigned_field(json, "num_tokens", file, kMaxCount);
  num_documents = unsigned_field(json, "num_documents", file, kMaxCount);
  num_bytes = unsigned_field(json, "num_bytes", file, std::numeric_limits<int64_t>::max());
  if (num_documents == 0 && num_tokens != 0) {
    fail(file, "field 'num_documents' is 0, but there are tokens");
  }
}

void TokenSet::State::map_shards(const Json& json, const fs::path& file) {
  const Json& list = field(json, "shards", file);
  if (!list.is_array()) {
    fail(file, "field 'shards' must be a list");
  }
  starts.push_back(0);
  for (const Json& shard : list) {
    if (!shard.is_object()) {
      fail(file, "field 'shards' must hold objects");
    }
    const std::string name = string_field(shard, "file", file);
    if (name.empty() || name[0] == '.' || name.find('/') != std::string::npos ||
        name.find('\0') != std::string::npos) {
      fail(file, "field 'shards.file' must be a plain file name");
    }
    const uint64_t count = unsigned_field(shard, "num_tokens", file, kMaxCount);
    shards.push_back(map_exactly(dir / name, count * (narrow ? 2 : 4), "shards.num_tokens"));
    names.push_back(name);
    starts.push_back(starts.back() + count);
  }
  if (starts.back() != num_tokens) {
    fail(file, "field 'num_tokens' is " + std::to_string(num_tokens) + ", but the shards hold " +
                   std::to_string(starts.back()));
  }
}

void TokenSet::State::map_documents() {
  const fs::path file = dir / "documents.idx";
  index = map_exactly(file, num_documents * kIndexBytes, "num_documents");
  ids = map_exactly(dir / "documents.ids", num_documents * kIdLine, "num_documents");
  uint64_t begin = 0;
  uint64_t bytes = 0;
  for (uint64_t i = 0; i < num_documents; ++i) {
    const uint64_t next = entry(i, 0);
    if (next < begin || next > num_tokens || (i == 0 && next != 0)) {
      fail(file, "document " + std::to_string(i) + " begins at token " + std::to_string(next) + ", out of order");
    }
    begin = next;
    bytes += entry(i, 1);
  }
  if (bytes != num_bytes) {
    fail(file, "the text bytes add up to " + std::to_string(bytes) + ", but field 'num_bytes' is " +
                   std::to_string(num_bytes));
  }
}

TokenSet TokenSet::open(const fs::path& dir) {
  const fs::path file = dir / "tokens.json";
  const Json json = parse_object(file);
  auto state = std::make_unique<State>();
  state->dir = dir;
  state->read_header(json, file);
  state->map_shards(json, file);
  state->map_documents();
  return TokenSet(std::move(state));
}

uint64_t TokenSet::num_tokens() const { return state_->num_tokens; }
uint64_t TokenSet::num_documents() const { return state_->num_documents; }
uint64_t TokenSet::num_bytes() const { return state_->num_bytes; }
int32_t TokenSet::vocab_size() const { return state_->vocab_size; }
int32_t TokenSet::end_of_text() const { return state_->end_of_text; }
const std::string& TokenSet::tokenizer_digest() const { return state_->digest; }

namespace {

// Widens count ids; returns the largest as unsigned, so that one comparison checks them all.
template <typename T>
uint32_t widen(const uint8_t* from, uint64_t count, int32_t* out) {
  uint32_t largest = 0;
  for (uint64_t i = 0; i < count; ++i) {
    T id;
    std::memcpy(&id, from + i * sizeof(T), sizeof(T));
    largest = std::max<uint32_t>(largest, id);
    out[i] = static_cast<int32_t>(id);
  }
  return largest;
}

}  // namespace

void TokenSet::read(uint64_t begin, uint64_t count, int32_t* out) const {
  const State& s = *state_;
  if (begin > s.num_tokens || count > s.num_tokens - begin) {
    throw Error(ErrorKind::kInternal, "tokens [" + std::to_string(begin) + ", +" + std::to_string(count) + ") of " +
                                          std::to_string(s.num_tokens), s.dir.string());
  }
  size_t shard = static_cast<size_t>(std::upper_bound(s.starts.begin(), s.starts.end(), begin) - s.starts.begin());
  shard = shard == 0 ? 0 : shard - 1;
  while (count > 0) {
    const uint64_t offset = begin - s.starts[shard];
    const uint64_t part = std::min(count, s.starts[shard + 1] - begin);
    const uint8_t* const data = s.shards[shard].bytes().data();
    const uint32_t largest = s.narrow ? widen<uint16_t>(data + offset * 2, part, out)
                                      : widen<uint32_t>(data + offset * 4, part, out);
    if (part > 0 && largest >= static_cast<uint32_t>(s.vocab_size)) {
      fail(s.dir / s.names[shard], "token id " + std::to_string(largest) + " is not below vocab_size " +
                                       std::to_string(s.vocab_size));
    }
    begin += part;
    out += part;
    count -= part;
    ++shard;
  }
}

uint64_t TokenSet::document_begin(uint64_t i) const {
  state_->check_document(i);
  return state_->entry(i, 0);
}

uint64_t TokenSet::document_end(uint64_t i) const {
  state_->check_document(i);
  return i + 1 < state_->num_documents ? state_->entry(i + 1, 0) : state_->num_tokens;
}

uint64_t TokenSet::document_bytes(uint64_t i) const {
  state_->check_document(i);
  return state_->entry(i, 1);
}

std::string TokenSet::document_id(uint64_t i) const {
  state_->check_document(i);
  const std::string id(state_->ids.text().substr(i * kIdLine, kIdBytes));
  if (!is_document_id(id) || state_->ids.text()[i * kIdLine + kIdBytes] != '\n') {
    fail(state_->dir / "documents.ids", "line " + std::to_string(i + 1) + " is not 32 hex digits");
  }
  return id;
}

uint64_t TokenSet::document_at(uint64_t token) const {
  const State& s = *state_;
  if (token >= s.num_tokens) {
    throw Error(ErrorKind::kInternal, "token " + std::to_string(token) + " of " + std::to_string(s.num_tokens),
                s.dir.string());
  }
  uint64_t low = 0;  // the last document that begins at or before token
  uint64_t high = s.num_documents;
  while (high - low > 1) {
    const uint64_t middle = low + (high - low) / 2;
    (s.entry(middle, 0) <= token ? low : high) = middle;
  }
  return low;
}

}  // namespace athanor
