#include "athanor/classic/text_cut.h"

#include "athanor/base/error.h"
#include "athanor/base/lower.h"
#include "athanor/base/unicode.h"

namespace athanor {

namespace {

constexpr std::string_view kBlankToken = "\xE2\x96\x81";  // U+2581

// Written without blanks around it.
bool stands_alone(char32_t code) {
  if (code < 0x2E80) {
    return false;
  }
  return (code >= 0x3000 && code <= 0x30FF) || (code >= 0x31F0 && code <= 0x31FF) ||  // CJK punctuation, kana
         (code >= 0xFF00 && code <= 0xFF0F) || (code >= 0xFF1A && code <= 0xFF20) ||  // full-width punctuation
         (code >= 0xFF61 && code <= 0xFF9F) || is_han(code);
}

void add_blank(std::string& out) {
  if (!out.empty() && out.back() != ' ') {
    out.push_back(' ');
  }
}

}  // namespace

TextCut text_cut(std::string_view name, const std::string& where) {
  for (const TextCut cut : {TextCut::kWords, TextCut::kCharacters, TextCut::kMixed}) {
    if (name == name_of(cut)) {
      return cut;
    }
  }
  throw Error(ErrorKind::kInput, "unknown way to cut text: '" + std::string(name) + "'", where,
              "words, characters or mixed");
}

const char* name_of(TextCut cut) {
  return cut == TextCut::kWords ? "words" : cut == TextCut::kCharacters ? "characters" : "mixed";
}

void cut_text(std::string_view text, TextCut cut, bool lowercase, std::string& out) {
  out.clear();
  if (cuts_nothing(cut, lowercase)) {
    out.assign(text);
    return;
  }
  const char* p = text.data();
  const char* end = p + text.size();
  bool in_blank = true;  // leading white space is no token
  while (p != end) {
    char32_t code = decode_utf8(p, end);
    if (is_space(code) || code == 0) {
      if (!in_blank) {
        add_blank(out);
        in_blank = true;
      }
      continue;
    }
    if (cut == TextCut::kCharacters) {
      if (in_blank && !out.empty()) {
        out.append(kBlankToken);
      }
      add_blank(out);
    }
    in_blank = false;
    const bool alone = cut == TextCut::kMixed && stands_alone(code);
    if (alone) {
      add_blank(out);
    }
    append_utf8(out, lowercase ? to_lower(code) : code);
    if (alone) {
      out.push_back(' ');
    }
  }
  if (!out.empty() && out.back() == ' ') {
    out.pop_back();
  }
}

std::string cut_text(std::string_view text, TextCut cut, bool lowercase) {
  std::string out;
  cut_text(text, cut, lowercase, out);
  return out;
}

}  // namespace athanor
