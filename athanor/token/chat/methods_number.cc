// Methods and attributes of numbers and ranges.
#include <bit>
#include <cmath>
#include <cstdio>

#include "athanor/token/chat/builtins.h"
#include "athanor/token/chat/interp.h"
#include "athanor/token/chat/py_text.h"

namespace athanor::chat {
namespace {

uint64_t magnitude(int64_t number) {
  return number < 0 ? uint64_t{0} - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
}

Value ratio(Interp& interp, double real) {
  if (!std::isfinite(real)) {
    Interp::fail("as_integer_ratio() of " + float_repr(real));
  }
  int exponent = 0;
  double whole = std::frexp(real, &exponent);
  for (; whole != std::floor(whole); --exponent) {
    whole *= 2;
  }
  if (exponent < -62 || std::abs(real) >= 0x1p63) {
    Interp::fail("as_integer_ratio() beyond 64 bits");
  }
  return exponent >= 0 ? interp.pair(Value::of(static_cast<int64_t>(real)), Value::of(int64_t{1}))
                       : interp.pair(Value::of(static_cast<int64_t>(whole)), Value::of(int64_t{1} << -exponent));
}

std::string hex_of(double real) {
  if (!std::isfinite(real)) {
    return float_repr(real);
  }
  if (real == 0) {
    return std::signbit(real) ? "-0x0.0p+0" : "0x0.0p+0";
  }
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.13a", real);
  return buffer;
}

}  // namespace

Value plain_attribute(const Value& object, std::string_view name) {
  if (object.is(Kind::kRange)) {
    const Range& range = *object.range;
    return name == "start"  ? Value::of(range.start)
           : name == "stop" ? Value::of(range.stop)
           : name == "step" ? Value::of(range.step)
                            : Value{};
  }
  if (object.is(Kind::kFloat)) {
    return name == "real" ? object : name == "imag" ? Value::of(0.0) : Value{};
  }
  if (object.is_integral()) {
    return name == "real" || name == "numerator" ? Value::of(object.to_integer())
           : name == "imag"                      ? Value::of(int64_t{0})
           : name == "denominator"               ? Value::of(int64_t{1})
                                                 : Value{};
  }
  return {};
}

Value call_number_method(Interp& interp, const Value& self, std::string_view name) {
  if (name == "conjugate") {
    return self.is(Kind::kFloat) ? self : Value::of(self.to_integer());
  }
  if (self.is(Kind::kFloat)) {
    return name == "is_integer" ? Value::of(std::isfinite(self.real) && self.real == std::floor(self.real))
           : name == "hex"      ? interp.new_str(hex_of(self.real))
                                : ratio(interp, self.real);
  }
  const int64_t number = self.to_integer();
  return name == "bit_length"  ? Value::of(static_cast<int64_t>(std::bit_width(magnitude(number))))
         : name == "bit_count" ? Value::of(static_cast<int64_t>(std::popcount(magnitude(number))))
                               : interp.pair(Value::of(number), Value::of(int64_t{1}));
}

}  // namespace athanor::chat
