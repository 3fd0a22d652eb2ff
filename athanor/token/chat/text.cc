// str(), repr() and HTML escapes.
#include <algorithm>
#include <charconv>

#include "athanor/base/unicode.h"
#include "athanor/token/chat/interp.h"
#include "athanor/token/chat/py_text.h"

namespace athanor::chat {
namespace {

void write_quoted(Out& out, const Str& str) {
  const std::string_view text = str.view();
  const bool single = text.find('\'') != std::string_view::npos;
  const char quote = single && text.find('"') == std::string_view::npos ? '"' : '\'';
  out.add(quote, kTemplate);
  const char* end = text.data() + text.size();
  size_t plain = 0;  // start of the text that goes out as it is
  for (const char* p = text.data(); p < end;) {
    const size_t i = static_cast<size_t>(p - text.data());
    const char32_t code = decode_utf8(p, end);
    if (code != static_cast<char32_t>(quote) && code != '\\' && py_printable(code)) {
      continue;
    }
    out.add_part(str, plain, i);
    plain = static_cast<size_t>(p - text.data());
    const uint8_t mark = str.mark_at(static_cast<uint32_t>(i));
    if (code == static_cast<char32_t>(quote) || code == '\\') {
      out.add('\\', mark);
      out.add(static_cast<char>(code), mark);
    } else {
      out.add(code == '\n' ? "\\n" : code == '\r' ? "\\r" : code == '\t' ? "\\t" : hex_digits(code), mark);
    }
  }
  out.add_part(str, plain, text.size());
  out.add(quote, kTemplate);
}

std::string owner_name(Kind kind) {
  switch (kind) {
    case Kind::kNone:
      return "none";
    case Kind::kStr:
      return "str";
    case Kind::kView:
      return "dict view";
    case Kind::kIter:
      return "generator";
    default:
      return type_name(Value::of(kind));  // of the others the kind says it all
  }
}

}  // namespace

void Interp::write_repr(Out& out, const Value& value) {
  const Deeper deeper(*this);
  step();
  const auto items = [&](const List& list, char open, char close) {
    out.add(open, kTemplate);
    for (uint32_t i = 0; i < list.size; ++i) {
      out.add(i > 0 ? ", " : "", kTemplate);
      write_repr(out, list.items[i]);
    }
    out.add(list.size == 1 && open == '(' ? "," : "", kTemplate);
    out.add(close, kTemplate);
  };
  const auto pairs = [&](const Dict& dict) {
    out.add('{', kTemplate);
    for (uint32_t i = 0; i < dict.size; ++i) {
      out.add(i > 0 ? ", " : "", kTemplate);
      write_repr(out, dict.entries[i].key);
      out.add(": ", kTemplate);
      write_repr(out, dict.entries[i].value);
    }
    out.add('}', kTemplate);
  };
  switch (value.kind) {
    case Kind::kMissing:
    case Kind::kUndefined:
      out.add("Undefined", kTemplate);
      break;
    case Kind::kNone:
      out.add("None", kTemplate);
      break;
    case Kind::kBool:
      out.add(value.boolean ? "True" : "False", kTemplate);
      break;
    case Kind::kInt: {
      char buffer[24];
      const auto end = std::to_chars(buffer, buffer + sizeof buffer, value.integer).ptr;
      out.add({buffer, static_cast<size_t>(end - buffer)}, kTemplate);
      break;
    }
    case Kind::kFloat:
      out.add(float_repr(value.real), kTemplate);
      break;
    case Kind::kStr:
      charge_text(value.str->size * 4);
      out.add(value.str->markup ? "Markup(" : "", kTemplate);
      write_quoted(out, *value.str);
      out.add(value.str->markup ? ")" : "", kTemplate);
      break;
    case Kind::kList:
      items(*value.list, '[', ']');
      break;
    case Kind::kTuple:
      items(*value.list, '(', ')');
      break;
    case Kind::kDict:
      pairs(*value.dict);
      break;
    case Kind::kNamespace:
      out.add("<Namespace ", kTemplate);
      pairs(*value.space);
      out.add('>', kTemplate);
      break;
    case Kind::kView: {
      out.add(type_name(value), kTemplate);
      out.add('(', kTemplate);
      const std::vector<Value> all = to_vector(value);
      items(List{const_cast<Value*>(all.data()), static_cast<uint32_t>(all.size())}, '[', ']');
      out.add(')', kTemplate);
      break;
    }
    case Kind::kRange: {
      const Range& range = *value.range;
      out.add("range(" + std::to_string(range.start) + ", " + std::to_string(range.stop) +
                  (range.step != 1 ? ", " + std::to_string(range.step) : "") + ")",
              kTemplate);
      break;
    }
    case Kind::kMacro:
      if (value.macro->node->op == Op::kCallBlock) {
        out.add("<Macro anonymous>", kTemplate);
      } else {
        out.add("<Macro '" + std::string(ast_.names[value.macro->node->name]) + "'>", kTemplate);
      }
      break;
    case Kind::kLoop:
      out.add("<LoopContext " + std::to_string(value.loop->index0 + 1) + "/" + std::to_string(loop_size(*value.loop)) +
                  ">",
              kTemplate);
      break;
    default:
      fail(std::string("a ") + type_name(value) + " is printed, which in Python shows an address in memory",
           "turn it into a list with |list, or call it");
  }
}

void Interp::write_str(Out& out, const Value& value) {
  if (value.is_str()) {
    charge_text(value.str->size);
    out.add(*value.str);
  } else if (!value.is(Kind::kUndefined)) {
    write_repr(out, value);
  }
}

const Str* Interp::to_str(const Value& value) {
  if (value.is_str()) {
    return value.str;
  }
  Buffer buffer(*this);
  write_str(*out_, value);
  return buffer.finish().str;
}

Value Interp::joined(const Str& left, const Str& right) {
  const Str* both = join_str(arena_, left, right, limits_.output_bytes);
  charge_text(both->data == left.data ? right.size : size_t{left.size} + right.size);  // grown in place, or copied
  return Value::of(both);
}

Value Interp::markup_as(const Str& like, const Str& text) {
  if (like.markup == text.markup) {
    return Value::of(&text);
  }
  Str marked = text;
  marked.markup = like.markup;
  return Value::of(arena_.make<Str>(marked));
}

const Str* Interp::escape(const Value& value) {
  if (value.is_str() && value.str->markup) {
    return value.str;
  }
  const Str& str = *to_str(value);
  charge_text(str.size * 2);
  Buffer buffer(*this);
  size_t plain = 0;
  for (size_t i = 0; i < str.size; ++i) {
    const size_t which = std::string_view("&<>'\"").find(str.data[i]);
    if (which == std::string_view::npos) {
      continue;
    }
    static constexpr std::string_view kEscapes[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    out_->add_part(str, plain, i);
    out_->add(kEscapes[which], str.mark_at(static_cast<uint32_t>(i)));
    plain = i + 1;
  }
  out_->add_part(str, plain, str.size);
  Str escaped = *buffer.finish().str;
  escaped.markup = true;
  return arena_.make<Str>(escaped);
}

Value Interp::pair(const Value& a, const Value& b) {
  const Value both[] = {a, b};
  return Value::of(Kind::kTuple, make_list(arena_, both, 2));
}

Value Interp::undefined(Undef::Form form, std::string_view name, Kind owner) {
  Value value = Value::of(Kind::kUndefined);
  value.undef = arena_.make<Undef>(Undef{form, owner, name});
  return value;
}

void Interp::fail_undefined(const Value& value) {
  const Undef& undef = *value.undef;
  const std::string name(undef.name.substr(0, 100));
  const std::string owner = owner_name(undef.owner);
  switch (undef.form) {
    case Undef::kName:
      fail("'" + name + "' is undefined", "give it as an argument of the template");
    case Undef::kAttribute:
      fail("'" + owner + "' has no attribute '" + name + "'", "the conversation lacks it: add it, or use `is defined`");
    case Undef::kUnsafe:
      fail("attribute '" + name + "' of '" + owner + "' is not open to templates");
    case Undef::kHint:
      break;
  }
  fail(name);
}

}  // namespace athanor::chat
