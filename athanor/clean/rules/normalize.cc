#include "athanor/clean/rules/normalize.h"

#include "athanor/base/unicode.h"

namespace athanor {

namespace {

bool is_invisible(char32_t code) {
  return code == 0x200B || code == 0xFEFF || code == 0xAD || code == 0x200E || code == 0x200F ||
         (code >= 0x202A && code <= 0x202E) || (code >= 0x2060 && code <= 0x2064) ||
         (code >= 0x2066 && code <= 0x2069);
}

bool is_joiner(char32_t code) { return code == 0x200C || code == 0x200D; }

bool is_line_end(char32_t code) { return code == '\n' || code == 0x85 || code == 0x2028 || code == 0x2029; }

// Collects visible characters, and decides on blanks and line feeds only when the next visible one comes.
class Writer {
 public:
  Writer(std::string& out, int64_t max_blank_lines, bool collapse)
      : out_(out), max_feeds_(max_blank_lines + 1), collapse_(collapse) {}

  void feed() {
    blanks_.clear();
    has_tab_ = false;
    ++feeds_;
    previous_ = '\n';
  }

  void blank(char32_t code) {
    append_utf8(blanks_, code);
    has_tab_ |= code == '\t';
    previous_ = ' ';
  }

  void visible(const char* begin, const char* end, char32_t code) {
    settle();
    out_.append(begin, end);
    previous_ = code;
  }

  void replacement() {
    settle();
    append_utf8(out_, kReplacement);
    previous_ = kReplacement;
  }

  char32_t previous() const { return previous_; }

 private:
  void settle() {
    if (feeds_ > 0) {
      if (!out_.empty()) {
        out_.append(static_cast<size_t>(std::min(feeds_, max_feeds_)), '\n');
      }
      feeds_ = 0;
    }
    if (!blanks_.empty()) {
      if (!collapse_) {
        out_ += blanks_;
      } else if (!out_.empty()) {
        out_ += has_tab_ ? '\t' : ' ';
      }
      blanks_.clear();
    }
    has_tab_ = false;
  }

  std::string& out_;
  const int64_t max_feeds_;
  const bool collapse_;
  int64_t feeds_ = 0;
  std::string blanks_;
  bool has_tab_ = false;
  char32_t previous_ = '\n';
};

// The common case: printable ASCII that is not a blank, taken in one piece.
const char* skip_printable(const char* p, const char* end) {
  while (p != end && *p > ' ' && *p < 0x7F) {
    ++p;
  }
  return p;
}

}  // namespace

Normalize::Normalize(const nlohmann::json& options)
    : max_blank_lines_(options.at("max_blank_lines")), collapse_spaces_(options.at("collapse_spaces")) {}

std::vector<StepOption> Normalize::options() {
  return {{"max_blank_lines", 2, "more blank lines in a row than this are cut", 0, 1000},
          {"collapse_spaces", true, "runs of blanks become one; false keeps indentation, for code"}};
}

std::vector<StepMetric> Normalize::metrics() {
  return {{"removed", "control and invisible characters taken out"},
          {"repaired", "ill-formed byte sequences that became U+FFFD"}};
}

void Normalize::measure(DocumentView& document, Measures& measures) const {
  const std::string_view text = document.text();
  size_t removed = 0;
  size_t repaired = 0;
  std::string out;
  out.reserve(text.size());
  Writer writer(out, max_blank_lines_, collapse_spaces_);
  const char* p = text.data();
  const char* const end = p + text.size();
  bool ascii = true;
  while (p != end) {
    const char* const start = p;
    p = skip_printable(p, end);
    if (p != start) {
      writer.visible(start, p, static_cast<char32_t>(p[-1]));
      continue;
    }
    bool valid;
    const char32_t code = decode_utf8(p, end, valid);
    ascii &= code < 0x80;
    if (!valid) {
      ++repaired;
      writer.replacement();
    } else if (code == '\r') {
      p += p != end && *p == '\n';
      writer.feed();
    } else if (is_line_end(code)) {
      writer.feed();
    } else if (code == '\t' || category_of(code) == Category::kZs) {
      writer.blank(code);
    } else if (category_of(code) == Category::kCc || is_invisible(code) ||
               (is_joiner(code) && writer.previous() < 0x80)) {
      ++removed;
    } else {
      writer.visible(start, p, code);
    }
  }
  document.set_text(ascii ? std::move(out) : to_nfc(out));
  measures.add(removed);
  measures.add(repaired);
}

}  // namespace athanor
