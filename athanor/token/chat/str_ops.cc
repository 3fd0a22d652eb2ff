#include "athanor/token/chat/str_ops.h"

#include <algorithm>
#include <cstring>

#include "athanor/base/unicode.h"
#include "athanor/token/chat/py_text.h"

namespace athanor::chat {
namespace {

// Byte offset where the code point before `end` begins.
size_t before(const Str& str, size_t end) {
  size_t at = end - 1;
  while (at > 0 && (static_cast<unsigned char>(str.data[at]) & 0xC0) == 0x80) {
    --at;
  }
  return at;
}

char32_t code_at(const Str& str, size_t at, size_t& next) {
  const char* p = str.data + at;
  const char32_t code = decode_utf8(p, str.data + str.size);
  next = static_cast<size_t>(p - str.data);
  return code;
}

std::vector<Value> split_space(Interp& interp, const Str& str, int64_t limit) {
  std::vector<Value> parts;
  size_t at = 0;
  while (at < str.size) {
    at += py_lstrip_size(str.view().substr(at));
    if (at == str.size) {
      break;
    }
    if (limit >= 0 && static_cast<int64_t>(parts.size()) == limit) {
      parts.push_back(interp.part(str, at, str.size));
      break;
    }
    const size_t begin = at;
    for (size_t next = at; at < str.size && !py_space(code_at(str, at, next)); at = next) {
    }
    interp.step();
    parts.push_back(interp.part(str, begin, at));
  }
  return parts;
}

std::vector<Value> rsplit_space(Interp& interp, const Str& str, int64_t limit) {
  std::vector<Value> parts;
  size_t end = py_rstrip_size(str.view());
  while (end > 0) {
    if (limit >= 0 && static_cast<int64_t>(parts.size()) == limit) {
      parts.push_back(interp.part(str, 0, end));
      break;
    }
    size_t begin = end;
    for (size_t next = 0; begin > 0 && !py_space(code_at(str, before(str, begin), next));) {
      begin = before(str, begin);
    }
    interp.step();
    parts.push_back(interp.part(str, begin, end));
    end = py_rstrip_size(str.view().substr(0, begin));
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

}  // namespace

Value strip(Interp& interp, const Str& str, const Str* chars, Side side) {
  interp.charge_text(str.size);
  const bool left = (static_cast<int>(side) & 1) != 0;
  const bool right = (static_cast<int>(side) & 2) != 0;
  size_t begin = 0;
  size_t end = str.size;
  if (chars == nullptr) {
    begin = left ? py_lstrip_size(str.view()) : 0;
    end = right ? std::max(begin, py_rstrip_size(str.view())) : end;
    return interp.part(str, begin, end);
  }
  interp.charge_text(chars->size * size_t{str.size});
  const auto is_one = [&](size_t at, size_t next) {
    return memmem(chars->data, chars->size, str.data + at, next - at) != nullptr;
  };
  for (size_t next = 0; left && begin < end; begin = next) {
    code_at(str, begin, next);
    if (!is_one(begin, next)) {
      break;
    }
  }
  while (right && end > begin && is_one(before(str, end), end)) {
    end = before(str, end);
  }
  return interp.part(str, begin, end);
}

size_t find_in(const Str& str, std::string_view what, size_t begin, size_t end, bool last) {
  if (begin > end || what.size() > end - begin) {
    return std::string_view::npos;
  }
  if (last) {
    const size_t at = str.view().substr(0, end).rfind(what);
    return at == std::string_view::npos || at < begin ? std::string_view::npos : at;
  }
  if (what.empty()) {
    return begin;
  }
  const void* found = memmem(str.data + begin, end - begin, what.data(), what.size());
  return found == nullptr ? std::string_view::npos : static_cast<size_t>(static_cast<const char*>(found) - str.data);
}

std::vector<Value> split(Interp& interp, const Str& str, const Str* separator, int64_t limit, bool from_right) {
  interp.charge_text(str.size * 2);
  if (separator == nullptr) {
    return from_right ? rsplit_space(interp, str, limit) : split_space(interp, str, limit);
  }
  if (separator->size == 0) {
    Interp::fail("an empty separator");
  }
  std::vector<Value> parts;
  size_t begin = 0;
  size_t end = str.size;
  while (limit < 0 || static_cast<int64_t>(parts.size()) < limit) {
    const size_t at = find_in(str, separator->view(), begin, end, from_right);
    if (at == std::string_view::npos) {
      break;
    }
    interp.step();
    if (from_right) {
      parts.push_back(interp.part(str, at + separator->size, end));
      end = at;
    } else {
      parts.push_back(interp.part(str, begin, at));
      begin = at + separator->size;
    }
  }
  parts.push_back(interp.part(str, begin, end));
  if (from_right) {
    std::reverse(parts.begin(), parts.end());
  }
  return parts;
}

std::vector<Value> split_lines(Interp& interp, const Str& str, bool keep_ends) {
  interp.charge_text(str.size * 2);
  std::vector<Value> lines;
  size_t begin = 0;
  for (size_t at = 0, next = 0; at < str.size; at = next) {
    const char32_t code = code_at(str, at, next);
    if (!py_line_break(code)) {
      continue;
    }
    if (code == '\r' && next < str.size && str.data[next] == '\n') {
      ++next;
    }
    interp.step();
    lines.push_back(interp.part(str, begin, keep_ends ? next : at));
    begin = next;
  }
  if (begin < str.size) {
    lines.push_back(interp.part(str, begin, str.size));
  }
  return lines;
}

Value replace(Interp& interp, const Str& str, const Str& from, const Str& to, int64_t limit) {
  interp.charge_text(str.size * 2);
  Out out(interp.limits().output_bytes);
  size_t begin = 0;
  size_t at = 0;
  for (int64_t done = 0; limit < 0 || done < limit; ++done) {
    const size_t found = find_in(str, from.view(), at, str.size, false);
    if (found == std::string_view::npos) {
      break;
    }
    interp.charge_text(to.size);
    out.add_part(str, begin, found);
    out.add(to);
    begin = found + from.size;
    at = begin;
    if (from.size == 0) {  // between any two characters
      if (at == str.size) {
        break;
      }
      code_at(str, at, at);
    }
  }
  if (begin == 0 && out.size() == 0 && (str.size == 0 || from.size > 0)) {
    return from.size == 0 ? Value::of(out.finish(interp.arena())) : Value::of(&str);
  }
  out.add_part(str, begin, str.size);
  Str result = *out.finish(interp.arena());
  result.markup = str.markup;
  return Value::of(interp.arena().make<Str>(result));
}

namespace {

bool is_final_sigma(const Str& str, size_t at, size_t next) {
  bool cased_before = false;
  for (size_t end = at; end > 0 && !cased_before;) {
    end = before(str, end);
    size_t skip = 0;
    const char32_t code = code_at(str, end, skip);
    if (!py_case_ignorable(code)) {
      cased_before = py_cased(code);
      break;
    }
  }
  if (!cased_before) {
    return false;
  }
  for (size_t p = next; p < str.size;) {
    const char32_t code = code_at(str, p, p);
    if (!py_case_ignorable(code)) {
      return !py_cased(code);
    }
  }
  return true;
}

int lower(const Str& str, char32_t code, size_t at, size_t next, char32_t* out) {
  if (code == 0x3A3) {
    out[0] = is_final_sigma(str, at, next) ? 0x3C2 : 0x3C3;
    return 1;
  }
  return py_to_lower(code, out);
}

bool begins_word(char32_t code) {
  return code == '-' || code == '(' || code == '{' || code == '[' || code == '<' || py_space(code);
}

}  // namespace

Value change_case(Interp& interp, const Str& str, Case how) {
  interp.charge_text(str.size * 4);
  Out out(interp.limits().output_bytes);
  bool inside = false;  // a word (kTitle, kWords), or after the first character (kCapitalize)
  for (size_t at = 0, next = 0; at < str.size; at = next) {
    const char32_t code = code_at(str, at, next);
    char32_t to[3] = {code, 0, 0};
    int size = 1;
    switch (how) {
      case Case::kUpper:
        size = py_to_upper(code, to);
        break;
      case Case::kLower:
        size = lower(str, code, at, next, to);
        break;
      case Case::kFold:
        size = py_fold(code, to);
        break;
      case Case::kSwap:
        size = py_upper_case(code) ? lower(str, code, at, next, to) : py_lower_case(code) ? py_to_upper(code, to) : 1;
        break;
      case Case::kCapitalize:
      case Case::kTitle:
        size = inside ? lower(str, code, at, next, to) : py_to_title(code, to);
        inside = how == Case::kCapitalize || py_cased(code);
        break;
      case Case::kWords:
        size = inside ? lower(str, code, at, next, to) : py_to_upper(code, to);
        inside = !begins_word(code);
        break;
    }
    for (int i = 0; i < size; ++i) {
      out.add_code(to[i], str.mark_at(static_cast<uint32_t>(at)));
    }
  }
  const Str& result = *out.finish(interp.arena());
  return how == Case::kWords ? Value::of(&result) : interp.markup_as(str, result);
}

Value join(Interp& interp, const Str& separator, const std::vector<Value>& items, bool as_text) {
  Out out(interp.limits().output_bytes);
  bool first = true;
  for (const Value& item : items) {
    if (!item.is_str() && !as_text) {
      Interp::fail(std::string("join() needs strings, and one item is a ") + type_name(item));
    }
    if (!first) {
      out.add(separator);
    }
    first = false;
    interp.step();
    interp.charge_text(separator.size);
    interp.write_str(out, item);
  }
  return Value::of(out.finish(interp.arena()));
}

Value pad(Interp& interp, const Str& str, int64_t before_count, int64_t after_count, std::string_view fill) {
  const auto most = static_cast<int64_t>(interp.limits().output_bytes);
  if (before_count > most || after_count > most) {
    Interp::fail("a text padded beyond " + std::to_string(most >> 20) + " MiB", "a template that is meant for conversations makes no such text");
  }
  Out out(interp.limits().output_bytes);
  interp.charge_text(static_cast<size_t>(std::max<int64_t>(before_count + after_count, 0)));
  const auto fill_with = [&](int64_t count) {
    std::string text;
    for (int64_t i = 0; i < count; ++i) {
      text += fill;
    }
    out.add(text, kTemplate);
  };
  fill_with(before_count);
  out.add(str);
  fill_with(after_count);
  return interp.markup_as(str, *out.finish(interp.arena()));
}

bool is_class(std::string_view method, std::string_view text) {
  const char* end = text.data() + text.size();
  const auto all = [&](auto&& test) {
    for (const char* p = text.data(); p < end;) {
      if (!test(decode_utf8(p, end))) {
        return false;
      }
    }
    return true;
  };
  const auto any_cased_all = [&](auto&& good, auto&& bad) {
    bool found = false;
    const bool fits = all([&](char32_t c) {
      found = found || good(c);
      return !bad(c);
    });
    return fits && found;
  };
  if (method == "isascii") {
    return all([](char32_t c) { return c < 0x80; });
  }
  if (method == "isprintable") {
    return all(py_printable);
  }
  if (text.empty()) {
    return false;
  }
  if (method == "isupper") {
    return any_cased_all(py_upper_case, [](char32_t c) { return py_lower_case(c) || py_title_case(c); });
  }
  if (method == "islower") {
    return any_cased_all(py_lower_case, [](char32_t c) { return py_upper_case(c) || py_title_case(c); });
  }
  if (method == "istitle") {
    bool inside = false;
    return any_cased_all(py_cased, [&](char32_t c) {
      const bool upper = py_upper_case(c) || py_title_case(c);
      const bool bad = upper ? inside : py_lower_case(c) && !inside;
      inside = py_cased(c);
      return bad;
    });
  }
  if (method == "isidentifier") {
    bool first = true;
    return all([&](char32_t c) {
      const bool fits = c == '_' || py_alpha(c) || (!first && (py_decimal(c) || is_mark(c)));
      first = false;
      return fits;
    });
  }
  const auto alnum = [](char32_t c) { return py_alpha(c) || py_digit(c) || py_numeric(c); };
  return method == "isalpha"     ? all(py_alpha)
         : method == "isdigit"   ? all(py_digit)
         : method == "isdecimal" ? all(py_decimal)
         : method == "isnumeric" ? all(py_numeric)
         : method == "isspace"   ? all(py_space)
                                 : all(alnum);
}

}  // namespace athanor::chat
