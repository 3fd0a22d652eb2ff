// str.maketrans and str.translate.
#include "athanor/base/unicode.h"
#include "athanor/token/chat/str_ops.h"

namespace athanor::chat {
namespace {

std::vector<int64_t> codes_of(Interp& interp, const Value& value) {
  if (!value.is_str()) {
    Interp::fail(std::string("maketrans() needs strings, not a ") + type_name(value));
  }
  interp.step(value.str->size);
  std::vector<int64_t> codes;
  const char* end = value.str->data + value.str->size;
  for (const char* p = value.str->data; p < end;) {
    codes.push_back(static_cast<int64_t>(decode_utf8(p, end)));
  }
  return codes;
}

// What a table holds for a character: its own text, "" or another.
void add_translated(Out& out, const Value& to, uint8_t mark) {
  if (to.is(Kind::kNone)) {
    return;
  }
  if (to.is_str()) {
    out.add(*to.str);
    return;
  }
  if (!to.is_integral()) {
    Interp::fail(std::string("translate() needs a table of numbers, strings and none, not of a ") + type_name(to));
  }
  const int64_t code = to.to_integer();
  if (code < 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
    Interp::fail("translate() to " + std::to_string(code) + ", which is no character");
  }
  out.add_code(static_cast<char32_t>(code), mark);
}

}  // namespace

Value make_translation(Interp& interp, const Bind& args) {
  Dict* table = make_dict(interp.arena(), 0);
  const auto set = [&](int64_t code, const Value& to) { set_item(interp.arena(), *table, Value::of(code), to); };
  if (args[1].is(Kind::kMissing)) {
    if (!args[0].is(Kind::kDict)) {
      Interp::fail(std::string("maketrans() of one argument needs a dict, not a ") + type_name(args[0]));
    }
    interp.step(args[0].dict->size);
    for (uint32_t i = 0; i < args[0].dict->size; ++i) {
      const DictEntry& entry = args[0].dict->entries[i];
      const std::vector<int64_t> codes =
          entry.key.is_integral() ? std::vector{entry.key.to_integer()} : codes_of(interp, entry.key);
      if (codes.size() != 1) {
        Interp::fail("maketrans() needs keys of one character");
      }
      set(codes[0], entry.value);
    }
    return Value::of(static_cast<const Dict*>(table));
  }
  const std::vector<int64_t> from = codes_of(interp, args[0]);
  const std::vector<int64_t> to = codes_of(interp, args[1]);
  if (from.size() != to.size()) {
    Interp::fail("maketrans() needs two strings of one length");
  }
  for (size_t i = 0; i < from.size(); ++i) {
    set(from[i], Value::of(to[i]));
  }
  if (!args[2].is(Kind::kMissing)) {
    for (const int64_t code : codes_of(interp, args[2])) {
      set(code, Value::none());
    }
  }
  return Value::of(static_cast<const Dict*>(table));
}

Value translate(Interp& interp, const Str& str, const Value& table) {
  if (!table.is(Kind::kDict) && !table.is_str() && !table.is_sequence()) {
    Interp::fail(std::string("translate() needs a dict of code points, not a ") + type_name(table));
  }
  Out out(interp.limits().output_bytes);
  const char* end = str.data + str.size;
  for (const char* p = str.data; p < end;) {
    const size_t at = static_cast<size_t>(p - str.data);
    const auto code = static_cast<int64_t>(decode_utf8(p, end));
    interp.step();
    const Value* to = table.is(Kind::kDict)                                            ? find_item(*table.dict, Value::of(code))
                      : table.is_sequence() && code < int64_t{table.list->size} ? &table.list->items[code]
                                                                                       : nullptr;
    if (to != nullptr) {
      add_translated(out, *to, str.mark_at(static_cast<uint32_t>(at)));
    } else if (table.is_str() && code < count_chars(*table.str)) {
      out.add(*interp.get_item(table, Value::of(code)).str);
    } else {
      out.add_part(str, at, static_cast<size_t>(p - str.data));
    }
  }
  Str result = *out.finish(interp.arena());
  result.markup = str.markup;
  return Value::of(interp.arena().make<Str>(result));
}

}  // namespace athanor::chat
