#include "athanor/clean/abbreviations.h"

#include <algorithm>
#include <array>

namespace athanor {

namespace {

// Ascending. Titles, firms and months; no words that end sentences as often as not.
constexpr std::array<std::string_view, 37> kAbbreviations = {
    "Adm", "Apr", "Aug", "Bros", "Capt",   "Co", "Corp", "Dec", "Dr", "Feb", "Gen",  "Gov",  "Inc",
    "Jan", "Jr",  "Jul", "Jun",  "Ltd",    "Mar", "Messrs", "Mr", "Mrs", "Ms", "Mt", "Nov", "Oct",
    "Ph.D", "Prof", "Rep", "Rev", "Sen", "Sep", "Sept", "Sr", "St", "co", "vs"};
static_assert(std::is_sorted(kAbbreviations.begin(), kAbbreviations.end()));

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

bool keeps_full_stop(std::string_view word) {
  if (word.empty() || word.size() > 12) {
    return false;
  }
  bool parted = word.size() % 2 == 1;
  for (size_t i = 0; i < word.size() && parted; ++i) {
    parted = i % 2 == 0 ? is_alpha(word[i]) : word[i] == '.';
  }
  return parted || (word.size() <= 6 && std::binary_search(kAbbreviations.begin(), kAbbreviations.end(), word));
}

}  // namespace athanor
