// The filter striptags: markupsafe's Markup.striptags, with Python's html.unescape.
#include <algorithm>

#include "athanor/base/unicode.h"
#include "athanor/token/chat/filters.h"
#include "athanor/token/chat/html_entities.h"
#include "athanor/token/chat/py_text.h"

namespace athanor::chat {
namespace {

// A text with its marks that can be cut at its end.
struct Marked {
  std::string bytes;
  std::string marks;

  void add(const Str& str, size_t begin, size_t end) {
    bytes.append(str.data + begin, end - begin);
    if (str.marks != nullptr) {
      marks.append(reinterpret_cast<const char*>(str.marks) + begin, end - begin);
    } else {
      marks.append(end - begin, static_cast<char>(str.mark));
    }
  }
  void cut(size_t size) {
    bytes.resize(size);
    marks.resize(size);
  }
  // Valid while this text is not changed.
  Str view() const {
    Str str;
    str.data = bytes.data();
    str.size = static_cast<uint32_t>(bytes.size());
    str.marks = reinterpret_cast<const uint8_t*>(marks.data());
    return str;
  }
};

// Without <!-- comments -->, where what is left and right of one may form the next.
Marked without_comments(const Str& str) {
  Marked out;
  for (size_t at = 0; at < str.size;) {
    const size_t close = std::min(str.view().find('-', at), size_t{str.size} - 1) + 1;  // a comment opens with a dash
    out.add(str, at, close);
    at = close;
    if (!out.bytes.ends_with("<!--")) {
      continue;
    }
    // The dashes that open it may also close it: <!-->.
    const std::string_view rest = str.view().substr(at);
    const size_t later = rest.find("-->");
    const bool at_once = rest.starts_with('>') || rest.starts_with("->");
    if (!at_once && later == std::string_view::npos) {
      out.add(str, at, str.size);
      break;
    }
    out.cut(out.bytes.size() - 4);
    at += at_once ? rest.find('>') + 1 : later + 3;
  }
  return out;
}

// Without <tags>.
Marked without_tags(const Str& str) {
  Marked out;
  for (size_t at = 0; at < str.size;) {
    const size_t open = std::min(str.view().find('<', at), size_t{str.size});
    const size_t close = str.view().find('>', open);
    const size_t end = close == std::string_view::npos ? str.size : open;
    out.add(str, at, end);
    at = end == open && open < str.size ? close + 1 : size_t{str.size};
  }
  return out;
}

// Words with one space between them.
Marked with_single_spaces(const Str& str) {
  Marked out;
  for (size_t at = py_lstrip_size(str.view()); at < str.size;) {
    const char* p = str.data + at;
    const bool space = py_space(decode_utf8(p, str.data + str.size));
    const size_t next = static_cast<size_t>(p - str.data);
    if (!space) {
      out.add(str, at, next);
      at = next;
      continue;
    }
    at += py_lstrip_size(str.view().substr(at));
    if (at < str.size) {
      out.bytes += ' ';
      out.marks += static_cast<char>(kTemplate);
    }
  }
  return out;
}

const HtmlEntity* find_entity(std::string_view name) {
  const HtmlEntity* end = kHtmlEntities + kNumHtmlEntities;
  const HtmlEntity* found = std::lower_bound(kHtmlEntities, end, name, [](const HtmlEntity& entity, std::string_view n) {
    return std::string_view(entity.name) < n;
  });
  return found != end && found->name == name ? found : nullptr;
}

// The digits after &# or &#x at the start of text; 0: none.
size_t count_digits(std::string_view text, bool hex) {
  const auto* const digits = hex ? "0123456789abcdefABCDEF" : "0123456789";
  return std::min(text.find_first_not_of(digits), text.size());
}

bool is_no_text(uint32_t code) {
  return (code >= 1 && code <= 8) || code == 0xB || (code >= 0xE && code <= 0x1F) || code == 0x7F ||
         (code >= 0xFDD0 && code <= 0xFDEF) || (code & 0xFFFE) == 0xFFFE;
}

void add_number(Out& out, std::string_view digits, bool hex, uint8_t mark) {
  if (!hex && digits.size() > 4300) {
    Interp::fail("a character reference of more than 4300 digits");  // Python's limit
  }
  uint32_t code = 0;
  for (const char c : digits) {
    const auto digit = static_cast<uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    code = std::min(code * (hex ? 16 : 10) + digit, uint32_t{0x110000});
  }
  if (code == 0 || (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) {
    out.add_code(kReplacement, mark);
  } else if (code >= 0x80 && code < 0xA0) {
    out.add_code(kHtmlWindows[code - 0x80], mark);
  } else if (!is_no_text(code)) {
    out.add_code(code, mark);
  }
}

// What the regex [^\t\n\f <&#;]{1,32};? takes at the start of text, in bytes.
size_t name_size(std::string_view text) {
  const char* end = text.data() + text.size();
  const char* p = text.data();
  for (int i = 0; i < 32 && p < end && std::string_view("\t\n\f <&#;").find(*p) == std::string_view::npos; ++i) {
    decode_utf8(p, end);
  }
  const auto size = static_cast<size_t>(p - text.data());
  return size > 0 && p < end && *p == ';' ? size + 1 : size;
}

// Writes what the reference at str[at] == '&' stands for; gives where it ends.
size_t add_reference(Out& out, const Str& str, size_t at) {
  const uint8_t mark = str.mark_at(static_cast<uint32_t>(at));
  const std::string_view text = str.view().substr(at + 1);
  if (text.starts_with('#')) {
    const bool hex = text.size() > 1 && (text[1] | 0x20) == 'x';
    const size_t begin = hex ? 2 : 1;
    const size_t digits = count_digits(text.substr(begin), hex);
    if (digits == 0) {
      out.add('&', mark);
      return at + 1;
    }
    add_number(out, text.substr(begin, digits), hex, mark);
    const size_t end = begin + digits;
    return at + 1 + end + (text.substr(end).starts_with(';') ? 1 : 0);
  }
  const size_t size = name_size(text);
  const HtmlEntity* entity = size == 0 ? nullptr : find_entity(text.substr(0, size));
  size_t used = size;
  for (size_t shorter = size; entity == nullptr && shorter-- > 2;) {  // the longest name that the text begins with
    entity = find_entity(text.substr(0, shorter));
    used = shorter;
  }
  if (entity == nullptr) {
    out.add_part(str, at, at + 1 + size);
    return at + 1 + size;
  }
  out.add_code(entity->to[0], mark);
  if (entity->to[1] != 0) {
    out.add_code(entity->to[1], mark);
  }
  out.add_part(str, at + 1 + used, at + 1 + size);
  return at + 1 + size;
}

Value unescape(Interp& interp, const Str& str) {
  Out out(interp.limits().output_bytes);
  size_t at = 0;
  while (at < str.size) {
    const size_t next = std::min(str.view().find('&', at), size_t{str.size});
    out.add_part(str, at, next);
    interp.step();
    at = next < str.size ? add_reference(out, str, next) : next;
  }
  return Value::of(out.finish(interp.arena()));
}

Value strip_tags(Interp& interp, const Value& value, const Bind&) {
  const Str& str = soft_str(interp, value);
  interp.charge_text(size_t{str.size} * 16);
  const Marked text = without_tags(without_comments(str).view());
  return unescape(interp, with_single_spaces(text.view()).view());
}

}  // namespace

std::vector<Filter> html_filters() { return {{"striptags", strip_tags}}; }

}  // namespace athanor::chat
