// The sets of RegexCompiler: [...], escapes, \p{...}.
#include <algorithm>
#include <optional>

#include "athanor/token/pipeline/regex_compiler.h"
#include "athanor/token/split/script_table.h"

namespace athanor::token {

namespace {

constexpr uint32_t bit_of(Category category) { return uint32_t{1} << static_cast<int>(category); }
constexpr uint32_t bits_between(Category first, Category last) {
  uint32_t bits = 0;
  for (int i = static_cast<int>(first); i <= static_cast<int>(last); ++i) {
    bits |= uint32_t{1} << i;
  }
  return bits;
}

struct CategoryName {
  const char* name;
  const char* long_name;
  uint32_t bits;
};
using enum Category;
constexpr CategoryName kCategories[] = {
    {"L", "Letter", bits_between(kLl, kLu)},
    {"M", "Mark", bits_between(kMc, kMn)},
    {"N", "Number", bits_between(kNd, kNo)},
    {"P", "Punctuation", bits_between(kPc, kPs)},
    {"S", "Symbol", bits_between(kSc, kSo)},
    {"Z", "Separator", bits_between(kZl, kZs)},
    {"C", "Other", bits_between(kCn, kCs)},
    {"Cc", "Control", bit_of(kCc)},
    {"Cf", "Format", bit_of(kCf)},
    {"Cn", "Unassigned", bit_of(kCn)},
    {"Co", "PrivateUse", bit_of(kCo)},
    {"Cs", "Surrogate", bit_of(kCs)},
    {"Ll", "LowercaseLetter", bit_of(kLl)},
    {"Lm", "ModifierLetter", bit_of(kLm)},
    {"Lo", "OtherLetter", bit_of(kLo)},
    {"Lt", "TitlecaseLetter", bit_of(kLt)},
    {"Lu", "UppercaseLetter", bit_of(kLu)},
    {"Mc", "SpacingMark", bit_of(kMc)},
    {"Me", "EnclosingMark", bit_of(kMe)},
    {"Mn", "NonspacingMark", bit_of(kMn)},
    {"Nd", "DecimalNumber", bit_of(kNd)},
    {"Nl", "LetterNumber", bit_of(kNl)},
    {"No", "OtherNumber", bit_of(kNo)},
    {"Pc", "ConnectorPunctuation", bit_of(kPc)},
    {"Pd", "DashPunctuation", bit_of(kPd)},
    {"Pe", "ClosePunctuation", bit_of(kPe)},
    {"Pf", "FinalPunctuation", bit_of(kPf)},
    {"Pi", "InitialPunctuation", bit_of(kPi)},
    {"Po", "OtherPunctuation", bit_of(kPo)},
    {"Ps", "OpenPunctuation", bit_of(kPs)},
    {"Sc", "CurrencySymbol", bit_of(kSc)},
    {"Sk", "ModifierSymbol", bit_of(kSk)},
    {"Sm", "MathSymbol", bit_of(kSm)},
    {"So", "OtherSymbol", bit_of(kSo)},
    {"Zl", "LineSeparator", bit_of(kZl)},
    {"Zp", "ParagraphSeparator", bit_of(kZp)},
    {"Zs", "SpaceSeparator", bit_of(kZs)},
};

bool is_cased(uint32_t categories) {
  const uint32_t cased = bit_of(kLl) | bit_of(kLu) | bit_of(kLt);
  return (categories & cased) != 0 && (categories & cased) != cased;
}

struct PosixClass {
  const char* name;
  uint32_t categories;
  uint16_t bits;
};
constexpr PosixClass kPosix[] = {
    {"alpha", 0, kAlphabeticBit},
    {"alnum", bit_of(kNd), kAlphabeticBit},
    {"digit", bit_of(kNd), 0},
    {"space", 0, kWhiteBit},
    {"word", 0, kWordBit},
    {"cntrl", bit_of(kCc), 0},
};

// Inside [...] Oniguruma's \w lacks ², ³, ¹ and the three fractions of Latin-1, outside it has them.
CharSet::Item word_in_class(bool negated) {
  auto latin = std::make_shared<CharSet>();
  latin->negated = true;
  for (const char32_t code : {0xB2, 0xB3, 0xB9, 0xBC, 0xBD, 0xBE}) {
    latin->items.push_back({.low = code, .high = code});
  }
  auto word = std::make_shared<CharSet>();
  word->items.push_back({.bits = kWordBit});
  word->and_.push_back(latin);
  return {.negated = negated, .nested = word};
}

}  // namespace

// Under (?i) an ASCII letter has its other case, k the Kelvin sign and s the long s.
void RegexCompiler::add_range(CharSet& set, char32_t low, char32_t high, const Options& options) const {
  if (low > high) {
    refuse("a range that ends before it begins");
  }
  set.items.push_back({.low = low, .high = high});
  if (!options.ignore_case) {
    return;
  }
  if (high >= 128) {
    refuse("a character beyond ASCII under (?i)");
  }
  for (char32_t code = low; code <= high; ++code) {
    const char32_t lower = code | 0x20;
    if (lower < 'a' || lower > 'z') {
      continue;
    }
    set.items.push_back({.low = lower, .high = lower});
    set.items.push_back({.low = lower - 32, .high = lower - 32});
    if (lower == 'k' || lower == 's') {
      const char32_t twin = lower == 'k' ? 0x212A : 0x17F;
      set.items.push_back({.low = twin, .high = twin});
    }
  }
}

void RegexCompiler::check_cased(const CharSet::Item& item, const Options& options) const {
  if (options.ignore_case && is_cased(item.categories)) {
    refuse("a class of one case under (?i)");
  }
}

char32_t RegexCompiler::hexadecimal(size_t max_digits, bool braces) {
  char32_t code = 0;
  size_t digits = 0;
  for (; more() && digits < max_digits; ++at_, ++digits) {
    const char c = pattern_[at_];
    const int value = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
    if (value < 0) {
      break;
    }
    code = code * 16 + static_cast<char32_t>(value);
  }
  if (digits == 0 || (braces && !take("}")) || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
    refuse("a hexadecimal code that is no character");
  }
  return code;
}

char32_t RegexCompiler::escaped_character(char32_t letter) {
  switch (letter) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    case 'a':
      return '\a';
    case 'e':
      return 0x1B;
    case 'x':
      return take("{") ? hexadecimal(8, true) : hexadecimal(2, false);
    case 'u':
      return hexadecimal(4, false);
    default:
      break;
  }
  const bool plain = letter >= 128 || !((letter >= '0' && letter <= '9') || ((letter | 32) >= 'a' && (letter | 32) <= 'z'));
  if (!plain) {
    refuse("\\" + std::string(1, static_cast<char>(letter)));
  }
  return letter;
}

std::optional<CharSet::Item> RegexCompiler::escaped_class(char32_t letter) {
  switch (letter) {
    case 's':
    case 'S':
      return CharSet::Item{.bits = kWhiteBit, .negated = letter == 'S'};
    case 'd':
    case 'D':
      return CharSet::Item{.categories = bit_of(kNd), .negated = letter == 'D'};
    case 'w':
    case 'W':
      return CharSet::Item{.bits = kWordBit, .negated = letter == 'W'};
    case 'h':
    case 'H': {
      auto digits = std::make_shared<CharSet>();
      digits->items = {{.low = '0', .high = '9'}, {.low = 'a', .high = 'f'}, {.low = 'A', .high = 'F'}};
      return CharSet::Item{.negated = letter == 'H', .nested = digits};
    }
    case 'p':
    case 'P':
      return property(letter == 'P');
    default:
      return std::nullopt;
  }
}

CharSet::Item RegexCompiler::property(bool negated) {
  if (!take("{")) {
    refuse("\\p without braces");
  }
  negated = take("^") != negated;
  const size_t stop = pattern_.find('}', at_);
  if (stop == std::string_view::npos) {
    refuse("an unclosed \\p{");
  }
  // Names are compared without case, spaces, - and _.
  const auto simple = [](std::string_view name) {
    std::string out;
    for (const char c : name) {
      if (c != ' ' && c != '-' && c != '_') {
        out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      }
    }
    return out;
  };
  const std::string name = simple(pattern_.substr(at_, stop - at_));
  for (const CategoryName& each : kCategories) {
    if (name == simple(each.name) || name == simple(each.long_name)) {
      at_ = stop + 1;
      return {.categories = each.bits, .negated = negated};
    }
  }
  for (const PosixClass& each : kPosix) {
    if (name == each.name || (name == "alphabetic" && each.bits == kAlphabeticBit && each.categories == 0) ||
        (name == "whitespace" && each.bits == kWhiteBit)) {
      at_ = stop + 1;
      return {.categories = each.categories, .bits = each.bits, .negated = negated};
    }
  }
  if (name == "any") {
    at_ = stop + 1;
    return {.low = 0, .high = 0x10FFFF, .negated = negated};
  }
  for (const Script& each : scripts()) {
    if (name == simple(each.name)) {
      at_ = stop + 1;
      return {.script = each.name, .negated = negated};
    }
  }
  refuse("the property " + std::string(pattern_.substr(at_, stop - at_)));
}

CharSet::Item RegexCompiler::posix_class() {
  const bool negated = take("^");
  for (const PosixClass& each : kPosix) {
    if (take(each.name + std::string(":]"))) {
      if (each.bits == kWordBit) {
        return word_in_class(negated);
      }
      return {.categories = each.categories, .bits = each.bits, .negated = negated};
    }
  }
  refuse("the class [:" + std::string(pattern_.substr(at_, 8)));
}

RegexCompiler::Part RegexCompiler::escape(const Options& options) {
  folded_before_ = 0;
  const char32_t letter = next_character();
  if (letter == 'b' || letter == 'B' || letter == 'A' || letter == 'z' || letter == 'Z') {
    return single({.op = Op::kAssert, .kind = static_cast<char>(letter)});
  }
  CharSet set;
  if (std::optional<CharSet::Item> item = escaped_class(letter)) {
    check_cased(*item, options);
    set.items.push_back(std::move(*item));
  } else {
    const char32_t code = escaped_character(letter);
    add_range(set, code, code, options);
  }
  return of_set(std::move(set));
}

// After the "[".
CharSet RegexCompiler::char_class(const Options& options) {
  if (++depth_ > kMaxDepth) {
    refuse("classes nested deeper than " + std::to_string(kMaxDepth));
  }
  CharSet set;
  const bool negated = take("^");
  CharSet part;
  if (looking_at("]")) {
    ++at_;
    part.items.push_back({.low = ']', .high = ']'});
  }
  std::vector<std::shared_ptr<const CharSet>> parts;
  for (;;) {
    class_items(part, options);
    parts.push_back(std::make_shared<CharSet>(std::move(part)));
    part = CharSet();
    if (take("]")) {
      break;
    }
    at_ += 2;  // &&
  }
  set.items.push_back({.nested = parts.front()});
  set.and_.assign(parts.begin() + 1, parts.end());
  if (parts.size() == 1) {
    set.items = parts.front()->items;
  }
  set.negated = negated;
  --depth_;
  return set;
}

// Up to "]" or "&&".
void RegexCompiler::class_items(CharSet& set, const Options& options) {
  while (!looking_at("]") && !looking_at("&&")) {
    if (take("[:")) {
      set.items.push_back(posix_class());
      continue;
    }
    if (take("[")) {
      set.items.push_back({.nested = std::make_shared<CharSet>(char_class(options))});
      continue;
    }
    char32_t low = next_character();
    if (low == '\\') {
      const char32_t letter = next_character();
      if (letter == 'w' || letter == 'W') {
        set.items.push_back(word_in_class(letter == 'W'));
        continue;
      }
      if (std::optional<CharSet::Item> item = escaped_class(letter)) {
        check_cased(*item, options);
        set.items.push_back(std::move(*item));
        continue;
      }
      low = letter == 'b' ? char32_t{8} : escaped_character(letter);
    }
    char32_t high = low;
    if (looking_at("-") && !pattern_.substr(at_).starts_with("-]") && !pattern_.substr(at_).starts_with("-&&")) {
      ++at_;
      high = next_character();
      if (high == '[') {
        refuse("a range that ends in a class");
      }
      if (high == '\\') {
        const char32_t letter = next_character();
        if (escaped_class(letter)) {
          refuse("a range that ends in a class");
        }
        high = letter == 'b' ? char32_t{8} : escaped_character(letter);
      }
    }
    add_range(set, low, high, options);
  }
}

}  // namespace athanor::token
