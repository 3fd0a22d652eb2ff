// The filter wordwrap: Python's textwrap.wrap, line by line.
#include "athanor/base/unicode.h"
#include "athanor/token/chat/filters.h"
#include "athanor/token/chat/py_text.h"

namespace athanor::chat {
namespace {

struct Wrap {
  double width;  // Python takes a float too
  bool whole_width;
  bool break_long_words;
  bool split_at_hyphens;   // break_on_hyphens is True
  bool break_at_hyphens;   // break_on_hyphens is truthy
};

bool is_blank(char32_t code) { return code == ' ' || (code >= 9 && code <= 13); }  // textwrap's own six
bool is_word(char32_t code) { return code == '_' || py_alpha(code) || py_digit(code) || py_numeric(code); }
bool is_letter_of_word(char32_t code) { return is_word(code) && !py_decimal(code); }
bool ends_word(char32_t code) {
  return is_word(code) || code == '!' || code == '"' || code == '\'' || code == '&' || code == '.' || code == ',' ||
         code == '?';
}

// Cuts a line into textwrap's chunks, one after the other: runs of blanks, words, parts of words with hyphens.
class Chunks {
 public:
  Chunks(const Str& line, bool hyphens) : text_(line.view()), hyphens_(hyphens) { next(); }

  bool empty() const { return begin_ == text_.size(); }
  size_t begin() const { return begin_; }
  size_t end() const { return end_; }
  int64_t num_chars() const { return num_chars_; }

  void next() {
    begin_ = end_;
    num_chars_ = 0;
    if (empty()) {
      return;
    }
    if (is_blank(static_cast<unsigned char>(text_[begin_]))) {
      take_blanks();
    } else if (!(hyphens_ && take_dash())) {
      take_word();
    }
  }

  // Takes the first bytes off the chunk, to the offset `to`.
  void shorten(size_t to, int64_t num_chars) {
    begin_ = to;
    num_chars_ -= num_chars;
    if (begin_ == end_) {
      next();
    }
  }

 private:
  char32_t look(size_t at, size_t* after = nullptr) const {  // 0 at the end
    if (at >= text_.size()) {
      return 0;
    }
    const char* p = text_.data() + at;
    const char32_t code = decode_utf8(p, text_.data() + text_.size());
    if (after != nullptr) {
      *after = static_cast<size_t>(p - text_.data());
    }
    return code;
  }

  // The code points before end_, the nearest first; 0 beyond the line.
  void push(char32_t code) {
    before_[2] = before_[1];
    before_[1] = before_[0];
    before_[0] = code;
    ++num_chars_;
  }

  void take_blanks() {
    while (end_ < text_.size() && is_blank(static_cast<unsigned char>(text_[end_]))) {
      push(static_cast<unsigned char>(text_[end_++]));
    }
  }

  // Two or more dashes at `at`, with a word after them; gives where they end, 0: none.
  size_t dashes(size_t at) const {
    size_t to = at;
    while (to < text_.size() && text_[to] == '-') {
      ++to;
    }
    return to - at >= 2 && is_word(look(to)) ? to : 0;
  }

  bool take_dash() {
    const size_t to = ends_word(before_[0]) ? dashes(end_) : 0;
    while (end_ < to) {
      push('-');
      ++end_;
    }
    return to > 0;
  }

  // Is the character at end_ a hyphen inside a word, after and before two letters (or a letter, a hyphen, a letter)?
  bool at_hyphen() const {
    if (text_[end_] != '-' || !is_letter_of_word(before_[0]) ||
        !(is_letter_of_word(before_[1]) || (before_[1] == '-' && is_letter_of_word(before_[2])))) {
      return false;
    }
    size_t at = end_ + 1;
    if (!is_letter_of_word(look(at, &at))) {
      return false;
    }
    at += look(at) == '-' ? 1 : 0;
    return is_letter_of_word(look(at));
  }

  void take_word() {
    do {
      size_t after = 0;
      const char32_t code = look(end_, &after);
      push(code);
      end_ = after;
      if (end_ == text_.size() || is_blank(static_cast<unsigned char>(text_[end_]))) {
        return;
      }
      if (hyphens_ && at_hyphen()) {
        push('-');
        ++end_;
        return;
      }
    } while (!(hyphens_ && ends_word(before_[0]) && text_[end_] == '-' && dashes(end_) > 0));
  }

  std::string_view text_;
  bool hyphens_;
  size_t begin_ = 0;
  size_t end_ = 0;
  int64_t num_chars_ = 0;
  char32_t before_[3] = {};
};

bool is_space(std::string_view text) { return py_lstrip_size(text) == text.size(); }

// Of a chunk that is too long for a line: where the part for this line ends, and how many characters it has.
std::pair<size_t, int64_t> break_chunk(const Str& line, const Chunks& chunks, const Wrap& wrap, double room) {
  if (!wrap.whole_width && wrap.width >= 1) {
    Interp::fail("wordwrap cannot break a word at a width that is no integer");
  }
  const int64_t space = wrap.width < 1 ? 1 : static_cast<int64_t>(room);
  size_t at = chunks.begin();
  int64_t taken = 0;
  std::pair<size_t, int64_t> hyphen = {0, 0};
  bool other = false;  // a character that is no hyphen
  for (; taken < space && at < chunks.end(); ++taken) {
    const bool dash = line.data[at] == '-';
    if (dash && other) {
      hyphen = {at + 1, taken + 1};
    }
    other = other || !dash;
    do {
      ++at;
    } while (at < chunks.end() && (static_cast<unsigned char>(line.data[at]) & 0xC0) == 0x80);
  }
  return wrap.break_at_hyphens && chunks.num_chars() > space && hyphen.second > 0 ? hyphen : std::pair{at, taken};
}

// The lines that come out, with a text between any two.
class Lines {
 public:
  Lines(Interp& interp, const Str& between) : interp_(interp), between_(between), out_(interp.limits().output_bytes) {}

  void add(const Str& line, size_t begin, size_t end) {
    interp_.charge_text(size_t{between_.size} + (end - begin));
    if (any_) {
      out_.add(between_);
    }
    any_ = true;
    if (!between_.markup) {
      out_.add_part(line, begin, end);
      return;
    }
    Str plain = *part_of(interp_.arena(), line, begin, end);
    plain.markup = false;
    out_.add(*interp_.escape(Value::of(&plain)));
  }

  Value finish() {
    Str all = *out_.finish(interp_.arena());
    all.markup = between_.markup;
    return Value::of(interp_.arena().make<Str>(all));
  }

 private:
  Interp& interp_;
  const Str& between_;
  Out out_;
  bool any_ = false;
};

void wrap_line(Interp& interp, const Str& line, const Wrap& wrap, Lines& lines) {
  if (!(wrap.width > 0)) {
    Interp::fail("wordwrap needs a width above 0");
  }
  interp.charge_text(size_t{line.size} * 8);
  bool any = false;
  for (Chunks chunks(line, wrap.split_at_hyphens); !chunks.empty();) {
    interp.step(2);
    if (any && is_space(line.view().substr(chunks.begin(), chunks.end() - chunks.begin()))) {
      chunks.next();
    }
    const size_t begin = chunks.begin();
    size_t last = begin;  // where the last chunk of the line begins
    size_t end = begin;
    double length = 0;
    for (; !chunks.empty() && length + static_cast<double>(chunks.num_chars()) <= wrap.width; chunks.next()) {
      length += static_cast<double>(chunks.num_chars());
      last = chunks.begin();
      end = chunks.end();
    }
    if (!chunks.empty() && static_cast<double>(chunks.num_chars()) > wrap.width) {
      if (wrap.break_long_words) {
        const auto [to, num_chars] = break_chunk(line, chunks, wrap, wrap.width - length);
        last = chunks.begin();
        end = to;
        chunks.shorten(to, num_chars);
      } else if (begin == end) {
        end = chunks.end();
        chunks.next();
      }
    }
    end = is_space(line.view().substr(last, end - last)) ? last : end;
    if (end > begin) {
      lines.add(line, begin, end);
      any = true;
    }
  }
  if (!any) {
    lines.add(line, 0, 0);
  }
}

void read_width(const Value& width, Wrap& wrap) {
  if (width.is(Kind::kMissing)) {
    return;
  }
  if (!width.is_number()) {
    Interp::fail(std::string("wordwrap needs a number for its width, not a ") + type_name(width));
  }
  wrap.width = width.to_real();
  wrap.whole_width = width.is_integral();
}

Value word_wrap(Interp& interp, const Value& value, const Bind& args) {
  if (!value.is_str()) {
    interp.check_defined(value);
    Interp::fail(std::string("wordwrap needs a string, not a ") + type_name(value));
  }
  const Value& joint = args[2];
  if (!joint.is(Kind::kMissing) && !joint.is(Kind::kNone) && !joint.is_str()) {
    Interp::fail(std::string("wordwrap joins lines with a string, not a ") + type_name(joint));
  }
  const auto flag = [](const Value& given) { return given.is(Kind::kMissing) || is_true(given); };
  const Value& hyphens = args[3];
  Wrap wrap{79, true, flag(args[1]), (hyphens.is(Kind::kMissing) || hyphens.is(Kind::kBool)) && flag(hyphens),
            flag(hyphens)};
  Lines lines(interp, joint.is_str() ? *joint.str : *make_str(interp.arena(), "\n", kTemplate));
  for (const Value& line : split_lines(interp, *value.str, false)) {
    read_width(args[0], wrap);  // an empty text has no use for it
    wrap_line(interp, *line.str, wrap, lines);
  }
  return lines.finish();
}

}  // namespace

std::vector<Filter> wrap_filters() {
  return {{"wordwrap", word_wrap, {"width", "break_long_words", "wrapstring", "break_on_hyphens"}}};
}

}  // namespace athanor::chat
