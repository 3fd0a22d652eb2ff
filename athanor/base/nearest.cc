#include "athanor/base/nearest.h"

#include <algorithm>

#include "athanor/base/unicode.h"

namespace athanor {

namespace {

std::u32string code_points(std::string_view text) {
  std::u32string out;
  for (const char* p = text.data(); p != text.data() + text.size();) {
    out += decode_utf8(p, text.data() + text.size());
  }
  return out;
}

}  // namespace

size_t edit_distance(std::string_view a_bytes, std::string_view b_bytes) {
  const std::u32string a = code_points(a_bytes);
  const std::u32string b = code_points(b_bytes);
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) {
    last[j] = j;
  }
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  constexpr size_t kLongest = 256;  // the distance is quadratic, and nobody mistypes a name this long
  std::string best;
  size_t best_distance = 0;
  for (const std::string& candidate : known) {
    if (name.size() > kLongest || candidate.size() > kLongest) {
      continue;
    }
    const size_t distance = edit_distance(name, candidate);
    if (distance > (count_code_points(candidate) + 2) / 3) {
      continue;
    }
    if (best.empty() || distance < best_distance || (distance == best_distance && candidate < best)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view name, std::vector<std::string> known) {
  const std::string nearest = nearest_name(name, known);
  if (!nearest.empty()) {
    return "did you mean '" + nearest + "'?";
  }
  if (known.empty()) {
    return "there is none to choose from";
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  std::string all = "known: ";
  for (const std::string& one : known) {
    all += (&one == &known.front() ? "" : ", ") + one;
  }
  return all;
}

}  // namespace athanor
