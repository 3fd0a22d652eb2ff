#include "athanor/clean/tables/near_spellings.h"

#include <algorithm>
#include <map>

#include "athanor/base/lower.h"
#include "athanor/base/unicode.h"

namespace athanor {

namespace {

constexpr size_t kMaxPairs = 50;
constexpr size_t kMaxCompared = 3000;
constexpr size_t kMaxLetters = 60;
constexpr size_t kOneEdit = 4, kTwoEdits = 9;  // characters from which on

struct Form {
  std::u32string letters;  // small, without blanks and signs
  std::u32string digits;   // alone
  bool has_letter = false;
  bool has_han = false;
};

Form form_of(const std::string& text) {
  Form form;
  const std::string plain = to_nfkc(text);
  for (const char* p = plain.data(); p != plain.data() + plain.size();) {
    const char32_t code = to_lower(decode_utf8(p, plain.data() + plain.size()));
    if (is_letter(code) || is_number(code) || is_mark(code)) {
      form.letters += code;
      form.has_letter = form.has_letter || is_letter(code);
      form.has_han = form.has_han || is_han(code);
      if (is_number(code)) {
        form.digits += code;
      }
    }
  }
  return form;
}

// Optimal string alignment, given up above `most`.
size_t distance(const std::u32string& a, const std::u32string& b, size_t most) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > most) {
    return most + 1;
  }
  std::vector<std::vector<size_t>> rows(3, std::vector<size_t>(b.size() + 1));
  for (size_t j = 0; j <= b.size(); ++j) {
    rows[0][j] = j;
  }
  for (size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i - 1) % 3];
    row[0] = i;
    size_t least = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], rows[(i - 2) % 3][j - 2] + 1);
      }
      least = std::min(least, row[j]);
    }
    if (least > most) {
      return most + 1;
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace

std::vector<NearSpelling> near_spellings(std::vector<SpelledValue> values) {
  std::sort(values.begin(), values.end(), [](const SpelledValue& a, const SpelledValue& b) {
    return a.count != b.count ? a.count > b.count : a.text < b.text;
  });
  std::vector<NearSpelling> pairs;
  std::map<std::u32string, size_t> first;  // form -> the most frequent value
  std::vector<std::pair<Form, size_t>> forms;
  for (size_t i = 0; i < values.size(); ++i) {
    Form form = form_of(values[i].text);
    if (form.letters.empty()) {
      continue;
    }
    const auto [found, fresh] = first.emplace(form.letters, i);
    if (!fresh) {
      const SpelledValue& as = values[found->second];
      pairs.push_back({values[i].text, values[i].count, as.text, as.count, "but for capitals, blanks and signs"});
    } else if (form.has_letter && form.letters.size() <= kMaxLetters) {
      forms.emplace_back(std::move(form), i);
    }
  }
  for (size_t i = 1; forms.size() <= kMaxCompared && i < forms.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const Form &a = forms[i].first, &b = forms[j].first;
      const size_t length = std::min(a.letters.size(), b.letters.size());
      const size_t most = length >= kTwoEdits ? 2 : length >= kOneEdit ? 1 : 0;
      if (most == 0 || a.digits != b.digits) {
        continue;
      }
      if (const size_t edits = distance(a.letters, b.letters, most); edits <= most) {
        const SpelledValue &rare = values[forms[i].second], &as = values[forms[j].second];
        pairs.push_back({rare.text, rare.count, as.text, as.count,
                         std::to_string(edits) + (a.has_han ? " character" : " letter") + (edits > 1 ? "s" : "") + " apart"});
        break;
      }
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.as_count > b.as_count; });
  pairs.resize(std::min(pairs.size(), kMaxPairs));
  return pairs;
}

}  // namespace athanor
