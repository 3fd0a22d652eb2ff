#include "athanor/token/pipeline/bert_text.h"

#include <algorithm>
#include <cstring>

#include "athanor/base/unicode.h"
#include "athanor/base/unicode_tables.h"
#include "athanor/token/split/class_table.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace athanor::token {

namespace {

constexpr size_t kStep = 256;    // ASCII copied at a time, so that little room is made in vain
constexpr size_t kChunk = 8192;  // normalised and cut at a time, so that it stays in the first cache

// HF's table of combining classes is Unicode 9.
bool has_combining_class(char32_t code) {
  return code >= 0x300 && !has_class(code, kLateBit) && unicode_tables::record_of(code).ccc != 0;
}

bool is_plain(uint8_t byte) { return byte >= 0x20 && byte < 0x7F; }

// Copies ASCII other than control characters from p on; returns where it stopped. clean: the white space among them
// becomes a space, and is copied.
const char* copy_ascii(const char* p, const char* end, bool clean, bool lower, char*& out) {
#if defined(__SSE2__)
  while (end - p >= 16) {
    __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    if (clean) {
      const __m128i white = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n')),
                                         _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')),
                                                      _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'))));
      bytes = _mm_or_si128(_mm_andnot_si128(white, bytes), _mm_and_si128(white, _mm_set1_epi8(' ')));
    }
    // Signed: bytes from 0x80 on are below 0x20 too.
    const __m128i odd = _mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
                                     _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7F)));
    if (_mm_movemask_epi8(odd) != 0) {
      break;
    }
    if (lower) {
      const __m128i upper = _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8('A' - 1)),
                                          _mm_cmplt_epi8(bytes, _mm_set1_epi8('Z' + 1)));
      bytes = _mm_or_si128(bytes, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
    p += 16;
    out += 16;
  }
#endif
  for (; p != end; ++p) {
    uint8_t byte = static_cast<uint8_t>(*p);
    if (!is_plain(byte)) {
      if (!clean || (byte != '\n' && byte != '\r' && byte != '\t')) {
        break;
      }
      byte = ' ';
    }
    *out++ = static_cast<char>(lower && byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
  }
  return p;
}

// The end of the next chunk, before a space or line feed, so that no word and no combining sequence crosses it.
size_t chunk_end(std::string_view text, size_t begin) {
  if (text.size() - begin <= kChunk) {
    return text.size();
  }
  const auto is_seam = [&](size_t at) { return text[at] == ' ' || text[at] == '\n'; };
  size_t at = begin + kChunk;
  while (at > begin && !is_seam(at)) {
    --at;
  }
  if (at == begin) {
    for (at = begin + kChunk; at < text.size() && !is_seam(at);) {
      ++at;
    }
  }
  return at;
}

}  // namespace

BertText::~BertText() {
  for (const std::atomic<const Page*>& page : pages_) {
    delete page.load();
  }
}

const BertText::Page& BertText::page(char32_t code) const {
  std::atomic<const Page*>& slot = pages_[code >> 8];
  const Page* known = slot.load(std::memory_order_acquire);
  if (known != nullptr) {
    return *known;
  }
  auto made = std::make_unique<Page>();
  made->ends[0] = 0;
  for (char32_t low = 0; low < 256; ++low) {
    const char32_t each = (code & ~char32_t{255}) | low;
    std::string from;
    const bool surrogate = each >= 0xD800 && each < 0xE000;
    if (!surrogate) {
      append_utf8(from, each);
    }
    const std::string to = surrogate ? from : exact_(from);
    made->reorders[low] = false;
    for (const char* p = to.data(); p != to.data() + to.size();) {
      const bool combines = has_combining_class(decode_utf8(p, to.data() + to.size()));
      made->reorders[low] = made->reorders[low] || (options_.strip_accents && combines);
    }
    made->text += to;
    made->ends[low + 1] = static_cast<uint16_t>(made->text.size());
  }
  if (slot.compare_exchange_strong(known, made.get(), std::memory_order_acq_rel)) {
    return *made.release();
  }
  return *known;  // another thread was first
}

// The characters outside ASCII, and controls, from p on. False: the order of combining characters matters.
bool BertText::append_outside(const char*& p, const char* end, std::string& out) const {
  while (p != end && !is_plain(static_cast<uint8_t>(*p))) {
    const char* const begin = p;
    const char32_t code = decode_utf8(p, end);
    if (options_.handle_chinese_chars && code >= 0x4E00 && code < 0x9FD6) {  // assigned, and nothing else applies
      out += ' ';
      out.append(begin, p);
      out += ' ';
      continue;
    }
    const Page& known = page(code);
    const size_t low = code & 255;
    if (known.reorders[low]) {
      return false;
    }
    out.append(known.text, known.ends[low], known.ends[low + 1] - known.ends[low]);
  }
  return true;
}

void BertText::append(std::string_view text, std::string& out) const {
  const size_t before = out.size();
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const size_t used = out.size();
    const char* const stop = p + std::min(static_cast<size_t>(end - p), kStep);
    out.resize(used + static_cast<size_t>(stop - p));
    char* to = out.data() + used;
    p = copy_ascii(p, stop, options_.clean_text, options_.lowercase, to);
    out.resize(static_cast<size_t>(to - out.data()));
    if (p != stop && !append_outside(p, end, out)) {
      out.resize(before);
      out += exact_(text);
      return;
    }
  }
}

void BertEncoder::encode(std::string_view text, bool, std::vector<int32_t>& ids) const {
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = repair_utf8(text);
    text = repaired;
  }
  std::string normal;
  for (size_t begin = 0, end; begin < text.size(); begin = end) {
    end = chunk_end(text, begin);
    normal.clear();
    text_.append(text.substr(begin, end - begin), normal);
    pieces_.encode(normal, ids);
  }
}

void BertEncoder::encode_normal(std::string_view text, bool, std::vector<int32_t>& ids) const {
  pieces_.encode(text, ids);
}

}  // namespace athanor::token
