#include "athanor/token/model/vocabulary.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <deque>

#include "athanor/base/unicode.h"

namespace athanor::token {

namespace {

uint64_t mixed(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15ULL) * (b ^ 0xd1b54a32d192ed03ULL);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

template <typename Word>
uint64_t word_at(const char* p) {
  Word word;
  std::memcpy(&word, p, sizeof(word));
  return word;
}

// Fewer than eight bytes as a word, without a call.
uint64_t short_word(const char* p, size_t size) {
  if (size >= 4) {
    return word_at<uint32_t>(p) | word_at<uint32_t>(p + size - 4) << 32;
  }
  return size == 0 ? 0 : word_at<uint8_t>(p) | word_at<uint8_t>(p + size / 2) << 8 | word_at<uint8_t>(p + size - 1) << 16;
}

uint64_t hash_of(std::string_view text) {
  uint64_t hash = text.size();
  const char* p = text.data();
  size_t left = text.size();
  for (; left >= 8; p += 8, left -= 8) {
    hash = mixed(hash, word_at<uint64_t>(p));
  }
  return mixed(hash, short_word(p, left));
}

bool same(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  if (a.size() < 8) {
    return short_word(a.data(), a.size()) == short_word(b.data(), b.size());
  }
  return std::memcmp(a.data(), b.data(), a.size()) == 0;
}

int64_t id_limit(size_t num_tokens) {
  return std::min<int64_t>(kMaxVocabulary, 4 * static_cast<int64_t>(num_tokens) + 65536);
}

}  // namespace

void Vocabulary::read(const Field& vocab) {
  if (vocab.raw() && read_raw(*vocab.raw())) {
    return;
  }
  *this = {};
  const Json& object = vocab.object();
  const int64_t limit = id_limit(object.size());
  for (const auto& [name, value] : object.items()) {
    const Field field(value, vocab.path() + "." + json_string(name), vocab.where());
    if (!add(name, static_cast<int32_t>(field.integer(0, limit - 1)))) {
      field.fail("has the id of another token");
    }
  }
}

// False when something is not plain, or wrong: then read() says what.
bool Vocabulary::read_raw(std::string_view text) {
  struct Entry {
    std::string_view name;
    int32_t id;
  };
  std::vector<Entry> entries;
  std::deque<std::string> copies;  // of names that had escapes
  RawWalk walk(text);
  Entry entry{};
  int32_t largest = -1;
  while (walk.next_pair(entry.name, entry.id)) {
    if (entry.name.data() < text.data() || entry.name.data() > text.data() + text.size()) {
      entry.name = copies.emplace_back(entry.name);
    }
    if (!is_valid_utf8(entry.name)) {
      return false;
    }
    largest = std::max(largest, entry.id);
    entries.push_back(entry);
  }
  if (walk.bad() || largest >= id_limit(entries.size())) {
    return false;
  }
  make_slots(entries.size());
  tokens_.resize(largest + 1);
  present_.resize(largest + 1);
  return std::all_of(entries.begin(), entries.end(), [this](const Entry& e) { return add(e.name, e.id); });
}

void Vocabulary::make_slots(size_t num_tokens) {
  const std::vector<Slot> old = std::move(slots_);
  slots_.assign(std::bit_ceil(std::max<size_t>(num_tokens, 8) * 2), Slot{0, -1});
  shift_ = 64 - std::countr_zero(slots_.size());
  for (const Slot& slot : old) {
    if (slot.id >= 0) {
      const uint64_t hash = hash_of(tokens_[slot.id]);
      slots_[slot_of(tokens_[slot.id], hash)] = slot;
    }
  }
}

size_t Vocabulary::slot_of(std::string_view token, uint64_t hash) const {
  size_t at = hash >> shift_;
  while (slots_[at].id >= 0 && (slots_[at].hash != static_cast<uint32_t>(hash) || !same(tokens_[slots_[at].id], token))) {
    at = (at + 1) & (slots_.size() - 1);
  }
  return at;
}

bool Vocabulary::add(std::string_view token, int32_t id) {
  if (has(id)) {
    return tokens_[id] == token;
  }
  if (num_tokens_ * 2 >= slots_.size()) {
    make_slots(num_tokens_ * 2);
  }
  const uint64_t hash = hash_of(token);
  Slot& slot = slots_[slot_of(token, hash)];
  if (slot.id >= 0) {
    return false;
  }
  if (id >= size()) {
    tokens_.resize(id + 1);
    present_.resize(id + 1);
  }
  tokens_[id] = token;
  present_[id] = 1;
  slot = {static_cast<uint32_t>(hash), id};
  ++num_tokens_;
  return true;
}

std::optional<int32_t> Vocabulary::find(std::string_view token) const {
  if (slots_.empty()) {
    return std::nullopt;
  }
  const Slot& slot = slots_[slot_of(token, hash_of(token))];
  return slot.id < 0 ? std::nullopt : std::optional<int32_t>(slot.id);
}

void Vocabulary::write(std::string& out) const {
  out += "\"vocab\": {";
  const char* separator = "\n";
  for (int32_t id = 0; id < size(); ++id) {
    if (has(id)) {
      out += separator;
      out += "      " + json_string(tokens_[id]) + ": " + std::to_string(id);
      separator = ",\n";
    }
  }
  out += "\n    }";
}

}  // namespace athanor::token
