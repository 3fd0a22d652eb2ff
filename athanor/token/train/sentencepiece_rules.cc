#include "athanor/token/train/sentencepiece_rules.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>

#include "athanor/base/unicode.h"
#include "athanor/token/train/piece_scripts.h"

namespace athanor::token {

namespace {

constexpr uint8_t kCommon = 0, kInherited = 1;
constexpr int kAnyScript = -1;

uint8_t search_script(char32_t code) {
  const auto* const after =
      std::upper_bound(std::begin(kPieceScripts), std::end(kPieceScripts), code,
                       [](char32_t c, const PieceScript& range) { return c < range.first; });
  if (after == std::begin(kPieceScripts) || code > (after - 1)->last) {
    return kCommon;
  }
  return (after - 1)->script;
}

bool is_decimal(char32_t code) {
  return (code >= '0' && code <= '9') || (code >= 0xFF10 && code <= 0xFF19);
}

}  // namespace

uint8_t script_number(char32_t code) {
  static const auto kLow = [] {
    std::array<uint8_t, 0x3000> table{};
    for (char32_t c = 0; c < table.size(); ++c) {
      table[c] = search_script(c);
    }
    return table;
  }();
  return code < kLow.size() ? kLow[code] : search_script(code);
}

bool valid_piece(const char32_t* begin, const char32_t* end, const PieceRules& rules) {
  if (begin == end || end - begin > rules.max_piece_length) {
    return false;
  }
  int before = kAnyScript;
  for (const char32_t* at = begin; at != end; ++at) {
    const char32_t c = *at;
    if (c == kUncovered || c == 0 || c == '\t' || c == ' ' || c == '\n') {
      return false;
    }
    if (c == kSpaceMark) {
      if (at != begin) {
        return false;
      }
      continue;
    }
    int script = script_number(c);
    if (script == kInherited) {
      script = before;
    }
    if (is_decimal(c)) {
      if (rules.split_digits && end - begin > 1) {
        return false;
      }
      if (!rules.split_by_number) {
        script = kAnyScript;
      }
    }
    if (rules.split_by_script && script != kAnyScript && before != kAnyScript && before != script) {
      return false;
    }
    before = script;
  }
  return true;
}

Alphabet choose_alphabet(const std::unordered_map<char32_t, uint64_t>& counts, const PieceRules& rules) {
  using Row = std::tuple<bool, uint64_t, char32_t>;
  std::unordered_map<char32_t, uint64_t> all = counts;
  const std::vector<char32_t> required = characters_of(rules.required_chars);
  for (const char32_t c : required) {
    all.emplace(c, 0);
  }
  std::vector<Row> rows;
  Alphabet alphabet;
  for (const auto& [c, count] : all) {
    rows.emplace_back(std::find(required.begin(), required.end(), c) != required.end(), count, c);
    alphabet.counted += count;
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::tuple(!std::get<0>(a), ~std::get<1>(a), std::get<2>(a)) <
           std::tuple(!std::get<0>(b), ~std::get<1>(b), std::get<2>(b));
  });
  uint64_t sum = 0;
  for (const auto& [is_required, count, c] : rows) {
    const float covered =
        static_cast<float>(1.0 * static_cast<double>(sum) / static_cast<double>(alphabet.counted));
    const bool enough = rules.character_coverage < 1 && covered >= static_cast<float>(rules.character_coverage);
    sum += count;
    if (c == '\t' || c == kUncovered || (enough && !is_required)) {
      alphabet.num_left_out += 1;
      continue;
    }
    alphabet.characters.push_back(c);
    alphabet.counts.push_back(count);
  }
  return alphabet;
}

std::vector<char32_t> characters_of(std::string_view text) {
  std::vector<char32_t> out;
  for (const char *p = text.data(), *end = p + text.size(); p != end;) {
    out.push_back(decode_utf8(p, end));
  }
  return out;
}

std::string utf8_of(const char32_t* begin, const char32_t* end) {
  std::string out;
  for (; begin != end; ++begin) {
    append_utf8(out, *begin);
  }
  return out;
}

}  // namespace athanor::token
