#include "athanor/data/html/charset.h"

#include <lexbor/encoding/encoding.h>
#include <lexbor/html/encoding.h>

#include <algorithm>
#include <array>

#include "athanor/base/unicode.h"

namespace athanor::html {

namespace {

constexpr size_t kPrescanBytes = 4096;
constexpr size_t kGuessBytes = size_t{64} << 10;

const lxb_char_t* raw(std::string_view text) { return reinterpret_cast<const lxb_char_t*>(text.data()); }

const lxb_encoding_data_t* by_meta(std::string_view bytes) {
  lxb_html_encoding_t finder;
  const lxb_encoding_data_t* found = nullptr;
  if (lxb_html_encoding_init(&finder) == LXB_STATUS_OK) {
    const std::string_view head = bytes.substr(0, kPrescanBytes);
    lxb_html_encoding_determine(&finder, raw(head), raw(head) + head.size());
    for (size_t i = 0; found == nullptr && i < lxb_html_encoding_meta_length(&finder); ++i) {
      const lxb_html_encoding_entry_t* entry = lxb_html_encoding_meta_entry(&finder, i);
      found = lxb_encoding_data_prescan_validate(entry->name, static_cast<size_t>(entry->end - entry->name));
    }
  }
  lxb_html_encoding_destroy(&finder, false);
  return found;
}

// Decodes into code points, a bufferful at a time; `use` gets each bufferful. Bad sequences become U+FFFD.
template <typename Use>
void decode(const lxb_encoding_data_t* encoding, std::string_view bytes, const Use& use) {
  std::array<lxb_codepoint_t, 4096> buffer;
  const lxb_codepoint_t replacement[] = {kReplacement};
  lxb_encoding_decode_t state;
  if (lxb_encoding_decode_init(&state, encoding, buffer.data(), buffer.size()) != LXB_STATUS_OK ||
      lxb_encoding_decode_replace_set(&state, replacement, 1) != LXB_STATUS_OK) {
    return;
  }
  const lxb_char_t* data = raw(bytes);
  const lxb_char_t* end = data + bytes.size();
  for (lxb_status_t status = LXB_STATUS_SMALL_BUFFER; status == LXB_STATUS_SMALL_BUFFER;) {
    status = encoding->decode(&state, &data, end);
    use(buffer.data(), lxb_encoding_decode_buf_used(&state));
    lxb_encoding_decode_buf_used_set(&state, 0);
  }
  lxb_encoding_decode_finish(&state);
  use(buffer.data(), lxb_encoding_decode_buf_used(&state));
}

bool is_likely(lxb_encoding_t encoding, char32_t code) {
  const bool kana = code >= 0x3041 && code <= 0x30FA;
  switch (encoding) {
    case LXB_ENCODING_EUC_KR: return code >= 0xAC00 && code <= 0xD7A3;
    case LXB_ENCODING_EUC_JP:
    case LXB_ENCODING_SHIFT_JIS: return kana || code == 0x3001 || code == 0x3002;
    default: return (code >= 0x4E00 && code <= 0x9FA5) || code == 0xFF0C || code == 0x3002 || code == 0x3001;
  }
}

// How well the bytes read in an encoding of several bytes a character: the share of its usual characters
// among those that are not ASCII; 0 with more than a few errors.
double fit(lxb_encoding_t encoding, std::string_view bytes) {
  size_t likely = 0;
  size_t rare = 0;
  size_t errors = 0;
  size_t beyond = 0;
  decode(lxb_encoding_data(encoding), bytes, [&](const lxb_codepoint_t* codes, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const char32_t code = codes[i];
      beyond += code >= 0x80;
      errors += code == kReplacement;
      likely += is_likely(encoding, code);
      rare += (code >= 0xE000 && code < 0xF900) || (code >= 0x3400 && code < 0x4E00) || code >= 0x20000 ||
              (code >= 0xFF61 && code <= 0xFF9F);
    }
  });
  if (beyond == 0 || errors * 200 > beyond + 200) {
    return 0;
  }
  return (static_cast<double>(likely) - 4.0 * static_cast<double>(rare)) / static_cast<double>(beyond);
}

// Common characters of simplified Chinese stand in rows B0 to D7 of GB2312, of traditional Chinese in A4 to
// C6 of Big5.
double share_of_leads(std::string_view bytes, unsigned char from, unsigned char to) {
  size_t inside = 0;
  size_t pairs = 0;
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    if (lead >= 0x81) {
      ++pairs;
      inside += lead >= from && lead <= to;
      ++i;
    }
  }
  return pairs == 0 ? 0 : static_cast<double>(inside) / static_cast<double>(pairs);
}

lxb_encoding_t guess(std::string_view bytes) {
  size_t first = 0;
  while (first < bytes.size() && static_cast<unsigned char>(bytes[first]) < 0x80) {
    ++first;
  }
  const std::string_view sample = bytes.substr(first, kGuessBytes);
  lxb_encoding_t best = LXB_ENCODING_WINDOWS_1252;
  double best_fit = 0.5;
  for (const lxb_encoding_t one : {LXB_ENCODING_EUC_KR, LXB_ENCODING_EUC_JP, LXB_ENCODING_SHIFT_JIS,
                                   LXB_ENCODING_GB18030, LXB_ENCODING_BIG5}) {
    double quality = fit(one, sample);
    if (one == LXB_ENCODING_EUC_JP || one == LXB_ENCODING_SHIFT_JIS) {
      quality *= 2;  // about half of Japanese text is kana
    } else if (one == LXB_ENCODING_GB18030) {
      quality *= share_of_leads(sample, 0xB0, 0xD7);
    } else if (one == LXB_ENCODING_BIG5) {
      quality *= share_of_leads(sample, 0xA4, 0xC6);
    }
    if (quality > best_fit) {
      best = one;
      best_fit = quality;
    }
  }
  if (best != LXB_ENCODING_WINDOWS_1252) {
    return best;
  }
  size_t high = 0;
  size_t together = 0;  // Cyrillic words are made of high bytes; in Western text these stand alone
  for (size_t i = 1; i < sample.size(); ++i) {
    const bool is_high = static_cast<unsigned char>(sample[i]) >= 0xC0;
    high += is_high;
    together += is_high && static_cast<unsigned char>(sample[i - 1]) >= 0xC0;
  }
  return together * 2 > high && high > 20 ? LXB_ENCODING_WINDOWS_1251 : LXB_ENCODING_WINDOWS_1252;
}

// True when all is UTF-8 and at least `several` characters are beyond ASCII.
bool speaks_utf8(std::string_view bytes, size_t several) {
  size_t leads = 0;
  for (const char c : bytes) {
    leads += static_cast<unsigned char>(c) >= 0xC2;
  }
  return leads >= several && is_valid_utf8(bytes);
}

}  // namespace

std::string_view decode_page(std::string_view bytes, std::string& charset, std::string& storage) {
  const lxb_encoding_data_t* encoding = nullptr;
  const lxb_encoding_t mark = lxb_encoding_bom_sniff(raw(bytes), bytes.size());
  if (mark != LXB_ENCODING_DEFAULT) {
    encoding = lxb_encoding_data(mark);
    bytes.remove_prefix(mark == LXB_ENCODING_UTF_8 ? 3 : 2);
  } else {
    if (!charset.empty()) {
      encoding =
          lxb_encoding_data_by_pre_name(reinterpret_cast<const lxb_char_t*>(charset.data()), charset.size());
    }
    if (encoding == nullptr) {
      encoding = by_meta(bytes);
    }
    const bool wide = encoding != nullptr && (encoding->encoding == LXB_ENCODING_UTF_16LE ||
                                              encoding->encoding == LXB_ENCODING_UTF_16BE);
    if (encoding == nullptr && is_valid_utf8(bytes)) {
      encoding = lxb_encoding_data(LXB_ENCODING_UTF_8);
    } else if (encoding == nullptr) {
      encoding = lxb_encoding_data(guess(bytes));
    } else if (encoding->encoding != LXB_ENCODING_UTF_8 && !wide && speaks_utf8(bytes, 4)) {
      encoding = lxb_encoding_data(LXB_ENCODING_UTF_8);
    }
  }
  charset.assign(reinterpret_cast<const char*>(encoding->name));
  std::transform(charset.begin(), charset.end(), charset.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (encoding->encoding == LXB_ENCODING_UTF_8) {
    if (is_valid_utf8(bytes)) {
      return bytes;
    }
    storage = repair_utf8(bytes);
    return storage;
  }
  storage.clear();
  storage.reserve(bytes.size() + bytes.size() / 2);
  decode(encoding, bytes, [&](const lxb_codepoint_t* codes, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const char32_t code = codes[i];
      append_utf8(storage, code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? kReplacement : code);
    }
  });
  return storage;
}

bool is_binary(std::string_view bytes) {
  for (const std::string_view magic :
       {"%PDF-", "PK\x03\x04", "\x89PNG", "GIF8", "\xFF\xD8\xFF", "\x1F\x8B", "RIFF",
        "\x7F"
        "ELF"}) {
    if (bytes.starts_with(magic)) {
      return true;
    }
  }
  const std::string_view head = bytes.substr(0, 4096);
  if (head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF")) {
    return false;  // UTF-16
  }
  size_t controls = 0;
  for (const char c : head) {
    const auto byte = static_cast<unsigned char>(c);
    controls += byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f' && byte != 0x1B;
  }
  return controls * 10 > head.size();
}

}  // namespace athanor::html
