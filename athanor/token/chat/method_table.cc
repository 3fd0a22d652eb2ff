#include "athanor/token/chat/method_table.h"

#include <algorithm>
#include <iterator>

#include "athanor/token/chat/str_ops.h"

namespace athanor::chat {
namespace {

constexpr uint8_t kS = 1, kL = 2, kT = 4, kD = 8, kI = 16, kF = 32, kR = 64;

constexpr int variant(Case how) { return static_cast<int>(how); }
constexpr int variant(Side side) { return static_cast<int>(side); }

// Sorted by name.
constexpr Method kMethods[] = {
    {"append", kL, kL, Do::kNone},
    {"as_integer_ratio", kI | kF, 0, Do::kNumber},
    {"bit_count", kI, 0, Do::kNumber},
    {"bit_length", kI, 0, Do::kNumber},
    {"capitalize", kS, 0, Do::kCase, variant(Case::kCapitalize)},
    {"casefold", kS, 0, Do::kCase, variant(Case::kFold)},
    {"center", kS, 0, Do::kCenter, 0},
    {"clear", kL | kD, kL | kD, Do::kNone},
    {"conjugate", kI | kF, 0, Do::kNumber},
    {"copy", kL | kD, 0, Do::kCopy},
    {"count", kS | kL | kT | kR, 0, Do::kCount},
    {"encode", kS, 0, Do::kNone},
    {"endswith", kS, 0, Do::kAffix, 1},
    {"expandtabs", kS, 0, Do::kExpandTabs},
    {"extend", kL, kL, Do::kNone},
    {"find", kS, 0, Do::kFind, 0},
    {"format", kS, 0, Do::kFormat, 0},
    {"format_map", kS, 0, Do::kFormat, 1},
    {"fromkeys", kD, 0, Do::kFromKeys},
    {"get", kD, 0, Do::kGet},
    {"hex", kF, 0, Do::kNumber},
    {"index", kS | kL | kT | kR, 0, Do::kFind, 2},
    {"insert", kL, kL, Do::kNone},
    {"is_integer", kF, 0, Do::kNumber},
    {"isalnum", kS, 0, Do::kClass},
    {"isalpha", kS, 0, Do::kClass},
    {"isascii", kS, 0, Do::kClass},
    {"isdecimal", kS, 0, Do::kClass},
    {"isdigit", kS, 0, Do::kClass},
    {"isidentifier", kS, 0, Do::kClass},
    {"islower", kS, 0, Do::kClass},
    {"isnumeric", kS, 0, Do::kClass},
    {"isprintable", kS, 0, Do::kClass},
    {"isspace", kS, 0, Do::kClass},
    {"istitle", kS, 0, Do::kClass},
    {"isupper", kS, 0, Do::kClass},
    {"items", kD, 0, Do::kView, View::kItems},
    {"join", kS, 0, Do::kJoin},
    {"keys", kD, 0, Do::kView, View::kKeys},
    {"ljust", kS, 0, Do::kCenter, 1},
    {"lower", kS, 0, Do::kCase, variant(Case::kLower)},
    {"lstrip", kS, 0, Do::kStrip, variant(Side::kLeft)},
    {"maketrans", kS, 0, Do::kMakeTrans},
    {"partition", kS, 0, Do::kPartition, 0},
    {"pop", kL | kD, kL | kD, Do::kNone},
    {"popitem", kD, kD, Do::kNone},
    {"remove", kL, kL, Do::kNone},
    {"removeprefix", kS, 0, Do::kRemoveAffix, 0},
    {"removesuffix", kS, 0, Do::kRemoveAffix, 1},
    {"replace", kS, 0, Do::kReplace},
    {"reverse", kL, kL, Do::kNone},
    {"rfind", kS, 0, Do::kFind, 1},
    {"rindex", kS, 0, Do::kFind, 3},
    {"rjust", kS, 0, Do::kCenter, 2},
    {"rpartition", kS, 0, Do::kPartition, 1},
    {"rsplit", kS, 0, Do::kSplit, 1},
    {"rstrip", kS, 0, Do::kStrip, variant(Side::kRight)},
    {"setdefault", kD, kD, Do::kNone},
    {"sort", kL, kL, Do::kNone},
    {"split", kS, 0, Do::kSplit, 0},
    {"splitlines", kS, 0, Do::kSplitLines},
    {"startswith", kS, 0, Do::kAffix, 0},
    {"strip", kS, 0, Do::kStrip, variant(Side::kBoth)},
    {"swapcase", kS, 0, Do::kCase, variant(Case::kSwap)},
    {"title", kS, 0, Do::kCase, variant(Case::kTitle)},
    {"translate", kS, 0, Do::kTranslate},
    {"update", kD, kD, Do::kNone},
    {"upper", kS, 0, Do::kCase, variant(Case::kUpper)},
    {"values", kD, 0, Do::kView, View::kValues},
    {"zfill", kS, 0, Do::kZeroFill},
};

uint8_t bit_of(Kind kind) {
  switch (kind) {
    case Kind::kStr:
      return kS;
    case Kind::kList:
      return kL;
    case Kind::kTuple:
      return kT;
    case Kind::kDict:
      return kD;
    case Kind::kBool:
    case Kind::kInt:
      return kI;
    case Kind::kFloat:
      return kF;
    case Kind::kRange:
      return kR;
    default:
      return 0;
  }
}

}  // namespace

int find_method(std::string_view name) {
  const auto* found = std::lower_bound(std::begin(kMethods), std::end(kMethods), name,
                                       [](const Method& method, std::string_view n) { return method.name < n; });
  return found != std::end(kMethods) && found->name == name ? static_cast<int>(found - kMethods) : -1;
}

const Method& method_of(int id) { return kMethods[id]; }
std::string_view method_name(int id) { return kMethods[id].name; }
bool has_method(Kind kind, int id) { return (kMethods[id].kinds & bit_of(kind)) != 0; }
bool is_mutating(Kind kind, int id) { return (kMethods[id].mutates & bit_of(kind)) != 0; }

}  // namespace athanor::chat
