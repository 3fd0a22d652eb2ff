// Methods of str, list, tuple and dict.
#include <algorithm>

#include "athanor/base/unicode.h"
#include "athanor/token/chat/method_table.h"
#include "athanor/token/chat/str_ops.h"

namespace athanor::chat {
namespace {

const Str& need_str(const Value& value, std::string_view method) {
  if (!value.is_str()) {
    Interp::fail(std::string(method) + "() needs a string, not a " + type_name(value));
  }
  return *value.str;
}

int64_t need_int(const Value& value, int64_t otherwise, std::string_view method) {
  if (value.is(Kind::kMissing)) {
    return otherwise;
  }
  if (!value.is_integral()) {
    Interp::fail(std::string(method) + "() needs an integer, not a " + type_name(value));
  }
  return value.to_integer();
}

// Python's optional start and end of find and the like, as byte offsets; false: an empty place beyond the end.
bool byte_range(const Str& str, const Value& start, const Value& end, std::string_view method, size_t& from, size_t& to) {
  const int64_t length = count_chars(str);
  const auto place = [&](const Value& value, int64_t otherwise) {
    int64_t at = value.is(Kind::kNone) ? otherwise : need_int(value, otherwise, method);
    return at < 0 ? std::max<int64_t>(at + length, 0) : at;
  };
  const int64_t first = place(start, 0);
  const int64_t last = std::min(place(end, length), length);
  if (first > last) {
    return false;
  }
  from = offset_of(str, first);
  to = offset_of(str, last);
  return true;
}

bool has_affix(const Str& str, const Value& affix, bool end, size_t from, size_t to, std::string_view method) {
  if (affix.is(Kind::kTuple)) {
    return std::any_of(affix.list->items, affix.list->items + affix.list->size, [&](const Value& one) {
      return has_affix(str, Value::of(&need_str(one, method)), end, from, to, method);
    });
  }
  const std::string_view text = str.view().substr(from, to - from);
  const std::string_view what = need_str(affix, method).view();
  return end ? text.ends_with(what) : text.starts_with(what);
}

// list.count(item), list.index(item, start, stop)
Value find_sequence(Interp& interp, const Value& self, const Args& args, bool count, int64_t& work) {
  const Bind bound = count || self.is(Kind::kRange) ? interp.bind(count ? "count" : "index", args, {"item"}, 1)
                                                    : interp.bind("index", args, {"item", "start", "stop"}, 1);
  const List& list = self.is(Kind::kRange) ? *interp.new_list(interp.to_vector(self)).list : *self.list;
  const auto place = [&](const Value& value, int64_t otherwise) {
    const int64_t at = need_int(value, otherwise, "index");
    return std::clamp<int64_t>(at < 0 ? at + list.size : at, 0, list.size);
  };
  const int64_t end = count ? int64_t{list.size} : place(bound[2], list.size);
  int64_t found = 0;
  interp.step(list.size + 1);
  for (int64_t i = count ? 0 : place(bound[1], 0); i < end; ++i) {
    if (equal(list.items[i], bound[0], work)) {
      if (!count) {
        return Value::of(i);
      }
      ++found;
    }
  }
  if (!count) {
    Interp::fail("index(): the item is not in the list");
  }
  return Value::of(found);
}

Value find(Interp& interp, const Str& str, const Bind& args, int kind, std::string_view method) {
  interp.charge_text(str.size * 2);
  size_t from = 0, to = 0, at = std::string_view::npos;
  const std::string_view what = need_str(args[0], method).view();
  if (byte_range(str, args[1], args[2], method, from, to)) {
    at = find_in(str, what, from, to, kind % 2 == 1);
  }
  if (at != std::string_view::npos) {
    return Value::of(static_cast<int64_t>(count_code_points(str.view().substr(0, at))));
  }
  if (kind >= 2) {
    Interp::fail(std::string(method) + "(): the text is not there");
  }
  return Value::of(int64_t{-1});
}

Value count_in(Interp& interp, const Str& str, const Bind& args) {
  interp.charge_text(str.size * 2);
  const std::string_view what = need_str(args[0], "count").view();
  size_t from = 0, to = 0;
  if (!byte_range(str, args[1], args[2], "count", from, to)) {
    return Value::of(int64_t{0});
  }
  if (what.empty()) {
    return Value::of(static_cast<int64_t>(count_code_points(str.view().substr(from, to - from))) + 1);
  }
  int64_t count = 0;
  for (size_t at = from; (at = find_in(str, what, at, to, false)) != std::string_view::npos; at += what.size()) {
    ++count;
  }
  return Value::of(count);
}

Value expand_tabs(Interp& interp, const Str& str, int64_t width) {
  Out out(interp.limits().output_bytes);
  int64_t column = 0;
  for (size_t i = 0; i < str.size; ++i) {
    const char c = str.data[i];
    if (c == '\t') {
      const int64_t spaces = width > 0 ? width - column % width : 0;
      interp.charge_text(static_cast<size_t>(spaces));
      if (spaces > static_cast<int64_t>(interp.limits().output_bytes)) {
        Interp::fail("expandtabs() with too wide tabs");
      }
      out.add(std::string(static_cast<size_t>(spaces), ' '), str.mark_at(static_cast<uint32_t>(i)));
      column += spaces;
      continue;
    }
    out.add_part(str, i, i + 1);
    const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
    column = c == '\n' || c == '\r' ? 0 : column + (continues ? 0 : 1);
  }
  return interp.markup_as(str, *out.finish(interp.arena()));
}

Value justify(Interp& interp, const Str& str, const Bind& args, int kind, std::string_view method) {
  const Value& fill = args[1];
  if (!fill.is(Kind::kMissing) && (!fill.is_str() || count_chars(*fill.str) != 1)) {
    Interp::fail(std::string(method) + "() needs one character to fill with");
  }
  if (str.markup && fill.is_str() && std::string_view("&<>'\"").find(fill.text()) != std::string_view::npos) {
    Interp::fail(std::string(method) + "() of Markup with a character that it escapes");
  }
  const int64_t width = need_int(args[0], 0, method);
  const int64_t margin = width - count_chars(str);
  if (margin <= 0) {
    return Value::of(&str);
  }
  const int64_t left = kind == 0 ? margin / 2 + (margin & width & 1) : kind == 1 ? 0 : margin;
  return pad(interp, str, left, margin - left, fill.is(Kind::kMissing) ? " " : fill.text());
}

Value zero_fill(Interp& interp, const Str& str, int64_t width) {
  const int64_t margin = width - count_chars(str);
  if (margin <= 0) {
    return Value::of(&str);
  }
  const size_t sign = str.size > 0 && (str.data[0] == '-' || str.data[0] == '+') ? 1 : 0;
  const Value rest = pad(interp, *part_of(interp.arena(), str, sign, str.size), margin, 0, "0");
  return sign == 0 ? rest : interp.joined(*part_of(interp.arena(), str, 0, 1), *rest.str);
}

Value partition(Interp& interp, const Str& str, const Value& separator, bool last) {
  interp.charge_text(str.size);
  const Str& what = need_str(separator, "partition");
  if (what.size == 0) {
    Interp::fail("an empty separator");
  }
  const size_t at = find_in(str, what.view(), 0, str.size, last);
  const Value empty = interp.part(str, 0, 0);
  if (at == std::string_view::npos) {
    return last ? interp.new_list({empty, empty, Value::of(&str)}, Kind::kTuple)
                : interp.new_list({Value::of(&str), empty, empty}, Kind::kTuple);
  }
  return interp.new_list({interp.part(str, 0, at), interp.part(str, at, at + what.size),
                          interp.part(str, at + what.size, str.size)},
                         Kind::kTuple);
}

Value remove_affix(Interp& interp, const Str& str, const Value& affix, bool end) {
  const std::string_view what = need_str(affix, end ? "removesuffix" : "removeprefix").view();
  if (what.empty() || !(end ? str.view().ends_with(what) : str.view().starts_with(what))) {
    return Value::of(&str);
  }
  return end ? interp.part(str, 0, str.size - what.size()) : interp.part(str, what.size(), str.size);
}

const Str* optional_str(const Value& value, std::string_view method) {
  return value.is(Kind::kMissing) || value.is(Kind::kNone) ? nullptr : &need_str(value, method);
}

Value str_method(Interp& interp, const Str& str, const Method& method, const Args& args) {
  const char* name = method.name.data();
  switch (method.what) {
    case Do::kAffix: {
      const Bind bound = interp.bind(name, args, {"prefix", "start", "end"}, 1);
      size_t from = 0, to = 0;
      return Value::of(byte_range(str, bound[1], bound[2], method.name, from, to) &&
                       has_affix(str, bound[0], method.variant == 1, from, to, method.name));
    }
    case Do::kCase:
      interp.bind(name, args, {}, 0);
      return change_case(interp, str, static_cast<Case>(method.variant));
    case Do::kCenter:
      return justify(interp, str, interp.bind(name, args, {"width", "fillchar"}, 1), method.variant, method.name);
    case Do::kClass:
      interp.bind(name, args, {}, 0);
      interp.charge_text(str.size * 4);
      return Value::of(is_class(method.name, str.view()));
    case Do::kCount:
      return count_in(interp, str, interp.bind(name, args, {"sub", "start", "end"}, 1));
    case Do::kExpandTabs:
      return expand_tabs(interp, str, need_int(interp.bind(name, args, {"tabsize"}, 0)[0], 8, method.name));
    case Do::kFind:
      return find(interp, str, interp.bind(name, args, {"sub", "start", "end"}, 1), method.variant, method.name);
    case Do::kFormat: {
      if (method.variant == 0) {
        return interp.str_format(str, args);
      }
      const Bind bound = interp.bind(name, args, {"mapping"}, 1);
      std::vector<Keyword> named;
      for (uint32_t i = 0; bound[0].is(Kind::kDict) && i < bound[0].dict->size; ++i) {
        if (bound[0].dict->entries[i].key.is_str()) {
          named.push_back({bound[0].dict->entries[i].key.text(), bound[0].dict->entries[i].value});
        }
      }
      return interp.str_format(str, Args{nullptr, 0, named.data(), named.size()});
    }
    case Do::kJoin: {
      std::vector<Value> items = interp.to_vector(interp.bind(name, args, {"iterable"}, 1)[0]);
      for (Value& item : items) {
        item = str.markup ? Value::of(interp.escape(item)) : item;
      }
      return interp.markup_as(str, *join(interp, str, items, false).str);
    }
    case Do::kPartition:
      return partition(interp, str, interp.bind(name, args, {"sep"}, 1)[0], method.variant == 1);
    case Do::kRemoveAffix:
      return remove_affix(interp, str, interp.bind(name, args, {"affix"}, 1)[0], method.variant == 1);
    case Do::kReplace: {
      const Bind bound = interp.bind(name, args, {"old", "new", "count"}, 2);
      const Str& to = str.markup ? *interp.escape(bound[1]) : need_str(bound[1], method.name);
      return replace(interp, str, need_str(bound[0], method.name), to, need_int(bound[2], -1, method.name));
    }
    case Do::kSplit: {
      const Bind bound = interp.bind(name, args, {"sep", "maxsplit"}, 0);
      return interp.new_list(split(interp, str, optional_str(bound[0], method.name),
                                   need_int(bound[1], -1, method.name), method.variant == 1));
    }
    case Do::kSplitLines:
      return interp.new_list(split_lines(interp, str, is_true(interp.bind(name, args, {"keepends"}, 0)[0])));
    case Do::kStrip:
      return strip(interp, str, optional_str(interp.bind(name, args, {"chars"}, 0)[0], method.name),
                   static_cast<Side>(method.variant));
    case Do::kMakeTrans:
      return make_translation(interp, interp.bind(name, args, {"x", "y", "z"}, 1));
    case Do::kTranslate:
      return translate(interp, str, interp.bind(name, args, {"table"}, 1)[0]);
    case Do::kZeroFill:
      return zero_fill(interp, str, need_int(interp.bind(name, args, {"width"}, 1)[0], 0, method.name));
    default:
      Interp::fail("str." + std::string(method.name) + "() is not supported");
  }
}

}  // namespace

Value Interp::call_method(const Value& self, int id, const Args& args) {
  const Method& method = method_of(id);
  const char* name = method.name.data();
  if (self.is_str()) {
    return str_method(*this, *self.str, method, args);
  }
  switch (method.what) {
    case Do::kView: {
      bind(name, args, {}, 0);
      Value value = Value::of(Kind::kView);
      value.dict_view = arena_.make<View>(View{self.dict, static_cast<View::Part>(method.variant)});
      return value;
    }
    case Do::kGet: {
      if (args.num_named > 0) {
        fail("dict.get() takes no named arguments");
      }
      const Bind bound = bind(name, args, {"key", "default"}, 1);
      if (!is_hashable(bound[0])) {
        fail(std::string("a ") + type_name(bound[0]) + " cannot be a key of a dict");
      }
      step(bound[0].is(Kind::kTuple) ? 100 : 1);
      const Value* found = find_item(*self.dict, bound[0]);
      return found != nullptr ? *found : bound[1].is(Kind::kMissing) ? Value::none() : bound[1];
    }
    case Do::kCopy:
      bind(name, args, {}, 0);
      return self;  // nothing can change it
    case Do::kCount:
    case Do::kFind:
      return find_sequence(*this, self, args, method.what == Do::kCount, steps_);
    case Do::kFromKeys: {
      const Bind bound = bind(name, args, {"iterable", "value"}, 1);
      Dict* dict = make_dict(arena_, 0);
      for (const Value& key : to_vector(bound[0])) {
        if (!is_hashable(key)) {
          fail(std::string("a ") + type_name(key) + " cannot be a key of a dict");
        }
        set_item(arena_, *dict, key, bound[1].is(Kind::kMissing) ? Value::none() : bound[1]);
      }
      return Value::of(static_cast<const Dict*>(dict));
    }
    case Do::kNumber:
      bind(name, args, {}, 0);
      return call_number_method(*this, self, method.name);
    default:
      fail(std::string(type_name(self)) + "." + std::string(method.name) + "() is not supported");
  }
}

}  // namespace athanor::chat
