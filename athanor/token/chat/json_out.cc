#include "athanor/token/chat/json_out.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "athanor/base/unicode.h"
#include "athanor/token/chat/interp.h"
#include "athanor/token/chat/py_text.h"

namespace athanor::chat {
namespace {

std::string escape_of(char32_t code) {
  static constexpr std::string_view kFrom = "\"\\\n\r\t\f\b";
  static constexpr std::string_view kTo = "\"\\nrtfb";
  if (code < 0x80) {
    if (const size_t at = kFrom.find(static_cast<char>(code)); at != std::string_view::npos) {
      return {'\\', kTo[at]};
    }
  }
  char buffer[16];
  if (code > 0xFFFF) {
    const unsigned rest = static_cast<unsigned>(code) - 0x10000;
    std::snprintf(buffer, sizeof buffer, "\\u%04x\\u%04x", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
  } else {
    std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(code));
  }
  return buffer;
}

void write_json_str(Out& out, const Str& str, bool ascii) {
  out.add('"', kTemplate);
  const char* end = str.data + str.size;
  size_t plain = 0;
  for (const char* p = str.data; p < end;) {
    const auto c = static_cast<unsigned char>(*p);
    if (c >= 0x20 && c != '"' && c != '\\' && !(ascii && c >= 0x7F)) {
      ++p;
      continue;
    }
    const size_t at = static_cast<size_t>(p - str.data);
    out.add_part(str, plain, at);
    out.add(escape_of(decode_utf8(p, end)), str.mark_at(static_cast<uint32_t>(at)));
    plain = static_cast<size_t>(p - str.data);
  }
  out.add_part(str, plain, str.size);
  out.add('"', kTemplate);
}

std::string json_float(double value) {
  return std::isnan(value) ? "NaN" : std::isinf(value) ? (value < 0 ? "-Infinity" : "Infinity") : float_repr(value);
}

}  // namespace

void Interp::write_json(Out& out, const Value& value, const JsonStyle& style, int level) {
  const Deeper deeper(*this);
  step();
  const auto line = [&](int depth) {
    if (style.pretty) {
      charge_text(style.indent.size() * static_cast<size_t>(depth));
      out.add('\n', kTemplate);
      for (int i = 0; i < depth; ++i) {
        out.add(style.indent, kTemplate);
      }
    }
  };
  switch (value.kind) {
    case Kind::kNone:
      out.add("null", kTemplate);
      return;
    case Kind::kBool:
      out.add(value.boolean ? "true" : "false", kTemplate);
      return;
    case Kind::kInt:
      write_repr(out, value);
      return;
    case Kind::kFloat:
      out.add(json_float(value.real), kTemplate);
      return;
    case Kind::kStr:
      charge_text(value.str->size * 2);
      write_json_str(out, *value.str, style.ascii);
      return;
    case Kind::kList:
    case Kind::kTuple: {
      out.add('[', kTemplate);
      for (uint32_t i = 0; i < value.list->size; ++i) {
        out.add(i > 0 ? style.item : "", kTemplate);
        line(level + 1);
        write_json(out, value.list->items[i], style, level + 1);
      }
      if (value.list->size > 0) {
        line(level);
      }
      out.add(']', kTemplate);
      return;
    }
    case Kind::kDict:
      break;
    default:
      fail(std::string("a ") + type_name(value) + " cannot be written as JSON",
           value.is(Kind::kUndefined) ? "the conversation lacks what the template writes here" : "");
  }
  std::vector<DictEntry> entries(value.dict->entries, value.dict->entries + value.dict->size);
  if (style.sort_keys) {
    std::stable_sort(entries.begin(), entries.end(),
                     [&](const DictEntry& a, const DictEntry& b) { return order(a.key, b.key, "<") == -1; });
  }
  out.add('{', kTemplate);
  bool first = true;
  for (const DictEntry& entry : entries) {
    out.add(first ? "" : style.item, kTemplate);
    first = false;
    line(level + 1);
    const Value& key = entry.key;
    if (key.is_str()) {
      charge_text(key.str->size * 2);
      write_json_str(out, *key.str, style.ascii);
    } else if (key.is_number() || key.is(Kind::kNone)) {
      out.add('"', kTemplate);
      write_json(out, key, style, level);
      out.add('"', kTemplate);
    } else {
      fail(std::string("a ") + type_name(key) + " cannot be a key of JSON");
    }
    out.add(style.key, kTemplate);
    write_json(out, entry.value, style, level + 1);
  }
  if (!entries.empty()) {
    line(level);
  }
  out.add('}', kTemplate);
}

}  // namespace athanor::chat
