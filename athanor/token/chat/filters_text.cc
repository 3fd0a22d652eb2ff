// Filters that make text.
#include <algorithm>

#include "athanor/base/unicode.h"
#include "athanor/token/chat/filters.h"
#include "athanor/token/chat/json_out.h"
#include "athanor/token/chat/py_text.h"

namespace athanor::chat {
namespace {

Value escape_filter(Interp& interp, const Value& value, const Bind&) { return Value::of(interp.escape(value)); }

Value mark_safe(Interp& interp, const Value& value, const Bind&) {
  Str safe = soft_str(interp, value);
  safe.markup = true;
  return Value::of(interp.arena().make<Str>(safe));
}

Value force_escape(Interp& interp, const Value& value, const Bind&) {
  Str plain = soft_str(interp, value);
  plain.markup = false;
  return Value::of(interp.escape(Value::of(&plain)));
}

const Str& need_str(const Value& value, const char* what) {
  if (!value.is_str()) {
    Interp::fail(std::string(what) + " needs a string, not a " + type_name(value));
  }
  return *value.str;
}

Value replace_filter(Interp& interp, const Value& value, const Bind& args) {
  const int64_t limit = args[2].is(Kind::kNone) ? -1 : int_argument(args[2], -1, "replace");
  Str plain = soft_str(interp, value);
  plain.markup = false;
  const Value result =
      replace(interp, *interp.arena().make<Str>(plain), soft_str(interp, args[0]), soft_str(interp, args[1]), limit);
  return result;
}

Value indent(Interp& interp, const Value& value, const Bind& args) {
  const Str& str = need_str(value, "indent");
  std::string spaces;
  const Str* by = nullptr;
  if (args[0].is_str()) {
    by = args[0].str;
  } else {
    const int64_t width = int_argument(args[0], 4, "indent");
    if (width > 10000) {
      Interp::fail("indent by more than 10000");
    }
    spaces.assign(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
    by = make_str(interp.arena(), spaces, kTemplate);
  }
  const bool blank = flag_argument(args[2]);
  Out out(interp.limits().output_bytes);
  if (flag_argument(args[1])) {
    out.add(*by);
  }
  // With the newline that jinja2 appends first: its quirk, so that a final line break is not lost.
  const Str* ended = join_str(interp.arena(), str, *make_str(interp.arena(), "\n", kTemplate),
                              interp.limits().output_bytes);
  bool first = true;
  for (const Value& line : split_lines(interp, *ended, false)) {
    if (!first) {
      out.add('\n', kTemplate);
      if (blank || line.str->size > 0) {
        interp.charge_text(by->size);
        out.add(*by);
      }
    }
    first = false;
    out.add(*line.str);
  }
  return interp.markup_as(str, *out.finish(interp.arena()));
}

Value trim(Interp& interp, const Value& value, const Bind& args) {
  const bool none = args[0].is(Kind::kMissing) || args[0].is(Kind::kNone);
  return strip(interp, soft_str(interp, value), none ? nullptr : &need_str(args[0], "trim"), Side::kBoth);
}

Value truncate(Interp& interp, const Value& value, const Bind& args) {
  const int64_t length = int_argument(args[0], 255, "truncate");
  const Value end = args[2].is(Kind::kMissing) ? interp.new_str("...") : Value::of(&need_str(args[2], "truncate"));
  const int64_t leeway = args[3].is(Kind::kNone) ? 5 : int_argument(args[3], 5, "truncate");
  const int64_t keep = length - count_chars(*end.str);
  if (keep < 0 || leeway < 0) {
    Interp::fail("truncate to less than the length of its end");
  }
  if (value.is(Kind::kUndefined) || size_of(value) <= length + leeway) {
    if (size_of(value) < 0) {
      need_str(value, "truncate");
    }
    return value;
  }
  const Str& str = need_str(value, "truncate");
  const Str* head = part_of(interp.arena(), str, 0, offset_of(str, keep));
  if (!flag_argument(args[1])) {
    const size_t space = head->view().rfind(' ');
    head = part_of(interp.arena(), *head, 0, space == std::string_view::npos ? head->size : space);
  }
  return interp.binary(Operator::kAdd, Value::of(head), end);
}

Value word_count(Interp& interp, const Value& value, const Bind&) {
  const std::string_view text = soft_str(interp, value).view();
  interp.charge_text(text.size() * 4);
  int64_t words = 0;
  bool inside = false;
  for (const char* p = text.data(); p < text.data() + text.size();) {
    const char32_t code = decode_utf8(p, text.data() + text.size());
    const bool word = code == '_' || py_alpha(code) || py_digit(code) || py_numeric(code);
    words += word && !inside ? 1 : 0;
    inside = word;
  }
  return Value::of(words);
}

void quote_url(Interp& interp, Out& out, const Value& value, bool query) {
  const Str& str = soft_str(interp, value);
  interp.charge_text(str.size * 3);
  for (uint32_t i = 0; i < str.size; ++i) {
    const char c = str.data[i];
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("_.-~").find(c) != std::string_view::npos || (c == '/' && !query);
    if (plain || (query && c == ' ')) {
      out.add(plain ? c : '+', str.mark_at(i));
      continue;
    }
    static constexpr char kHex[] = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    const char text[] = {'%', kHex[byte >> 4], kHex[byte & 15]};
    out.add({text, 3}, str.mark_at(i));
  }
}

Value url_encode(Interp& interp, const Value& value, const Bind&) {
  Out out(interp.limits().output_bytes);
  if (value.is_str() || !interp.is_iterable(value)) {
    quote_url(interp, out, value, false);
    return Value::of(out.finish(interp.arena()));
  }
  Value pairs = value;
  if (value.is(Kind::kDict)) {
    pairs = Value::of(Kind::kView);
    pairs.dict_view = interp.arena().make<View>(View{value.dict, View::kItems});
  }
  for (const Value& item : interp.to_vector(pairs)) {
    const std::vector<Value> both = interp.to_vector(item);
    if (both.size() != 2) {
      Interp::fail("urlencode needs pairs");
    }
    out.add(out.size() > 0 ? "&" : "", kTemplate);
    quote_url(interp, out, both[0], true);
    out.add('=', kTemplate);
    quote_url(interp, out, both[1], true);
  }
  return Value::of(out.finish(interp.arena()));
}

Value xml_attributes(Interp& interp, const Value& value, const Bind& args) {
  if (!value.is(Kind::kDict)) {
    interp.check_defined(value);
    Interp::fail("xmlattr needs a dict");
  }
  Out out(interp.limits().output_bytes);
  const bool space = args[0].is(Kind::kMissing) || flag_argument(args[0]);
  for (uint32_t i = 0; i < value.dict->size; ++i) {
    const DictEntry& entry = value.dict->entries[i];
    if (entry.value.is(Kind::kNone) || entry.value.is(Kind::kUndefined)) {
      continue;
    }
    if (need_str(entry.key, "xmlattr").view().find_first_of(" \t\n\r\f\v/>=") != std::string_view::npos) {
      Interp::fail("a name of an attribute with a space, /, > or =");
    }
    out.add(space || out.size() > 0 ? " " : "", kTemplate);
    out.add(*interp.escape(entry.key));
    out.add("=\"", kTemplate);
    out.add(*interp.escape(entry.value));
    out.add('"', kTemplate);
  }
  return Value::of(out.finish(interp.arena()));
}

Value to_json(Interp& interp, const Value& value, const Bind& args) {
  JsonStyle style;
  style.ascii = flag_argument(args[0]);
  style.sort_keys = flag_argument(args[3]);
  std::string spaces;
  style.pretty = !args[1].is(Kind::kMissing) && !args[1].is(Kind::kNone);
  if (style.pretty && args[1].is_str()) {
    style.indent = args[1].text();
  } else if (style.pretty) {
    spaces.assign(static_cast<size_t>(std::clamp<int64_t>(int_argument(args[1], 0, "tojson"), 0, 10000)), ' ');
    style.indent = spaces;
  }
  if (style.pretty) {
    style.item = ",";
  }
  if (!args[2].is(Kind::kMissing) && !args[2].is(Kind::kNone)) {
    const std::vector<Value> both = interp.to_vector(args[2]);
    if (both.size() != 2) {
      Interp::fail("tojson needs two separators");
    }
    style.item = need_str(both[0], "tojson").view();
    style.key = need_str(both[1], "tojson").view();
  }
  Out out(interp.limits().output_bytes);
  interp.write_json(out, value, style, 0);
  return Value::of(out.finish(interp.arena()));
}

Value change(Interp& interp, const Value& value, Case how) { return change_case(interp, soft_str(interp, value), how); }

Value center(Interp& interp, const Value& value, const Bind& args) {
  const Value width = args[0].is(Kind::kMissing) ? Value::of(int64_t{80}) : args[0];
  return interp.call_method(Value::of(&soft_str(interp, value)), find_method("center"), Args{&width, 1});
}

Value format_filter(Interp& interp, const Value& value, const Args& args) {
  if (args.size > 0 && args.num_named > 0) {
    Interp::fail("format takes arguments with names, or without, not both");
  }
  Value given = Value::of(Kind::kTuple, make_list(interp.arena(), args.items, args.size));
  if (args.num_named > 0) {
    Dict* dict = make_dict(interp.arena(), args.num_named);
    for (size_t i = 0; i < args.num_named; ++i) {
      set_item(interp.arena(), *dict, interp.new_str(args.named[i].name), args.named[i].value);
    }
    given = Value::of(static_cast<const Dict*>(dict));
  }
  return interp.percent(Value::of(&soft_str(interp, value)), given);
}

}  // namespace

std::vector<Filter> text_filters() {
  const auto upper = [](Interp& i, const Value& v, const Bind&) { return change(i, v, Case::kUpper); };
  const auto lower = [](Interp& i, const Value& v, const Bind&) { return change(i, v, Case::kLower); };
  const auto title = [](Interp& i, const Value& v, const Bind&) { return change(i, v, Case::kWords); };
  const auto capitalize = [](Interp& i, const Value& v, const Bind&) { return change(i, v, Case::kCapitalize); };
  const auto string = [](Interp& i, const Value& v, const Bind&) { return Value::of(&soft_str(i, v)); };
  return {{"capitalize", capitalize},
          {"center", center, {"width"}},
          {"e", escape_filter},
          {"escape", escape_filter},
          {"forceescape", force_escape},
          {"format", nullptr, {}, 0, format_filter},
          {"indent", indent, {"width", "first", "blank"}},
          {"lower", lower},
          {"replace", replace_filter, {"old", "new", "count"}, 2},
          {"safe", mark_safe},
          {"string", string},
          {"title", title},
          {"tojson", to_json, {"ensure_ascii", "indent", "separators", "sort_keys"}},
          {"trim", trim, {"chars"}},
          {"truncate", truncate, {"length", "killwords", "end", "leeway"}},
          {"upper", upper},
          {"urlencode", url_encode},
          {"wordcount", word_count},
          {"xmlattr", xml_attributes, {"autospace"}}};
}

}  // namespace athanor::chat
