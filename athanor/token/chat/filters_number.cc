// Filters of numbers, and those that look at any value.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "athanor/token/chat/filters.h"
#include "athanor/token/chat/py_text.h"

namespace athanor::chat {
namespace {

Value absolute(Interp& interp, const Value& value, const Bind&) {
  interp.check_defined(value);
  if (!value.is_number()) {
    Interp::fail(std::string("abs of a ") + type_name(value));
  }
  if (value.is(Kind::kFloat)) {
    return Value::of(std::fabs(value.real));
  }
  return value.to_integer() < 0 ? interp.negate(value, false) : Value::of(value.to_integer());
}

Value default_filter(Interp& interp, const Value& value, const Bind& args) {
  const bool absent = value.is(Kind::kUndefined) || (flag_argument(args[1]) && !is_true(value));
  if (!absent) {
    return value;
  }
  return args[0].is(Kind::kMissing) ? interp.new_str("") : args[0];
}

int64_t truncated(double value) {
  if (std::isnan(value)) {
    throw Fail{"nan is no integer"};
  }
  if (!(std::fabs(value) < 9.2233720368547e18)) {
    Interp::fail("an integer beyond 64 bits");
  }
  return static_cast<int64_t>(value);
}

Value int_filter(Interp& interp, const Value& value, const Bind& args) {
  interp.check_defined(value);
  const Value otherwise = args[0].is(Kind::kMissing) ? Value::of(int64_t{0}) : args[0];
  if (value.is_integral()) {
    return Value::of(value.to_integer());
  }
  if (value.is(Kind::kFloat)) {
    return std::isnan(value.real) ? otherwise : Value::of(truncated(value.real));
  }
  if (!value.is_str()) {
    return otherwise;
  }
  const int64_t base = int_argument(args[1], 10, "int");
  if (base != 0 && (base < 2 || base > 36)) {
    return otherwise;
  }
  interp.charge_text(value.str->size);
  if (const auto whole = parse_int(value.text(), static_cast<int>(base))) {
    return Value::of(*whole);
  }
  const auto real = parse_float(value.text());
  return real && std::isfinite(*real) ? Value::of(truncated(*real)) : otherwise;
}

Value float_filter(Interp& interp, const Value& value, const Bind& args) {
  interp.check_defined(value);
  const Value otherwise = args[0].is(Kind::kMissing) ? Value::of(0.0) : args[0];
  if (value.is_number()) {
    return Value::of(value.to_real());
  }
  if (!value.is_str()) {
    return otherwise;
  }
  interp.charge_text(value.str->size);
  const auto real = parse_float(value.text());
  return real ? Value::of(*real) : otherwise;
}

// round(): half to even on the exact decimal value, as printf rounds.
double round_half_even(double value, int64_t digits) {
  if (!std::isfinite(value) || digits > 323) {
    return value;
  }
  if (digits < 0) {
    if (digits < -308) {
      return std::copysign(0.0, value);
    }
    const double unit = std::pow(10.0, static_cast<double>(-digits));
    return std::nearbyint(value / unit) * unit;
  }
  char buffer[800];
  std::snprintf(buffer, sizeof buffer, "%.*f", static_cast<int>(digits), value);
  return std::strtod(buffer, nullptr);
}

Value round_filter(Interp& interp, const Value& value, const Bind& args) {
  interp.check_defined(value);
  const int64_t digits = int_argument(args[0], 0, "round");
  const std::string_view method = args[1].is(Kind::kMissing) ? "common" : args[1].is_str() ? args[1].text() : "";
  if (method != "common" && method != "ceil" && method != "floor") {
    Interp::fail("round takes the methods common, ceil and floor");
  }
  if (!value.is_number()) {
    Interp::fail(std::string("round of a ") + type_name(value));
  }
  if (method == "common") {
    if (value.is_integral() && digits >= 0) {
      return Value::of(value.to_integer());
    }
    const double rounded = round_half_even(value.to_real(), digits);
    return value.is_integral() ? Value::of(truncated(rounded)) : Value::of(rounded);
  }
  const Value unit = interp.binary(Operator::kPow, Value::of(int64_t{10}), Value::of(digits));
  const Value scaled = interp.binary(Operator::kMul, value, unit);
  const double moved = method == "ceil" ? std::ceil(scaled.to_real()) : std::floor(scaled.to_real());
  return interp.binary(Operator::kDiv, scaled.is_integral() ? scaled : Value::of(truncated(moved)), unit);
}

Value file_size(Interp& interp, const Value& value, const Bind& args) {
  interp.check_defined(value);
  const auto bytes = value.is_number() ? value.to_real() : value.is_str() ? parse_float(value.text()) : std::nullopt;
  if (!bytes) {
    Interp::fail("filesizeformat needs a number");
  }
  const bool binary = flag_argument(args[0]);
  const double base = binary ? 1024 : 1000;
  if (*bytes == 1) {
    return interp.new_str("1 Byte");
  }
  if (*bytes < base) {
    return interp.new_str(std::to_string(truncated(*bytes)) + " Bytes");
  }
  static constexpr std::string_view kPrefixes = "kMGTPEZY";
  double unit = base;
  size_t i = 0;
  for (unit = base * base; i < 7 && *bytes >= unit; ++i) {
    unit *= base;
  }
  char buffer[400];
  const char prefix = binary && i == 0 ? 'K' : kPrefixes[i];
  std::snprintf(buffer, sizeof buffer, "%.1f %c%sB", base * *bytes / unit, prefix, binary ? "i" : "");
  return interp.new_str(buffer);
}

Value attribute(Interp& interp, const Value& value, const Bind& args) {
  if (!args[0].is_str()) {
    Interp::fail("attr needs a name");
  }
  // Only what is an attribute, not an item of a dict.
  if (value.is(Kind::kDict) && !(find_method(args[0].text()) >= 0 && has_method(value.kind, find_method(args[0].text())))) {
    return interp.undefined(Undef::kAttribute, args[0].text(), value.kind);
  }
  return interp.get_attribute(value, args[0], find_method(args[0].text()));
}

}  // namespace

std::vector<Filter> number_filters() {
  return {{"abs", absolute},
          {"attr", attribute, {"name"}, 1},
          {"d", default_filter, {"default_value", "boolean"}},
          {"default", default_filter, {"default_value", "boolean"}},
          {"filesizeformat", file_size, {"binary"}},
          {"float", float_filter, {"default"}},
          {"int", int_filter, {"default", "base"}},
          {"round", round_filter, {"precision", "method"}}};
}

}  // namespace athanor::chat
