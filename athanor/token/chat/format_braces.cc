// "{}".format(...): the fields, by jinja2's sandboxed formatter.
#include <algorithm>

#include "athanor/token/chat/format.h"

namespace athanor::chat {
namespace {

class Braces {
 public:
  Braces(Interp& interp, const Args& args) : interp_(interp), args_(args) {}

  void run(Out& out, const Str& str, int depth) {
    if (depth == 0) {
      Interp::fail("a format nested too deeply");
    }
    const std::string_view view = str.view();
    for (size_t at = 0; at < view.size();) {
      const size_t brace = std::min(view.find_first_of("{}", at), view.size());
      out.add_part(str, at, brace);
      at = brace;
      if (at == view.size()) {
        break;
      }
      if (at + 1 < view.size() && view[at + 1] == view[at]) {
        out.add_part(str, at, at + 1);
        at += 2;
        continue;
      }
      if (view[at] == '}') {
        Interp::fail("a single } in a format");
      }
      at = field(out, str, at + 1, depth);
    }
  }

 private:
  // One field from after its {; returns the offset after its }.
  size_t field(Out& out, const Str& str, size_t begin, int depth) {
    const std::string_view view = str.view();
    size_t end = begin;
    for (int open = 1; end < view.size(); ++end) {
      open += view[end] == '{' ? 1 : view[end] == '}' ? -1 : 0;
      if (open == 0) {
        break;
      }
    }
    if (end == view.size()) {
      Interp::fail("a { without its } in a format");
    }
    const std::string_view body = view.substr(begin, end - begin);
    size_t name_end = 0;  // a ! or : inside brackets belongs to the name
    for (bool bracket = false; name_end < body.size(); ++name_end) {
      bracket = body[name_end] == '[' || (bracket && body[name_end] != ']');
      if (!bracket && (body[name_end] == '!' || body[name_end] == ':')) {
        break;
      }
    }
    Value value = look_up(body.substr(0, name_end));
    size_t at = name_end;
    if (at < body.size() && body[at] == '!') {
      const char how = at + 1 < body.size() ? body[at + 1] : '\0';
      if ((how != 's' && how != 'r') || (at + 2 < body.size() && body[at + 2] != ':')) {
        Interp::fail("a conversion other than !s and !r in a format");
      }
      Out text(interp_.limits().output_bytes);
      how == 's' ? interp_.write_str(text, value) : interp_.write_repr(text, value);
      value = Value::of(text.finish(interp_.arena()));
      at += 2;
    }
    Out spec(interp_.limits().output_bytes);
    if (at < body.size()) {
      run(spec, *part_of(interp_.arena(), str, begin + at + 1, end), depth - 1);
    }
    write_field(out, value, *spec.finish(interp_.arena()), str.markup);
    return end + 1;
  }

  // escapes: in a format that is Markup, all but Markup.
  void write_field(Out& out, const Value& value, const Str& spec, bool escapes) {
    if (!escapes) {
      return format_value(interp_, out, value, spec);
    }
    if (value.is_str() && value.str->markup) {
      if (spec.size > 0) {
        Interp::fail("a format of Markup with more than its name");
      }
      return out.add(*value.str);
    }
    Out field(interp_.limits().output_bytes);
    format_value(interp_, field, value, spec);
    out.add(*interp_.escape(Value::of(field.finish(interp_.arena()))));
  }

  Value look_up(std::string_view name) {
    const size_t first = std::min(name.find_first_of(".["), name.size());
    Value value = argument(name.substr(0, first));
    for (size_t at = first; at < name.size();) {
      if (name[at] == '.') {
        const size_t end = std::min(name.find_first_of(".[", at + 1), name.size());
        const std::string_view attribute = name.substr(at + 1, end - at - 1);
        value = interp_.get_attribute(value, interp_.new_str(attribute), find_method(attribute));
        at = end;
        continue;
      }
      const size_t close = name.find(']', at);
      if (name[at] != '[' || close == std::string_view::npos || close == at + 1) {
        Interp::fail("a name in a format that cannot be read");
      }
      const std::string_view key = name.substr(at + 1, close - at - 1);
      value = interp_.get_item(value, is_number(key) ? Value::of(int64_t{std::stoll(std::string(key))})
                                                     : interp_.new_str(key));
      at = close + 1;
    }
    return value;
  }

  static bool is_number(std::string_view text) {
    return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string_view::npos;
  }

  Value argument(std::string_view name) {
    if (name.empty() || is_number(name)) {
      if (numbering_ != Numbering::kUnknown && (numbering_ == Numbering::kAutomatic) != name.empty()) {
        Interp::fail("a format that numbers some fields and not others");
      }
      numbering_ = name.empty() ? Numbering::kAutomatic : Numbering::kManual;
      const size_t index = name.empty() ? next_++ : static_cast<size_t>(std::stoul(std::string(name)));
      if (index >= args_.size) {
        Interp::fail("not enough arguments for the format");
      }
      return args_.items[index];
    }
    for (size_t i = 0; i < args_.num_named; ++i) {
      if (args_.named[i].name == name) {
        return args_.named[i].value;
      }
    }
    Interp::fail("the format's '" + std::string(name.substr(0, 60)) + "' is not given");
  }

  enum class Numbering : uint8_t { kUnknown, kAutomatic, kManual };
  Interp& interp_;
  Args args_;
  size_t next_ = 0;
  Numbering numbering_ = Numbering::kUnknown;
};

}  // namespace

Value Interp::str_format(const Str& format, const Args& args) {
  charge_text(format.size);
  Out out(limits_.output_bytes);
  Braces(*this, args).run(out, format, 3);
  Str result = *out.finish(arena_);
  result.markup = format.markup;
  return Value::of(arena_.make<Str>(result));
}

}  // namespace athanor::chat
