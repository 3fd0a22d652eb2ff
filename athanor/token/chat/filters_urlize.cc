// The filter urlize: links around the addresses in a text, as jinja2's urlize makes them.
#include <algorithm>

#include "athanor/base/unicode.h"
#include "athanor/token/chat/filters.h"
#include "athanor/token/chat/py_text.h"

namespace athanor::chat {
namespace {

bool is_word(char32_t code) { return code == '_' || py_alpha(code) || py_digit(code) || py_numeric(code); }

// What Python's re takes for an ASCII letter when case does not count: also the dotted capital and the dotless small
// i, the long s and the sign of Kelvin. Small letter, or the code itself.
char32_t fold_letter(char32_t code) {
  if (code >= 'A' && code <= 'Z') {
    return code + 32;
  }
  return code == 0x130 || code == 0x131 ? 'i' : code == 0x17F ? 's' : code == 0x212A ? 'k' : code;
}

bool is_letter(char32_t code) {
  const char32_t folded = fold_letter(code);
  return folded >= 'a' && folded <= 'z';
}

bool is_hex(char32_t code) { return (fold_letter(code) >= 'a' && fold_letter(code) <= 'f') || py_decimal(code); }

// A word's code points with their byte offsets, to be matched from the left.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  explicit operator bool() const { return at_ < text_.size(); }
  size_t at() const { return at_; }
  char32_t peek() const {  // 0 at the end
    if (at_ == text_.size()) {
      return 0;
    }
    const char* p = text_.data() + at_;
    return decode_utf8(p, text_.data() + text_.size());
  }
  char32_t take() {
    const char* p = text_.data() + at_;
    const char32_t code = decode_utf8(p, text_.data() + text_.size());
    at_ = static_cast<size_t>(p - text_.data());
    return code;
  }
  // Takes `letters` (ASCII, small) where the text has them in any case.
  bool skip(std::string_view letters) {
    Reader ahead = *this;
    for (const char c : letters) {
      if (!ahead || fold_letter(ahead.take()) != static_cast<char32_t>(c)) {
        return false;
      }
    }
    *this = ahead;
    return true;
  }
  template <typename Test>
  int64_t skip_while(Test&& test, int64_t most) {
    int64_t taken = 0;
    for (; taken < most && *this && test(peek()); ++taken) {
      take();
    }
    return taken;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

constexpr int64_t kAny = INT64_MAX;

// (:digits)? and a path, to the end.
bool ends_address(Reader rest) {
  if (rest.skip(":")) {
    if (rest.skip_while(py_decimal, 5) == 0) {
      return false;
    }
  }
  return !rest || rest.peek() == '/' || rest.peek() == '?' || rest.peek() == '#';
}

bool is_plain_top(Reader label) {
  const int64_t letters = label.skip_while(is_letter, 64);
  return letters >= 2 && letters <= 63 && !label;
}

bool is_idna_top(Reader label) {
  const bool marked = label.skip("xn--");
  const int64_t more = label.skip_while([](char32_t c) { return is_word(c) || c == '%'; }, 60);
  return marked && more >= 2 && more <= 59 && !label;
}

bool is_known_top(std::string_view label) {
  static constexpr std::string_view kKnown[] = {"com", "net", "int", "edu", "gov", "org", "info", "mil"};
  return std::any_of(std::begin(kKnown), std::end(kKnown), [&](std::string_view known) {
    Reader reader(label);
    return reader.skip(known) && !reader;
  });
}

// name.name.top: does it end as the address of a host does, and have all names before that a fitting length?
template <typename Top>
bool is_host(std::string_view host, int64_t shortest, int64_t longest, int64_t fewest_names, Top&& is_top) {
  int64_t names = 0;
  for (;; ++names) {
    const size_t dot = host.find('.');
    if (dot == std::string_view::npos) {
      return names >= fewest_names && is_top(host);
    }
    const auto size = static_cast<int64_t>(count_code_points(host.substr(0, dot)));
    if (size < shortest || size > longest) {
      return false;
    }
    host.remove_prefix(dot + 1);
  }
}

bool is_ipv4(Reader reader) {
  for (int i = 0; i < 4; ++i) {
    if ((i > 0 && !reader.skip(".")) || reader.skip_while(py_decimal, 3) == 0) {
      return false;
    }
  }
  return ends_address(reader);
}

bool is_ipv6(Reader reader) {
  if (!reader.skip("[")) {
    return false;
  }
  for (int i = 0; i < 2; ++i) {
    reader.skip_while(is_hex, 4);
    if (!reader.skip(":")) {
      return false;
    }
  }
  for (int i = 0; i < 6; ++i) {
    reader.skip_while(is_hex, 4);
    reader.skip(":");
  }
  return reader.skip("]") && ends_address(reader);
}

bool is_web_address(std::string_view text) {
  Reader reader(text);
  const bool http = reader.skip("http://") || reader.skip("https://");
  const auto has_host = [&](Reader from, int64_t shortest, int64_t longest, int64_t fewest_names, auto&& is_top) {
    const size_t begin = from.at();
    from.skip_while([](char32_t c) { return is_word(c) || c == '%' || c == '-' || c == '.'; }, kAny);
    return ends_address(from) &&
           is_host(text.substr(begin, from.at() - begin), shortest, longest, fewest_names, is_top);
  };
  const auto any_top = [](std::string_view label) { return is_plain_top(Reader(label)) || is_idna_top(Reader(label)); };
  if (http) {
    return has_host(reader, 1, kAny, 0, any_top) || is_ipv4(reader) || is_ipv6(reader);
  }
  return (reader.skip("www.") && has_host(reader, 1, kAny, 0, any_top)) ||
         has_host(Reader(text), 2, 63, 1, is_known_top);
}

bool is_mail_address(std::string_view text) {
  const size_t sign = text.rfind('@');
  if (sign == std::string_view::npos || sign == 0) {
    return false;
  }
  const std::string_view host = text.substr(sign + 1);
  const size_t dot = host.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == host.size()) {
    return false;
  }
  Reader reader(host);
  if (!is_word(reader.take())) {
    return false;
  }
  while (reader.at() < dot) {
    const char32_t code = reader.take();
    if (!is_word(code) && code != '.' && code != '-') {
      return false;
    }
  }
  reader.take();
  reader.skip_while(is_word, kAny);
  return !reader;
}

// One word: before [middle, tail) come opening brackets, from tail on closing brackets, dots and commas.
struct Word {
  const Str& str;
  size_t middle;
  size_t tail;
  std::string_view text() const { return str.view().substr(middle, tail - middle); }
};

size_t count(std::string_view text, std::string_view what) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; at += what.size()) {
    ++found;
  }
  return found;
}

Word parts_of(const Str& str) {
  const std::string_view all = str.view();
  Word word{str, 0, all.size()};
  for (;;) {
    const std::string_view rest = all.substr(word.middle);
    const size_t size = rest.starts_with('(') || rest.starts_with('<') ? 1 : rest.starts_with("&lt;") ? 4 : 0;
    if (size == 0) {
      break;
    }
    word.middle += size;
  }
  for (;;) {
    const std::string_view rest = word.text();
    const bool one = !rest.empty() && std::string_view(")>.,").find(rest.back()) != std::string_view::npos;
    const size_t size = one ? 1 : rest.ends_with("&gt;") ? 4 : 0;
    if (size == 0) {
      break;
    }
    word.tail -= size;
  }
  // A bracket that opens inside takes its other half back.
  static constexpr std::pair<std::string_view, std::string_view> kPairs[] = {{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}};
  for (const auto& [open, close] : kPairs) {
    const size_t opened = count(word.text(), open);
    if (opened <= count(word.text(), close)) {
      continue;
    }
    for (size_t left = std::min(opened, count(all.substr(word.tail), close)); left > 0; --left) {
      word.tail = all.find(close, word.tail) + close.size();
    }
  }
  return word;
}

struct Links {
  Value trim;
  const Str* attributes;  // rel and target, ready
  std::vector<const Str*> schemes;
};

void add_label(Interp& interp, Out& out, const Str& label, const Value& trim) {
  if (trim.is(Kind::kMissing) || trim.is(Kind::kNone)) {
    out.add(label);
    return;
  }
  if (!trim.is_number()) {
    Interp::fail(std::string("urlize trims to a number of characters, not to a ") + type_name(trim));
  }
  const int64_t size = count_chars(label);
  if (static_cast<double>(size) <= trim.to_real()) {
    out.add(label);
    return;
  }
  const Value none = Value::none();
  out.add(*interp.slice(Value::of(&label), none, trim, none).str);
  out.add("...", kTemplate);
}

// <a href="PREFIX LABEL" ATTRIBUTES>SHOWN</a>
void add_link(Out& out, std::string_view prefix, const Str& address, const Str* attributes) {
  out.add("<a href=\"", kTemplate);
  out.add(prefix, kTemplate);
  out.add(address);
  out.add('"', kTemplate);
  if (attributes != nullptr) {
    out.add(*attributes);
  }
  out.add('>', kTemplate);
}

void add_word(Interp& interp, Out& out, const Str& str, const Links& links) {
  const Word word = parts_of(str);
  const std::string_view text = word.text();
  const Str& middle = *part_of(interp.arena(), str, word.middle, word.tail);
  out.add_part(str, 0, word.middle);
  bool link = true;
  if (is_web_address(text)) {
    const bool whole = text.starts_with("https://") || text.starts_with("http://");
    add_link(out, whole ? "" : "https://", middle, links.attributes);
    add_label(interp, out, middle, links.trim);
  } else if (text.starts_with("mailto:") && is_mail_address(text.substr(7))) {
    add_link(out, "", middle, nullptr);
    out.add_part(middle, 7, middle.size);
  } else if (!text.starts_with("www.") && !text.starts_with('@') && text.find(':') == std::string_view::npos &&
             is_mail_address(text)) {
    add_link(out, "mailto:", middle, nullptr);
    out.add(middle);
  } else {
    link = std::any_of(links.schemes.begin(), links.schemes.end(), [&](const Str* scheme) {
      return text != scheme->view() && text.starts_with(scheme->view());
    });
    if (link) {
      add_link(out, "", middle, links.attributes);
    }
    out.add(middle);
  }
  out.add(link ? "</a>" : "", kTemplate);
  out.add_part(str, word.tail, str.size);
}

// What the regex [\w.+-]{2,}:(/){0,2} takes as a whole.
bool is_scheme(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.substr(colon + 1).size() > 2 ||
      text.find_first_not_of('/', colon + 1) != std::string_view::npos) {
    return false;
  }
  Reader reader(text.substr(0, colon));
  return reader.skip_while([](char32_t c) { return is_word(c) || c == '.' || c == '+' || c == '-'; }, kAny) >= 2 &&
         !reader;
}

std::vector<const Str*> schemes_of(Interp& interp, const Value& value) {
  std::vector<const Str*> schemes;
  if (value.is(Kind::kMissing) || value.is(Kind::kNone)) {
    return schemes;
  }
  for (const Value& scheme : interp.to_vector(value)) {
    if (!scheme.is_str() || !is_scheme(scheme.text())) {
      Interp::fail("urlize: " + std::string(interp.text_of(scheme).substr(0, 100)) + " is no scheme of an address",
                   "write it with its colon: 'tel:'");
    }
    schemes.push_back(scheme.str);
  }
  if (value.is(Kind::kIter)) {
    schemes.clear();  // jinja2 reads the sequence twice: the check uses it up
  }
  return schemes;
}

// rel: its words, each once and in order, with noopener and perhaps nofollow.
const Str* attributes_of(Interp& interp, const Value& rel, bool nofollow, const Value& target) {
  std::vector<Value> words = {interp.new_str("noopener")};
  if (nofollow) {
    words.push_back(interp.new_str("nofollow"));
  }
  if (!rel.is(Kind::kMissing) && is_true(rel)) {
    if (!rel.is_str()) {
      Interp::fail(std::string("urlize takes a string for rel, not a ") + type_name(rel));
    }
    const std::vector<Value> given = split(interp, *rel.str, nullptr, -1, false);
    words.insert(words.end(), given.begin(), given.end());
  }
  interp.step(static_cast<int64_t>(words.size()) * 4);
  std::stable_sort(words.begin(), words.end(), [](const Value& a, const Value& b) { return a.text() < b.text(); });
  words.erase(std::unique(words.begin(), words.end(), [](auto& a, auto& b) { return a.text() == b.text(); }), words.end());
  Str joined = *join(interp, *interp.new_str(" ").str, words, false).str;
  joined.markup = false;
  Out out(interp.limits().output_bytes);
  out.add(" rel=\"", kTemplate);
  out.add(*interp.escape(Value::of(&joined)));
  out.add('"', kTemplate);
  if (!target.is(Kind::kMissing) && is_true(target)) {
    out.add(" target=\"", kTemplate);
    out.add(*interp.escape(target));
    out.add('"', kTemplate);
  }
  return out.finish(interp.arena());
}

Value urlize(Interp& interp, const Value& value, const Bind& args) {
  const Links links{args[0], attributes_of(interp, args[3], flag_argument(args[1]), args[2]),
                    schemes_of(interp, args[4])};
  Str str = *interp.escape(value);
  str.markup = false;
  interp.charge_text(size_t{str.size} * 32);
  Out out(interp.limits().output_bytes);
  for (size_t at = 0; at < str.size;) {
    const size_t begin = at;
    at += py_lstrip_size(str.view().substr(at));
    out.add_part(str, begin, at);
    const size_t word = at;
    while (at < str.size) {
      const char* p = str.data + at;
      if (py_space(decode_utf8(p, str.data + str.size))) {
        break;
      }
      at = static_cast<size_t>(p - str.data);
    }
    if (at > word) {
      interp.step(static_cast<int64_t>(1 + links.schemes.size()));
      interp.charge_text(links.attributes->size);
      add_word(interp, out, *part_of(interp.arena(), str, word, at), links);
    }
  }
  return Value::of(out.finish(interp.arena()));
}

}  // namespace

std::vector<Filter> url_filters() {
  return {{"urlize", urlize, {"trim_url_limit", "nofollow", "target", "rel", "extra_schemes"}}};
}

}  // namespace athanor::chat
