// + - * / // % ** and comparisons, as Python has them; integers have 64 bits, and beyond is an error.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "athanor/token/chat/interp.h"

namespace athanor::chat {
namespace {

constexpr const char* kSigns[] = {"+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "in", "not in"};

[[noreturn]] void overflow() { Interp::fail("an integer beyond 64 bits"); }

[[noreturn]] void unsupported(const char* sign, const Value& a, const Value& b) {
  Interp::fail(std::string("unsupported operands for ") + sign + ": '" + type_name(a) + "' and '" + type_name(b) + "'");
}

int64_t floor_div(int64_t a, int64_t b) {
  if (a == INT64_MIN && b == -1) {
    overflow();
  }
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

double floor_mod(double a, double b) {
  double mod = std::fmod(a, b);
  if (mod != 0 && (b < 0) != (mod < 0)) {
    mod += b;
  }
  return mod == 0 ? std::copysign(0.0, b) : mod;
}

double floor_div(double a, double b) {
  const double mod = std::fmod(a, b);
  double div = (a - mod) / b;
  if (mod != 0 && (b < 0) != (mod < 0)) {
    div -= 1;
  }
  if (div == 0) {
    return std::copysign(0.0, a / b);
  }
  const double floored = std::floor(div);
  return div - floored > 0.5 ? floored + 1 : floored;
}

Value power(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral() && b.to_integer() >= 0) {
    int64_t base = a.to_integer();
    int64_t result = 1;
    for (int64_t exponent = b.to_integer(); exponent > 0;) {
      if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) {
        overflow();
      }
      exponent >>= 1;
      if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) {
        overflow();
      }
    }
    return Value::of(result);
  }
  const double x = a.to_real();
  const double y = b.to_real();
  if (x == 0 && y < 0) {
    Interp::fail("0 cannot be raised to a negative power");
  }
  if (x < 0 && std::isfinite(x) && std::isfinite(y) && y != std::floor(y)) {
    Interp::fail("a power that is a complex number");
  }
  const double result = std::pow(x, y);
  if (std::isinf(result) && std::isfinite(x) && std::isfinite(y)) {
    Interp::fail("a number beyond the range of floats");
  }
  return Value::of(result);
}

Value integers(Operator operation, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (operation) {
    case Operator::kAdd:
      return __builtin_add_overflow(a, b, &result) ? overflow(), Value() : Value::of(result);
    case Operator::kSub:
      return __builtin_sub_overflow(a, b, &result) ? overflow(), Value() : Value::of(result);
    case Operator::kMul:
      return __builtin_mul_overflow(a, b, &result) ? overflow(), Value() : Value::of(result);
    case Operator::kDiv:
      return Value::of(static_cast<double>(a) / static_cast<double>(b));
    case Operator::kFloorDiv:
      return Value::of(floor_div(a, b));
    default: {
      const int64_t mod = b == -1 ? 0 : a % b;
      return Value::of(mod != 0 && (mod < 0) != (b < 0) ? mod + b : mod);
    }
  }
}

Value numbers(Operator operation, const Value& a, const Value& b) {
  if (operation == Operator::kPow) {
    return power(a, b);
  }
  if ((operation == Operator::kDiv || operation == Operator::kFloorDiv || operation == Operator::kMod) &&
      b.to_real() == 0) {
    Interp::fail("division by zero");
  }
  if (a.is_integral() && b.is_integral()) {
    return integers(operation, a.to_integer(), b.to_integer());
  }
  const double x = a.to_real();
  const double y = b.to_real();
  switch (operation) {
    case Operator::kAdd:
      return Value::of(x + y);
    case Operator::kSub:
      return Value::of(x - y);
    case Operator::kMul:
      return Value::of(x * y);
    case Operator::kDiv:
      return Value::of(x / y);
    case Operator::kFloorDiv:
      return Value::of(floor_div(x, y));
    default:
      return Value::of(floor_mod(x, y));
  }
}

Value repeat(Interp& interp, const Value& sequence, int64_t times) {
  const size_t unit = sequence.is_str() ? sequence.str->size : sequence.list->size * sizeof(Value);
  times = std::max<int64_t>(times, 0);
  if (unit > 0 && static_cast<size_t>(times) > interp.limits().output_bytes / unit) {
    Interp::fail("a repetition of more than " + std::to_string(interp.limits().output_bytes >> 20) + " MiB",
                 "a template that is meant for conversations makes no such text");
  }
  interp.charge_text(unit * static_cast<size_t>(times));
  if (sequence.is_str()) {
    Out text(interp.limits().output_bytes);
    for (int64_t i = 0; unit > 0 && i < times; ++i) {
      text.add(*sequence.str);
    }
    Str result = *text.finish(interp.arena());
    result.markup = sequence.str->markup;
    return Value::of(interp.arena().make<Str>(result));
  }
  std::vector<Value> items;
  for (int64_t i = 0; unit > 0 && i < times; ++i) {
    items.insert(items.end(), sequence.list->items, sequence.list->items + sequence.list->size);
  }
  return interp.new_list(items, sequence.kind);
}

}  // namespace

Value Interp::binary(Operator operation, const Value& a, const Value& b) {
  if (operation == Operator::kMod && a.is_str()) {
    return percent(a, b);
  }
  check_defined(a);
  check_defined(b);
  if (a.is_number() && b.is_number()) {
    return numbers(operation, a, b);
  }
  if (operation == Operator::kAdd) {
    if (a.is_str() && b.is_str()) {
      if (a.str->markup == b.str->markup) {
        Value text = joined(*a.str, *b.str);
        if (a.str->markup && !text.str->markup) {
          Str marked = *text.str;
          marked.markup = true;
          text = Value::of(arena_.make<Str>(marked));
        }
        return text;
      }
      Str marked = *joined(*escape(a), *escape(b)).str;
      marked.markup = true;
      return Value::of(arena_.make<Str>(marked));
    }
    if (a.is_sequence() && a.kind == b.kind) {
      const List* list = join_list(arena_, *a.list, *b.list);
      step(1 + (list->items == a.list->items ? b.list->size : list->size));
      return Value::of(a.kind, list);
    }
  }
  if (operation == Operator::kMul) {
    if ((a.is_str() || a.is_sequence()) && b.is_integral()) {
      return repeat(*this, a, b.to_integer());
    }
    if ((b.is_str() || b.is_sequence()) && a.is_integral()) {
      return repeat(*this, b, a.to_integer());
    }
  }
  if (operation == Operator::kAdd && (a.is_str() || b.is_str()) && a.kind != b.kind) {
    const Value& other = a.is_str() ? b : a;
    fail(std::string("a str and a ") + type_name(other) + " cannot be joined with +",
         "the conversation holds a value of another type than the template expects");
  }
  unsupported(kSigns[static_cast<size_t>(operation)], a, b);
}

Value Interp::negate(const Value& value, bool plus) {
  check_defined(value);
  if (value.is(Kind::kFloat)) {
    return plus ? value : Value::of(-value.real);
  }
  if (!value.is_integral()) {
    fail(std::string("a ") + type_name(value) + " has no sign");
  }
  if (!plus && value.to_integer() == INT64_MIN) {
    overflow();
  }
  return Value::of(plus ? value.to_integer() : -value.to_integer());
}

int Interp::order(const Value& a, const Value& b, const char* sign) {
  const Deeper deeper(*this);
  step();
  check_defined(a);
  check_defined(b);
  if (a.is_number() && b.is_number()) {
    if (a.is_integral() && b.is_integral()) {
      return a.to_integer() < b.to_integer() ? -1 : a.to_integer() > b.to_integer() ? 1 : 0;
    }
    const long double x = a.is(Kind::kFloat) ? static_cast<long double>(a.real) : a.to_integer();
    const long double y = b.is(Kind::kFloat) ? static_cast<long double>(b.real) : b.to_integer();
    return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
  }
  if (a.is_str() && b.is_str()) {  // UTF-8 sorts as code points do
    charge_text(std::min(a.str->size, b.str->size));
    const int sign_of = a.text().compare(b.text());
    return sign_of < 0 ? -1 : sign_of > 0 ? 1 : 0;
  }
  if (a.is_sequence() && a.kind == b.kind) {
    const uint32_t size = std::min(a.list->size, b.list->size);
    for (uint32_t i = 0; i < size; ++i) {
      if (!equal(a.list->items[i], b.list->items[i], steps_)) {
        return order(a.list->items[i], b.list->items[i], sign);
      }
    }
    return a.list->size < b.list->size ? -1 : a.list->size > b.list->size ? 1 : 0;
  }
  unsupported(sign, a, b);
}

bool Interp::compare(Operator operation, const Value& a, const Value& b) {
  switch (operation) {
    case Operator::kEq:
    case Operator::kNe:
      return equal(a, b, steps_) == (operation == Operator::kEq);
    case Operator::kIn:
    case Operator::kNotIn:
      return contains(a, b) == (operation == Operator::kIn);
    default: {
      const int sign = order(a, b, kSigns[static_cast<size_t>(operation)]);
      switch (operation) {
        case Operator::kLt:
          return sign == -1;
        case Operator::kLe:
          return sign == -1 || sign == 0;
        case Operator::kGt:
          return sign == 1;
        default:
          return sign == 1 || sign == 0;
      }
    }
  }
}

bool Interp::contains(const Value& item, const Value& in) {
  switch (in.kind) {
    case Kind::kStr:
      check_defined(item);
      if (!item.is_str()) {
        fail(std::string("'in' needs a string on its left when a string is on its right, not a ") + type_name(item));
      }
      charge_text(in.str->size);
      return in.str->size >= item.str->size &&
             (item.str->size == 0 || memmem(in.str->data, in.str->size, item.str->data, item.str->size) != nullptr);
    case Kind::kDict:
      if (!is_hashable(item)) {
        fail(std::string("a ") + type_name(item) + " cannot be a key of a dict");
      }
      step(item.is(Kind::kTuple) ? 100 : 1);
      return find_item(*in.dict, item) != nullptr;
    default: {
      Iter* iter = iterate(in);
      for (Value other; iter->next(*this, other);) {
        step();
        if (equal(item, other, steps_)) {
          return true;
        }
      }
      return false;
    }
  }
}

}  // namespace athanor::chat
