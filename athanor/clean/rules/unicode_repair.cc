#include "athanor/clean/rules/unicode_repair.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/base/unicode.h"

namespace athanor {

namespace {

// Windows-1252, 0x80..0x9F; 0 where it has nothing (Latin-1's control character stands for the byte there).
constexpr std::array<char16_t, 32> kWindows1252 = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

// The byte that was read as this character; -1 when none was.
int byte_of(char32_t code) {
  if (code >= 0x80 && code <= 0xFF) {
    return static_cast<int>(code);
  }
  const auto found = code < 0x10000 && code > 0xFF
                         ? std::find(kWindows1252.begin(), kWindows1252.end(), static_cast<char16_t>(code))
                         : kWindows1252.end();
  return found == kWindows1252.end() ? -1 : 0x80 + static_cast<int>(found - kWindows1252.begin());
}

// A character that stands behind a capital letter in good text too: quotation marks, dashes, ellipsis, euro.
bool is_ordinary(char32_t code) { return code >= 0x2000 && code != 0x2122 && code != 0x2021 && code != 0x2020; }

struct Sequence {
  const char* end = nullptr;  // nullptr: none
  char bytes[4] = {};
  size_t size = 0;
  bool sure = false;
};

// The characters from p on that together were one UTF-8 character.
Sequence read_sequence(const char* p, const char* end) {
  Sequence found;
  const int lead = byte_of(decode_utf8(p, end));
  found.size = lead >= 0xC2 && lead <= 0xDF ? 2 : lead >= 0xE0 && lead <= 0xEF ? 3 : lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
  if (found.size == 0) {
    return {};
  }
  found.bytes[0] = static_cast<char>(lead);
  found.sure = found.size > 2;
  for (size_t i = 1; i < found.size; ++i) {
    if (p == end || static_cast<uint8_t>(*p) < 0x80) {
      return {};
    }
    const char32_t code = decode_utf8(p, end);
    const int byte = byte_of(code);
    if (byte < 0x80 || byte > 0xBF) {
      return {};
    }
    found.sure |= !is_ordinary(code);
    found.bytes[i] = static_cast<char>(byte);
  }
  if (!is_valid_utf8({found.bytes, found.size})) {
    return {};
  }
  found.end = p;
  return found;
}

bool is_kept_full_width(char32_t code) {
  return code == 0xFF0C || code == 0xFF01 || code == 0xFF1F || code == 0xFF1A || code == 0xFF1B || code == 0xFF08 ||
         code == 0xFF09;
}

bool is_control(char32_t code) {
  return (category_of(code) == Category::kCc && code != '\n' && code != '\t' && code != '\r' && code != 0x85) ||
         (code >= 0xFFF9 && code <= 0xFFFB);
}

size_t count_lost(std::string_view text) {
  size_t lost = 0;
  for (const std::string_view sign : {"\xEF\xBF\xBD", "\xE9\x94\x9F\xE6\x96\xA4\xE6\x8B\xB7"}) {
    for (size_t at = text.find(sign); at != std::string_view::npos; at = text.find(sign, at + sign.size())) {
      ++lost;
    }
  }
  return lost;
}

}  // namespace

std::string undo_mojibake(std::string_view text, size_t& repaired) {
  repaired = 0;
  std::string out;
  bool sure = false;
  const char* p = text.data();
  const char* const end = p + text.size();
  const char* done = p;
  while (p != end) {
    // Leads are U+00C2..U+00F4 alone: C3 82 to C3 B4 in UTF-8.
    p = static_cast<const char*>(std::memchr(p, 0xC3, static_cast<size_t>(end - p)));
    if (p == nullptr) {
      break;
    }
    const Sequence found = read_sequence(p, end);
    if (found.end == nullptr) {
      ++p;
      continue;
    }
    out.append(done, p);
    out.append(found.bytes, found.size);
    sure |= found.sure;
    ++repaired;
    p = done = found.end;
  }
  if (!sure) {
    repaired = 0;
    return std::string(text);
  }
  out.append(done, end);
  return out;
}

UnicodeRepair::UnicodeRepair(const nlohmann::json& options)
    : mojibake_(options.at("mojibake")), controls_(options.at("controls")), max_lost_(options.at("max_lost")) {
  const std::vector<std::string> forms = {"none", "NFC", "NFKC"};
  const std::string form = options.at("form");
  const auto found = std::find(forms.begin(), forms.end(), form);
  if (found == forms.end()) {
    throw Error(ErrorKind::kUsage, "unicode_repair.form '" + form + "' is none", "", did_you_mean(form, forms));
  }
  form_ = static_cast<Form>(found - forms.begin());
  const std::string width = options.at("width");
  if (width != "keep" && width != "half") {
    throw Error(ErrorKind::kUsage, "unicode_repair.width '" + width + "' is none", "", "write keep or half");
  }
  half_width_ = width == "half";
}

std::vector<StepOption> UnicodeRepair::options() {
  return {{"mojibake", true, "UTF-8 read as Windows-1252 or Latin-1 is put right"},
          {"form", "NFC", "none, NFC or NFKC"},
          {"width", "keep", "half: full-width Latin letters, digits and signs become ASCII"},
          {"controls", true, "control characters are taken out"},
          threshold("max_lost", -1, "more characters lost beyond repair: dropped; -1: never", -1)};
}

std::vector<StepMetric> UnicodeRepair::metrics() {
  return {{"mojibake", "characters put together from mojibake"},
          {"width", "full-width characters made ASCII"},
          {"controls", "control characters taken out"},
          {"lost", "U+FFFD and other signs of text lost"}};
}

void UnicodeRepair::measure(DocumentView& document, Measures& out) const {
  std::string text(document.text());
  size_t repaired = 0;
  for (int round = 0; mojibake_ && round < 2; ++round) {
    size_t now = 0;
    text = undo_mojibake(text, now);
    repaired += now;
    if (now == 0) {
      break;
    }
  }
  size_t narrowed = 0;
  size_t removed = 0;
  std::string changed;
  changed.reserve(text.size());
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const char* const start = p;
    const uint8_t byte = static_cast<uint8_t>(*p);
    if (byte >= ' ' && byte < 0x7F) {
      ++p;
      changed += static_cast<char>(byte);
      continue;
    }
    bool valid;
    const char32_t code = decode_utf8(p, end, valid);
    if (controls_ && valid && is_control(code)) {
      ++removed;
    } else if (half_width_ && ((code >= 0xFF01 && code <= 0xFF5E && !is_kept_full_width(code)) || code == 0x3000)) {
      changed += code == 0x3000 ? ' ' : static_cast<char>(code - 0xFEE0);
      ++narrowed;
    } else {
      changed.append(start, p);
    }
  }
  if (form_ != Form::kNone) {
    changed = form_ == Form::kNfc ? to_nfc(changed) : to_nfkc(changed);
  }
  out.add(repaired);
  out.add(narrowed);
  out.add(removed);
  out.add(count_lost(changed));
  if (changed != document.text()) {
    document.set_text(std::move(changed));
  }
}

Verdict UnicodeRepair::decide(const Measures& measures) const {
  const double lost = measures.numbers.at(3);
  return max_lost_ >= 0 && lost > max_lost_ ? Verdict{false, "text_lost", lost} : Verdict{};
}

}  // namespace athanor
