#include "athanor/token/split/bert.h"

#include <array>

#include "athanor/base/unicode.h"
#include "athanor/token/split/class_table.h"

namespace athanor::token {

namespace {

enum class Kind : uint8_t { kWord, kSpace, kPunctuation, kOutside };  // kOutside: not ASCII

constexpr std::array<Kind, 256> make_kinds() {
  std::array<Kind, 256> kinds{};
  for (int byte = 0; byte < 256; ++byte) {
    const bool space = byte == ' ' || (byte >= '\t' && byte <= '\r');
    const bool punctuation = (byte >= 33 && byte <= 47) || (byte >= 58 && byte <= 64) ||
                             (byte >= 91 && byte <= 96) || (byte >= 123 && byte <= 126);
    kinds[byte] = byte >= 0x80 ? Kind::kOutside : space ? Kind::kSpace : punctuation ? Kind::kPunctuation : Kind::kWord;
  }
  return kinds;
}
constexpr std::array<Kind, 256> kKinds = make_kinds();

Kind kind_of(char32_t code) {
  const uint16_t bits = class_bits(code);
  return (bits & kWhiteBit) != 0 ? Kind::kSpace : (bits & kPunctuationBit) != 0 ? Kind::kPunctuation : Kind::kWord;
}

// The kind of the character at p, and its end.
Kind read(const char* p, const char* end, const char*& next) {
  const Kind kind = kKinds[static_cast<uint8_t>(*p)];
  next = p + 1;
  if (kind != Kind::kOutside) {
    return kind;
  }
  next = p;
  return kind_of(decode_utf8(next, end));
}

const char* next_piece(const char* p, const char* end) {
  const char* next;
  Kind kind = read(p, end, next);
  while (kind == Kind::kSpace) {
    p = next;
    if (p == end) {
      return p;
    }
    kind = read(p, end, next);
  }
  if (kind == Kind::kPunctuation) {
    return next;
  }
  for (p = next; p != end; p = next) {
    while (p != end && kKinds[static_cast<uint8_t>(*p)] == Kind::kWord) {
      ++p;
    }
    if (p == end || read(p, end, next) != Kind::kWord) {
      break;
    }
  }
  return p;
}

size_t count_space(std::string_view piece) {
  const char* p = piece.data();
  const char* const end = p + piece.size();
  const char* next;
  while (p != end && read(p, end, next) == Kind::kSpace) {
    p = next;
  }
  return static_cast<size_t>(p - piece.data());
}

}  // namespace

size_t bert_scan(std::string_view text, size_t begin, size_t* ends, size_t max) {
  const char* p = text.data() + begin;
  const char* const end = text.data() + text.size();
  size_t count = 0;
  while (count < max && p != end) {
    p = next_piece(p, end);
    ends[count++] = static_cast<size_t>(p - text.data());
  }
  return count;
}

void SpacedModel::encode(std::string_view piece, Workspace& work, std::vector<int32_t>& ids) const {
  piece.remove_prefix(count_space(piece));
  if (!piece.empty()) {
    model_.encode(piece, work, ids);
  }
}

void SpacedModel::encode_spans(std::string_view piece, Workspace& work, std::vector<int32_t>& ids,
                               std::vector<Span>& spans) const {
  const size_t space = count_space(piece);
  size_t i = spans.size();
  if (space != piece.size()) {
    model_.encode_spans(piece.substr(space), work, ids, spans);
  }
  for (; i < spans.size(); ++i) {
    spans[i].begin += static_cast<uint32_t>(space);
    spans[i].end += static_cast<uint32_t>(space);
  }
}

}  // namespace athanor::token
