#include "athanor/classic/ngram_image.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "athanor/base/error.h"
#include "athanor/base/hash.h"
#include "athanor/classic/fasttext_line.h"

namespace athanor {

namespace {

struct WholePlace {
  uint64_t key;  // 0: free
  NgramTables::Weight weight;
};
struct SmallPlace {
  uint32_t key;  // 0: free
  uint16_t p;
  uint16_t backoff;
};
static_assert(sizeof(WholePlace) == 16 && sizeof(SmallPlace) == 8);

constexpr size_t kChecked = 16;  // where the bytes under the checksum begin

uint64_t key_of(uint64_t hash, const SmallPlace*) { return std::max<uint32_t>(1, static_cast<uint32_t>(hash)); }
uint64_t key_of(uint64_t hash, const WholePlace*) { return std::max<uint64_t>(1, hash); }

// The place of a key, or the free place where it belongs; capacity when there is neither.
template <class Place>
uint64_t place_of(const Place* places, uint64_t capacity, uint64_t hash) {
  const uint64_t key = key_of(hash, places);
  uint64_t at = static_cast<uint64_t>((static_cast<unsigned __int128>(hash) * capacity) >> 64);
  for (uint64_t tried = 0; tried < capacity; ++tried) {
    if (places[at].key == key || places[at].key == 0) {
      return at;
    }
    at = at + 1 == capacity ? 0 : at + 1;
  }
  return capacity;
}

uint64_t word_place(uint32_t hash, uint64_t slots) {
  return slots < 2 ? 0 : (hash * uint64_t{0x9e3779b97f4a7c15}) >> (64 - std::countr_zero(slots));
}

uint16_t level_of(float value, float low, float high) {
  return high <= low ? uint16_t{0} : static_cast<uint16_t>(std::lround(65535.0 * (value - low) / (high - low)));
}
float value_of(uint16_t level, float low, float high) {
  return low + (high - low) * (static_cast<float>(level) * (1.0f / 65535.0f));
}

template <class T>
void append(std::string& out, const T* values, size_t count) {
  out.append(reinterpret_cast<const char*>(values), count * sizeof(T));
  out.resize((out.size() + 7) / 8 * 8);
}

void append_words(std::string& out, const NgramTables& tables, NgramImageHeader& header) {
  std::vector<uint64_t> ends;
  std::string bytes;
  for (const auto& word : tables.words) {
    bytes += word;
    ends.push_back(bytes.size());
  }
  header.num_words = ends.size();
  header.word_bytes = bytes.size();
  header.word_slots = std::bit_ceil(2 * ends.size());
  std::vector<uint32_t> slots(header.word_slots, 0);
  for (size_t id = 0; id < ends.size(); ++id) {
    uint64_t at = word_place(fasttext_hash(tables.words[id]), slots.size());
    while (slots[at] != 0) {
      at = (at + 1) & (slots.size() - 1);
    }
    slots[at] = static_cast<uint32_t>(id) + 1;
  }
  append(out, ends.data(), ends.size());
  append(out, slots.data(), slots.size());
  append(out, bytes.data(), bytes.size());
  append(out, tables.unigrams.data(), tables.unigrams.size());
}

void find_range(const NgramTables& tables, int n, NgramImageHeader::Table& table) {
  table.p_min = table.backoff_min = 1e30f;
  table.p_max = table.backoff_max = -1e30f;
  const auto stream = tables.read(n);
  for (NgramRecord record; stream->next(record);) {
    table.p_min = std::min(table.p_min, record.first());
    table.p_max = std::max(table.p_max, record.first());
    table.backoff_min = std::min(table.backoff_min, record.second());
    table.backoff_max = std::max(table.backoff_max, record.second());
  }
}

template <class Place>
void append_table(std::string& out, const NgramTables& tables, int n, const NgramImageHeader::Table& table) {
  const size_t begin = out.size();
  out.resize(begin + table.capacity * sizeof(Place));
  auto* places = reinterpret_cast<Place*>(out.data() + begin);
  const auto stream = tables.read(n);
  for (NgramRecord record; stream->next(record);) {
    uint64_t hash = ngram_hash(record.word(0));
    for (int i = 1; i < n; ++i) {
      hash = extend_ngram_hash(hash, record.word(i));
    }
    Place& place = places[place_of(places, table.capacity, hash)];
    if constexpr (sizeof(Place) == sizeof(SmallPlace)) {
      place = {static_cast<uint32_t>(key_of(hash, places)), level_of(record.first(), table.p_min, table.p_max),
               level_of(record.second(), table.backoff_min, table.backoff_max)};
    } else {
      place = {key_of(hash, places), {record.first(), record.second()}};
    }
  }
}

}  // namespace

std::string NgramImage::build(const NgramTables& tables, bool quantised) {
  NgramImageHeader header;
  header.order = static_cast<uint32_t>(tables.order);
  header.quantised = quantised ? 1 : 0;
  std::string out(sizeof header, '\0');
  append_words(out, tables, header);
  for (int n = 2; n <= tables.order; ++n) {
    auto& table = header.tables[n - 2];
    table.count = tables.size(n);
    table.capacity = table.count + table.count / 3 + 1;
    if (quantised) {
      find_range(tables, n, table);
      append_table<SmallPlace>(out, tables, n, table);
    } else {
      append_table<WholePlace>(out, tables, n, table);
    }
  }
  std::memcpy(out.data(), &header, sizeof header);
  header.checksum = xxh3_64(std::string_view(out).substr(kChecked));
  std::memcpy(out.data(), &header, sizeof header);
  return out;
}

NgramImage::NgramImage(std::span<const uint8_t> bytes, const std::string& where) {
  const auto need = [&](bool holds, const char* what) {
    if (!holds) {
      throw Error(ErrorKind::kInput, std::string("not a sound n-gram model: ") + what, where,
                  "fit the model again, or copy the file again");
    }
  };
  need(bytes.size() >= sizeof(NgramImageHeader), "the header is cut off");
  header_ = reinterpret_cast<const NgramImageHeader*>(bytes.data());
  const NgramImageHeader& h = *header_;
  need(std::memcmp(h.magic, NgramImageHeader{}.magic, sizeof h.magic) == 0, "the magic number is another one");
  need(h.version == 1, "a version other than 1");
  need(h.order >= 1 && h.order <= kMaxNgramOrder && h.quantised <= 1, "the order is out of range");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  need(xxh3_64(text.substr(kChecked)) == h.checksum, "the checksum differs, so bytes are lost or changed");

  size_t at = sizeof(NgramImageHeader);
  const auto section = [&](uint64_t count, size_t width, const char* what) {
    need(count <= (bytes.size() - at) / width, what);
    const uint8_t* begin = bytes.data() + at;
    at += (count * width + 7) / 8 * 8;
    need(at <= bytes.size(), what);
    return begin;
  };
  need(h.num_words >= 3 && h.num_words < (uint64_t{1} << 31), "the vocabulary's size is out of range");
  word_ends_ = reinterpret_cast<const uint64_t*>(section(h.num_words, sizeof(uint64_t), "the vocabulary is cut off"));
  need(std::has_single_bit(h.word_slots) && h.word_slots > h.num_words, "the vocabulary's table is too small");
  word_slots_ = reinterpret_cast<const uint32_t*>(section(h.word_slots, sizeof(uint32_t), "the vocabulary is cut off"));
  words_ = reinterpret_cast<const char*>(section(h.word_bytes, 1, "the vocabulary is cut off"));
  unigrams_ = reinterpret_cast<const Weight*>(section(h.num_words, sizeof(Weight), "the unigrams are cut off"));
  need(std::is_sorted(word_ends_, word_ends_ + h.num_words) && word_ends_[h.num_words - 1] == h.word_bytes,
       "the vocabulary's offsets are wrong");
  need(std::all_of(word_slots_, word_slots_ + h.word_slots, [&](uint32_t slot) { return slot <= h.num_words; }),
       "the vocabulary's table is wrong");
  for (uint32_t n = 2; n <= h.order; ++n) {
    const auto& table = h.tables[n - 2];
    need(table.capacity > table.count, "a table is too small");
    tables_[n - 2] = section(table.capacity, h.quantised != 0 ? sizeof(SmallPlace) : sizeof(WholePlace), "a table is cut off");
  }
  need(at == bytes.size(), "bytes follow the end");
}

uint32_t NgramImage::find_word(std::string_view word, uint32_t fnv_hash) const {
  const uint64_t mask = header_->word_slots - 1;
  uint64_t at = word_place(fnv_hash, header_->word_slots);
  for (uint64_t tried = 0; tried <= mask && word_slots_[at] != 0; ++tried) {
    const uint32_t id = word_slots_[at] - 1;
    const uint64_t begin = id == 0 ? 0 : word_ends_[id - 1];
    if (std::string_view(words_ + begin, word_ends_[id] - begin) == word) {
      return id;
    }
    at = (at + 1) & mask;
  }
  return kNgramUnknown;
}

bool NgramImage::find(int n, uint64_t hash, Weight& weight) const {
  const auto& table = header_->tables[n - 2];
  if (header_->quantised != 0) {
    const auto* places = reinterpret_cast<const SmallPlace*>(tables_[n - 2]);
    const uint64_t at = place_of(places, table.capacity, hash);
    if (at == table.capacity || places[at].key == 0) {
      return false;
    }
    weight = {value_of(places[at].p, table.p_min, table.p_max),
              value_of(places[at].backoff, table.backoff_min, table.backoff_max)};
    return true;
  }
  const auto* places = reinterpret_cast<const WholePlace*>(tables_[n - 2]);
  const uint64_t at = place_of(places, table.capacity, hash);
  if (at == table.capacity || places[at].key == 0) {
    return false;
  }
  weight = places[at].weight;
  return true;
}

}  // namespace athanor
