// "%s" % x and "{}".format(x).
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "athanor/token/chat/format.h"
#include "athanor/token/chat/py_text.h"
#include "athanor/token/chat/str_ops.h"

namespace athanor::chat {
namespace {

// What stands between % or : and the letter of the type.
struct Spec {
  std::string fill = " ";
  char align = '\0';  // < > ^ =
  char sign = '-';    // - + space
  bool alternative = false;
  bool grouped = false;
  int64_t width = 0;
  int64_t precision = -1;
  char type = '\0';
};

constexpr int64_t kWidest = 10000;

int64_t read_number(std::string_view text, size_t& at) {
  int64_t number = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    number = number * 10 + (text[at++] - '0');
    if (number > kWidest) {
      Interp::fail("a format wider than " + std::to_string(kWidest));
    }
  }
  return number;
}

std::string group_digits(std::string digits) {
  for (size_t at = std::min(digits.find('.'), digits.size()); at > 3; at -= 3) {
    digits.insert(at - 3, ",");
  }
  return digits;
}

std::string float_digits(double value, const Spec& spec) {
  if (std::isnan(value)) {
    return "nan";
  }
  if (std::isinf(value)) {
    return "inf";
  }
  char format[16];
  const char type = spec.type == '\0' ? 'g' : spec.type == '%' ? 'f' : spec.type;
  std::snprintf(format, sizeof format, "%%%s.*%c", spec.alternative ? "#" : "", type);
  const int precision = static_cast<int>(spec.precision < 0 ? 6 : spec.precision);
  std::string out(static_cast<size_t>(precision) + 400, '\0');
  out.resize(static_cast<size_t>(std::snprintf(out.data(), out.size(), format, precision, value)));
  return out;
}

// The number without its sign, in the spec's type.
std::string digits_of(const Value& value, const Spec& spec) {
  if (std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos || value.is(Kind::kFloat)) {
    double real = std::fabs(value.to_real());
    if (spec.type == '%') {
      return float_digits(real * 100, spec) + "%";
    }
    if (spec.type == '\0' && spec.precision < 0) {
      return float_repr(real);
    }
    return float_digits(real, spec);
  }
  const int64_t integer = value.to_integer();
  const uint64_t magnitude = integer < 0 ? 0 - static_cast<uint64_t>(integer) : static_cast<uint64_t>(integer);
  const int base = spec.type == 'x' || spec.type == 'X' ? 16 : spec.type == 'o' ? 8 : spec.type == 'b' ? 2 : 10;
  char buffer[72];
  std::string digits(buffer, std::to_chars(buffer, buffer + sizeof buffer, magnitude, base).ptr);
  std::string prefix;
  if (spec.alternative && base != 10) {
    prefix = base == 16 ? "0x" : base == 8 ? "0o" : "0b";
  }
  if (spec.type == 'X') {
    std::transform(digits.begin(), digits.end(), digits.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
    prefix = prefix.empty() ? "" : "0X";
  }
  return prefix + digits;
}

void put(Interp& interp, Out& out, const Str& text, const Spec& spec, char align) {
  const int64_t margin = std::max<int64_t>(spec.width - count_chars(text), 0);
  const int64_t left = align == '>' ? margin : align == '^' ? margin / 2 : 0;
  out.add(*pad(interp, text, left, margin - left, spec.fill).str);
}

void put_number(Interp& interp, Out& out, const Value& value, const Spec& spec) {
  const double real = value.to_real();
  const bool negative = value.is(Kind::kFloat) ? std::signbit(real) && !std::isnan(real) : value.to_integer() < 0;
  const std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  std::string digits = digits_of(value, spec);
  if (spec.grouped) {
    digits = group_digits(digits);
  }
  if (spec.align == '=') {
    const int64_t margin = spec.width - static_cast<int64_t>(sign.size() + digits.size());
    std::string text = sign;
    for (int64_t i = 0; i < margin; ++i) {
      text += spec.fill;
    }
    out.add(text + digits, kTemplate);
    return;
  }
  put(interp, out, *copy_str(interp.arena(), sign + digits, kTemplate), spec, spec.align == '\0' ? '>' : spec.align);
}

void put_text(Interp& interp, Out& out, const Str& text, const Spec& spec, char align) {
  const Str* cut = &text;
  if (spec.precision >= 0 && spec.precision < count_chars(text)) {
    cut = part_of(interp.arena(), text, 0, offset_of(text, spec.precision));
  }
  put(interp, out, *cut, spec, align);
}

const Str* repr(Interp& interp, const Value& value) {
  Out out(interp.limits().output_bytes);
  interp.write_repr(out, value);
  return out.finish(interp.arena());
}

// One %-conversion of a value.
void convert(Interp& interp, Out& out, const Value& value, Spec spec, bool left, bool zero) {
  const char align = left ? '<' : '>';
  switch (spec.type) {
    case 's':
      return put_text(interp, out, *interp.to_str(value), spec, align);
    case 'r':
    case 'a':
      return put_text(interp, out, *repr(interp, value), spec, align);
    case 'c':
      if (value.is_str() && count_chars(*value.str) == 1) {
        return put(interp, out, *value.str, spec, align);
      }
      Interp::fail("%c needs one character");
    default:
      break;
  }
  interp.check_defined(value);
  if (!value.is_number()) {
    Interp::fail(std::string("%") + spec.type + " needs a number, not a " + type_name(value));
  }
  Value number = value;
  if (std::string_view("diuxXo").find(spec.type) != std::string_view::npos) {
    if (value.is(Kind::kFloat)) {
      if (spec.type == 'x' || spec.type == 'X' || spec.type == 'o' || !(std::fabs(value.real) < 9.2e18)) {
        Interp::fail(std::string("%") + spec.type + " needs an integer of 64 bits");
      }
      number = Value::of(static_cast<int64_t>(value.real));
    }
    spec.type = spec.type == 'i' || spec.type == 'u' ? 'd' : spec.type;
    if (spec.precision > 0) {
      std::string digits = digits_of(number, spec);
      digits.insert(0, static_cast<size_t>(std::max<int64_t>(spec.precision - static_cast<int64_t>(digits.size()), 0)), '0');
      const std::string sign = number.to_integer() < 0 ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
      return put(interp, out, *copy_str(interp.arena(), sign + digits, kTemplate), spec, align);
    }
  } else if (std::string_view("eEfFgG").find(spec.type) == std::string_view::npos) {
    Interp::fail(std::string("unknown conversion %") + spec.type);
  }
  spec.align = left ? '<' : zero ? '=' : '>';
  spec.fill = zero && !left ? "0" : " ";
  put_number(interp, out, number, spec);
}

// What a format that is Markup takes of an argument.
Value escaped_for(Interp& interp, const Value& value, Spec& spec) {
  if (spec.type == 's') {
    return Value::of(interp.escape(value));
  }
  if (spec.type == 'r') {
    Out text(interp.limits().output_bytes);
    interp.write_repr(text, value);
    spec.type = 's';
    return Value::of(interp.escape(Value::of(text.finish(interp.arena()))));
  }
  if (std::string_view("xXoc").find(spec.type) != std::string_view::npos) {
    Interp::fail(std::string("%") + spec.type + " in Markup");
  }
  return value;
}

// The spec of "{:spec}".
Spec parse_spec(const Str& text) {
  Spec spec;
  size_t at = 0;
  const std::string_view view = text.view();
  const std::string_view aligns = "<>=^";
  if (!view.empty()) {
    const size_t first = offset_of(text, 1);
    if (first < view.size() && aligns.find(view[first]) != std::string_view::npos) {
      spec.fill = std::string(view.substr(0, first));
      spec.align = view[first];
      at = first + 1;
    } else if (aligns.find(view[0]) != std::string_view::npos) {
      spec.align = view[0];
      at = 1;
    }
  }
  const auto take = [&](std::string_view one_of) {
    return at < view.size() && one_of.find(view[at]) != std::string_view::npos ? view[at++] : '\0';
  };
  const char sign = take("+- ");
  spec.sign = sign == '\0' ? '-' : sign;
  spec.alternative = take("#") != '\0';
  if (take("0") != '\0' && spec.align == '\0') {
    spec.align = '=';
    spec.fill = "0";
  }
  spec.width = read_number(view, at);
  spec.grouped = take(",") != '\0';
  if (take(".") != '\0') {
    const size_t before = at;
    spec.precision = read_number(view, at);
    if (at == before) {
      Interp::fail("a format without its precision after the dot");
    }
  }
  spec.type = take("sdxXobeEfFgG%");
  if (at != view.size()) {
    Interp::fail("a format that is not supported: '" + std::string(view.substr(0, 40)) + "'");
  }
  return spec;
}

}  // namespace

void format_value(Interp& interp, Out& out, const Value& value, const Str& text) {
  if (text.size == 0) {
    return interp.write_str(out, value);
  }
  const Spec spec = parse_spec(text);
  const bool integral = value.is_integral();
  if (integral || value.is(Kind::kFloat)) {
    const bool real = std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos;
    if (spec.type == 's' || (value.is(Kind::kFloat) && !real && spec.type != '\0') ||
        (!real && integral && spec.precision >= 0)) {
      Interp::fail(std::string("a format that does not fit a ") + type_name(value));
    }
    return put_number(interp, out, value, spec);
  }
  if (!value.is_str() || (spec.type != 's' && spec.type != '\0') || spec.align == '=' || spec.sign != '-' ||
      spec.grouped || spec.alternative) {
    Interp::fail(std::string("a format that does not fit a ") + type_name(value));
  }
  put_text(interp, out, *value.str, spec, spec.align == '\0' ? '<' : spec.align);
}

Value Interp::percent(const Value& format, const Value& args) {
  const Str& str = *format.str;
  charge_text(str.size);
  Out out(limits_.output_bytes);
  const bool many = args.is(Kind::kTuple);
  uint32_t used = 0;
  const auto next = [&]() -> Value {
    if (many ? used >= args.list->size : used > 0) {
      fail("not enough arguments for the format");
    }
    return many ? args.list->items[used++] : (++used, args);
  };
  bool named = false;
  const std::string_view view = str.view();
  for (size_t at = 0; at < view.size();) {
    const size_t mark = std::min(view.find('%', at), view.size());
    out.add_part(str, at, mark);
    at = mark + 1;
    if (mark == view.size()) {
      break;
    }
    Value value;
    if (at < view.size() && view[at] == '(') {
      const size_t close = view.find(')', at);
      if (close == std::string_view::npos || !args.is(Kind::kDict)) {
        fail("a format with a name needs a dict");
      }
      const Value* found = find_item(*args.dict, view.substr(at + 1, close - at - 1));
      if (found == nullptr) {
        fail("the format's '" + std::string(view.substr(at + 1, std::min<size_t>(close - at - 1, 60))) + "' is not given");
      }
      value = *found;
      named = true;
      at = close + 1;
    }
    Spec spec;
    bool left = false;
    bool zero = false;
    for (; at < view.size() && std::string_view("-+ #0").find(view[at]) != std::string_view::npos; ++at) {
      left = left || view[at] == '-';
      zero = zero || view[at] == '0';
      spec.alternative = spec.alternative || view[at] == '#';
      spec.sign = view[at] == '+' ? '+' : view[at] == ' ' && spec.sign != '+' ? ' ' : spec.sign;
    }
    spec.width = read_number(view, at);
    if (at < view.size() && view[at] == '.') {
      spec.precision = read_number(view, ++at);
    }
    if (at == view.size() || view[at] == '*') {
      fail("a format that is cut, or that takes its width from an argument");
    }
    spec.type = view[at++];
    if (spec.type == '%') {
      out.add('%', str.mark_at(static_cast<uint32_t>(at - 1)));
      continue;
    }
    value = value.is(Kind::kMissing) ? next() : value;
    if (str.markup) {
      value = escaped_for(*this, value, spec);
    }
    convert(*this, out, value, spec, left, zero);
  }
  const bool left_over = many ? used < args.list->size : used == 0 && !args.is(Kind::kDict) && !args.is(Kind::kList);
  if (left_over && !named) {
    fail("not all arguments are used by the format");
  }
  return markup_as(str, *out.finish(arena_));
}

}  // namespace athanor::chat
