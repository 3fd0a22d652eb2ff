#include "athanor/stage/describe_text.h"

#include <algorithm>
#include <cstring>

#include "athanor/base/lower.h"
#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/words.h"

namespace athanor {

namespace {

constexpr size_t kBlockBytes = size_t{32} << 20;
constexpr size_t kCounters = size_t{1} << 15;       // of each length in a block
constexpr size_t kGlobalCounters = size_t{1} << 16;  // of each length over all
constexpr size_t kMaxWordBytes = 64;                 // longer ones end an n-gram
constexpr size_t kMaxPlace = 0xFFFFFFFF;

struct ScriptRange {
  char32_t first, last;
  const char* name;
};
// Blocks of letters; Han and kana are asked of their own functions.
constexpr ScriptRange kScripts[] = {
    {0x0041, 0x024F, "Latin"},     {0x0250, 0x02AF, "Latin"},      {0x0370, 0x03FF, "Greek"},
    {0x0400, 0x052F, "Cyrillic"},  {0x0530, 0x058F, "Armenian"},   {0x0590, 0x05FF, "Hebrew"},
    {0x0600, 0x06FF, "Arabic"},    {0x0700, 0x074F, "Syriac"},     {0x0750, 0x077F, "Arabic"},
    {0x08A0, 0x08FF, "Arabic"},    {0x0900, 0x097F, "Devanagari"}, {0x0980, 0x09FF, "Bengali"},
    {0x0A00, 0x0A7F, "Gurmukhi"},  {0x0A80, 0x0AFF, "Gujarati"},   {0x0B00, 0x0B7F, "Oriya"},
    {0x0B80, 0x0BFF, "Tamil"},     {0x0C00, 0x0C7F, "Telugu"},     {0x0C80, 0x0CFF, "Kannada"},
    {0x0D00, 0x0D7F, "Malayalam"}, {0x0D80, 0x0DFF, "Sinhala"},    {0x0E00, 0x0E7F, "Thai"},
    {0x0E80, 0x0EFF, "Lao"},       {0x0F00, 0x0FFF, "Tibetan"},    {0x1000, 0x109F, "Myanmar"},
    {0x10A0, 0x10FF, "Georgian"},  {0x1100, 0x11FF, "Hangul"},     {0x1200, 0x139F, "Ethiopic"},
    {0x1780, 0x17FF, "Khmer"},     {0x1800, 0x18AF, "Mongolian"},  {0x1C80, 0x1C8F, "Cyrillic"},
    {0x1E00, 0x1EFF, "Latin"},     {0x1F00, 0x1FFF, "Greek"},      {0x2C60, 0x2C7F, "Latin"},
    {0x2DE0, 0x2DFF, "Cyrillic"},  {0x3130, 0x318F, "Hangul"},     {0xA640, 0xA69F, "Cyrillic"},
    {0xA720, 0xA7FF, "Latin"},     {0xAC00, 0xD7FF, "Hangul"},     {0xFB50, 0xFDFF, "Arabic"},
    {0xFE70, 0xFEFF, "Arabic"},    {0xFF21, 0xFF5A, "Latin"},
};
constexpr const char* kHan = "Han";
constexpr const char* kKana = "Kana";
constexpr const char* kLatin = "Latin";

// Letters by script of one text; few scripts a text.
class ScriptCounts {
 public:
  void add(const char* script, uint64_t letters) {
    for (auto& [name, count] : counts_) {
      if (name == script) {  // names are the table's own pointers
        count += letters;
        return;
      }
    }
    counts_.emplace_back(script, letters);
  }
  const char* largest() const {
    const char* best = "none";
    uint64_t most = 0;
    uint64_t han = 0;
    uint64_t kana = 0;
    for (const auto& [name, count] : counts_) {
      han = name == kHan ? count : han;
      kana = name == kKana ? count : kana;
      if (count > most || (count == most && most > 0 && std::strcmp(name, best) < 0)) {
        best = name;
        most = count;
      }
    }
    return best == kHan && kana * 10 >= han + kana ? kKana : best;
  }

 private:
  std::vector<std::pair<const char*, uint64_t>> counts_;
};

// Bytes that may be read behind a word.
constexpr size_t kSlack = 8;

// Of the lower-cased word: | 0x20 lowers ASCII letters and leaves what else a word holds apart. Eight bytes are read
// at a time, up to kSlack behind the end.
uint64_t hash_bytes(const char* data, size_t size) {
  uint64_t hash = 0x9e3779b97f4a7c15ULL ^ size;
  uint64_t part;
  while (size > 8) {
    std::memcpy(&part, data, 8);
    hash = (hash ^ (part | 0x2020202020202020ULL)) * 0xff51afd7ed558ccdULL;
    hash ^= hash >> 32;
    data += 8;
    size -= 8;
  }
  std::memcpy(&part, data, 8);
  part = (part | 0x2020202020202020ULL) & (~uint64_t{0} >> (64 - 8 * size));  // little-endian: the first bytes
  hash = (hash ^ part) * 0xff51afd7ed558ccdULL;
  return hash ^ (hash >> 29);
}

std::string lower_text(std::string_view text) {
  std::string lower;
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    append_utf8(lower, to_lower(decode_utf8(p, end)));
  }
  return lower;
}

// As hash_bytes asks; not for the empty word.
bool is_ascii(std::string_view text) {
  uint64_t bits = 0;
  uint64_t part;
  size_t at = 0;
  for (; at + 8 < text.size(); at += 8) {
    std::memcpy(&part, text.data() + at, 8);
    bits |= part;
  }
  std::memcpy(&part, text.data() + at, 8);
  bits |= part & (~uint64_t{0} >> (64 - 8 * (text.size() - at)));
  return (bits & 0x8080808080808080ULL) == 0;
}

uint64_t hash_word(std::string_view word) {
  if (is_ascii(word)) {
    return hash_bytes(word.data(), word.size());
  }
  std::string lower = lower_text(word);
  const size_t size = lower.size();
  lower.append(kSlack, '\0');
  return hash_bytes(lower.data(), size) + 1;
}

char32_t first_code(std::string_view word) {
  const char* p = word.data();
  return decode_utf8(p, p + word.size());
}

bool starts_with_number(const Word& word) {
  const auto byte = static_cast<unsigned char>(word.text[0]);
  return byte < 0x80 ? byte >= '0' && byte <= '9' : is_number(first_code(word.text));
}

}  // namespace

const char* script_of(char32_t code) {
  if (is_han(code)) {
    return kHan;
  }
  if (is_kana(code)) {
    return kKana;
  }
  for (const ScriptRange& range : kScripts) {
    if (code >= range.first && code <= range.last) {
      return std::strcmp(range.name, kLatin) == 0 ? kLatin : range.name;
    }
  }
  return "other";
}

NgramCounters make_ngram_counters() {
  const FrequentTexts empty(kGlobalCounters);
  return {{{empty, empty, empty}, {empty, empty, empty}}};
}

TextDescriber::TextDescriber()
    : items_{{{FrequentItems(kCounters), FrequentItems(kCounters), FrequentItems(kCounters)},
              {FrequentItems(kCounters), FrequentItems(kCounters), FrequentItems(kCounters)}}} {}

bool TextDescriber::full() const { return block_.size() >= kBlockBytes; }

TextFacts TextDescriber::add(std::string_view text) {
  TextFacts facts;
  facts.characters = count_code_points(text);
  facts.lines = 1 + static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
  const size_t begin = block_.size();
  block_.append(text);
  block_.append(kSlack, '\n');
  count_words(begin, facts);
  return facts;
}

void TextDescriber::count_words(size_t begin, TextFacts& facts) {
  const std::string_view text = std::string_view(block_).substr(begin);
  ScriptCounts scripts;
  uint64_t latin = 0;  // letters of ASCII words, most of all
  uint64_t hash1 = 0;  // of the word before, and of the one before that
  uint64_t hash2 = 0;
  size_t place1 = 0;
  size_t place2 = 0;
  size_t run = 0;  // words of one kind without a break
  size_t run_kind = kWordNgrams;
  for (const Word& word : split_words(text)) {
    const bool ascii = static_cast<unsigned char>(word.text[0]) < 0x80;
    size_t kind = kWordNgrams;
    if (word.has_letter) {
      if (ascii) {
        latin += word.num_chars;
      } else {
        const char32_t code = first_code(word.text);
        scripts.add(script_of(code), word.num_chars);
        kind = is_unspaced_script(code) ? kCharacterNgrams : kWordNgrams;
      }
    } else if (!starts_with_number(word)) {
      run = 0;
      continue;
    }
    ++facts.words;
    const auto place = static_cast<size_t>(word.text.data() - block_.data());
    if (word.text.size() > kMaxWordBytes || place > kMaxPlace) {
      run = 0;
      continue;
    }
    run = kind == run_kind ? run + 1 : 1;
    run_kind = kind;
    const uint64_t hash = hash_word(word.text);
    items_[kind][0].add(mix64(hash), static_cast<uint32_t>(place));
    if (run >= 2) {
      items_[kind][1].add(mix64(hash1 * 3 + hash), static_cast<uint32_t>(place1));
    }
    if (run >= 3) {
      items_[kind][2].add(mix64(mix64(hash2 * 3 + hash1) ^ hash), static_cast<uint32_t>(place2));
    }
    hash2 = hash1;
    place2 = place1;
    hash1 = hash;
    place1 = place;
  }
  if (latin > 0) {
    scripts.add(kLatin, latin);
  }
  facts.script = scripts.largest();
}

std::string TextDescriber::ngram_at(size_t kind, size_t length, size_t place) const {
  const size_t window = length * (kMaxWordBytes + 64);
  std::string_view rest = std::string_view(block_).substr(place);
  if (rest.size() > window) {
    rest = utf8_prefix(rest, window);
  }
  std::string ngram;
  size_t taken = 0;
  for (const Word& word : split_words(rest)) {
    ngram += (taken > 0 && kind == kWordNgrams ? " " : "") + lower_text(word.text);
    if (++taken == length) {
      break;
    }
  }
  return ngram;
}

void TextDescriber::flush(NgramCounters& into) {
  for (size_t kind = 0; kind < kNumNgramKinds; ++kind) {
    for (size_t n = 0; n < kMaxNgram; ++n) {
      FrequentItems& items = items_[kind][n];
      if (items.total() == 0) {
        continue;
      }
      // With more different ones than counters the single ones say nothing: they go into the error.
      const uint32_t floor = items.error() > 0 ? 1 : 0;
      uint64_t counted = 0;
      std::vector<FrequentItems::Item> all = items.items();
      std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
      for (const FrequentItems::Item& item : all) {
        if (item.count <= floor) {
          continue;
        }
        counted += item.count;
        into[kind][n].add_hashed(item.key, item.count, [&] { return ngram_at(kind, n + 1, item.place); });
      }
      into[kind][n].add_bound(items.total() - counted, items.error() + floor);
      items.clear();
    }
  }
  block_.clear();
}

}  // namespace athanor
