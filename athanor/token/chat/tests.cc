// Tests: x is defined, x is divisibleby 3.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "athanor/token/chat/str_ops.h"

namespace athanor::chat {
namespace {

enum Test : uint8_t {
  kBoolean, kCallable, kDefined, kDivisible, kEq, kEscaped, kEven, kFalse, kFilter, kFloat, kGe, kGt, kIn, kInteger,
  kIterable, kLe, kLower, kLt, kMapping, kNe, kNone, kNumber, kOdd, kSameAs, kSequence, kString, kTest, kTrue,
  kUndefined, kUpper
};

constexpr std::pair<std::string_view, Test> kTests[] = {
    {"!=", kNe}, {"<", kLt}, {"<=", kLe}, {"==", kEq}, {">", kGt}, {">=", kGe}, {"boolean", kBoolean},
    {"callable", kCallable}, {"defined", kDefined}, {"divisibleby", kDivisible}, {"eq", kEq}, {"equalto", kEq},
    {"escaped", kEscaped}, {"even", kEven}, {"false", kFalse}, {"filter", kFilter}, {"float", kFloat}, {"ge", kGe},
    {"greaterthan", kGt}, {"gt", kGt}, {"in", kIn}, {"integer", kInteger}, {"iterable", kIterable}, {"le", kLe},
    {"lessthan", kLt}, {"lower", kLower}, {"lt", kLt}, {"mapping", kMapping}, {"ne", kNe}, {"none", kNone},
    {"number", kNumber}, {"odd", kOdd}, {"sameas", kSameAs}, {"sequence", kSequence}, {"string", kString},
    {"test", kTest}, {"true", kTrue}, {"undefined", kUndefined}, {"upper", kUpper}};

// Python's `is`, as far as a template can rely on it.
bool is_same(const Value& a, const Value& b) {
  if (a.kind != b.kind) {
    return false;
  }
  switch (a.kind) {
    case Kind::kInt:
      if (a.integer == b.integer && (a.integer < -5 || a.integer > 256)) {
        Interp::fail("`is sameas` of two equal integers depends on the interpreter", "use == instead");
      }
      return a.integer == b.integer;
    case Kind::kFloat:
    case Kind::kStr:
      if (a.is_str() ? a.str != b.str && a.text() == b.text() : a.real == b.real) {
        Interp::fail("`is sameas` of two equal values depends on the interpreter", "use == instead");
      }
      return a.is_str() && a.str == b.str;
    case Kind::kList:
    case Kind::kTuple:
      return a.list == b.list;
    default: {
      int64_t work = 10;
      return a.is(Kind::kDict) ? a.dict == b.dict : a.is(Kind::kUndefined) ? a.undef == b.undef : equal(a, b, work);
    }
  }
}

bool is_callable(Interp& interp, const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:  // it has a __call__, which fails
    case Kind::kFunction:
    case Kind::kMethod:
    case Kind::kMacro:
    case Kind::kLoop:
    case Kind::kJoiner:
      return true;
    default:
      interp.step();
      return false;
  }
}

}  // namespace

int find_test(std::string_view name) {
  const auto* found = std::find_if(std::begin(kTests), std::end(kTests), [&](const auto& t) { return t.first == name; });
  return found == std::end(kTests) ? -1 : static_cast<int>(found - kTests);
}

bool Interp::call_test(int id, const Value& value, const Args& args) {
  const char* name = kTests[id].first.data();
  const Test test = kTests[id].second;
  const auto other = [&] { return bind(name, args, {"other"}, 1)[0]; };
  const auto modulo = [&](const Value& divisor) { return binary(Operator::kMod, value, divisor); };
  switch (test) {
    case kEq:
      return compare(Operator::kEq, value, other());
    case kNe:
      return compare(Operator::kNe, value, other());
    case kLt:
      return compare(Operator::kLt, value, other());
    case kLe:
      return compare(Operator::kLe, value, other());
    case kGt:
      return compare(Operator::kGt, value, other());
    case kGe:
      return compare(Operator::kGe, value, other());
    case kIn:
      return contains(value, other());
    case kSameAs:
      return is_same(value, other());
    case kDivisible:
      return equal(modulo(other()), Value::of(int64_t{0}));
    default:
      break;
  }
  bind(name, args, {}, 0);
  switch (test) {
    case kBoolean:
      return value.is(Kind::kBool);
    case kCallable:
      return is_callable(*this, value);
    case kDefined:
      return !value.is(Kind::kUndefined);
    case kUndefined:
      return value.is(Kind::kUndefined);
    case kEscaped:
      return value.is_str() && value.str->markup;
    case kEven:
      return equal(modulo(Value::of(int64_t{2})), Value::of(int64_t{0}));
    case kOdd:
      return equal(modulo(Value::of(int64_t{2})), Value::of(int64_t{1}));
    case kFalse:
      return value.is(Kind::kBool) && !value.boolean;
    case kTrue:
      return value.is(Kind::kBool) && value.boolean;
    case kFilter:
      return value.is_str() && find_filter(value.text()) >= 0;
    case kTest:
      return value.is_str() && find_test(value.text()) >= 0;
    case kFloat:
      return value.is(Kind::kFloat);
    case kInteger:
      return value.is(Kind::kInt);
    case kNumber:
      return value.is_number();
    case kIterable:
      return is_iterable(value);
    case kLower:
    case kUpper: {
      const std::string_view text = text_of(value);
      charge_text(text.size() * 4);
      return is_class(test == kLower ? "islower" : "isupper", text);
    }
    case kMapping:
      return value.is(Kind::kDict);
    case kNone:
      return value.is(Kind::kNone);
    case kSequence:
      return value.is(Kind::kUndefined) || value.is_str() || value.is_sequence() || value.is(Kind::kDict) ||
             value.is(Kind::kRange);
    case kString:
      return value.is_str();
    default:
      fail("an unknown test");
  }
}

}  // namespace athanor::chat
