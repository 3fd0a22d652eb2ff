#include "athanor/clean/rules/spelling.h"

#include <algorithm>
#include <charconv>

#include "athanor/base/error.h"
#include "athanor/clean/list_file.h"
#include "athanor/clean/word_hash.h"

namespace athanor {

namespace {

constexpr size_t kLongestWord = 32;
constexpr size_t kOneEditUpTo = 7;  // letters: a short word with two edits is another word
constexpr size_t kSamples = 20;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

// Of the word with up to `deletions` letters taken out, each once or more often.
template <typename Visit>
void for_each_deletion(std::string word, size_t deletions, const Visit& visit) {
  visit(word);
  for (size_t i = 0; deletions > 0 && i < word.size(); ++i) {
    std::string shorter = word;
    shorter.erase(i, 1);
    for_each_deletion(std::move(shorter), deletions - 1, visit);
  }
}

bool touches_word(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '\'' || c == '-' ||
         c == '@' || c == '/' || static_cast<uint8_t>(c) >= 0x80;
}

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b, size_t limit) {
  const size_t gap = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (gap > limit || a.size() > kLongestWord || b.size() > kLongestWord) {
    return limit + 1;
  }
  size_t rows[3][kLongestWord + 1];
  for (size_t j = 0; j <= b.size(); ++j) {
    rows[0][j] = j;
  }
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t* const row = rows[i % 3];
    const size_t* const above = rows[(i + 2) % 3];
    const size_t* const two_above = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], two_above[j - 2] + 1);
      }
    }
  }
  return std::min(rows[a.size() % 3][b.size()], limit + 1);
}

SpellingIndex::SpellingIndex(const std::vector<std::string>& lines, size_t max_distance) : max_distance_(max_distance) {
  words_.reserve(lines.size());  // the views in index_ need them where they are
  for (const std::string& line : lines) {
    const size_t cut = std::min(line.find_first_of(" \t,"), line.size());
    const std::string word = lower_text(std::string_view(line).substr(0, cut));
    if (word.empty() || word.size() > kLongestWord || !std::all_of(word.begin(), word.end(), is_lower)) {
      continue;
    }
    double count = 0;
    const size_t number = line.find_first_not_of(" \t,", cut);
    if (number != std::string::npos) {
      std::from_chars(line.data() + number, line.data() + line.size(), count);
    }
    if (index_.contains(word)) {
      continue;
    }
    words_.push_back(word);
    counts_.push_back(count);
    index_.emplace(words_.back(), static_cast<uint32_t>(words_.size() - 1));
  }
  for (uint32_t id = 0; id < words_.size(); ++id) {
    const size_t first = deletes_.size();
    const size_t edits = words_[id].size() <= kOneEditUpTo ? 1 : 2;  // one more than up to 7 letters may get
    for_each_deletion(words_[id], std::min(max_distance_, edits),
                      [&](const std::string& shorter) { deletes_.push_back({hash_word(shorter), id}); });
    const auto by_hash = [](const Entry& a, const Entry& b) { return a.hash < b.hash; };
    const auto equal = [](const Entry& a, const Entry& b) { return a.hash == b.hash; };
    std::sort(deletes_.begin() + static_cast<ptrdiff_t>(first), deletes_.end(), by_hash);
    deletes_.erase(std::unique(deletes_.begin() + static_cast<ptrdiff_t>(first), deletes_.end(), equal), deletes_.end());
  }
  std::sort(deletes_.begin(), deletes_.end(),
            [](const Entry& a, const Entry& b) { return a.hash != b.hash ? a.hash < b.hash : a.word < b.word; });
  deletes_.shrink_to_fit();
}

bool SpellingIndex::knows(std::string_view word) const { return index_.contains(word); }

std::string_view SpellingIndex::correct(std::string_view word, double margin) const {
  if (word.size() > kLongestWord) {
    return {};
  }
  const size_t limit = word.size() <= kOneEditUpTo ? std::min<size_t>(1, max_distance_) : max_distance_;
  std::vector<uint32_t> candidates;
  for_each_deletion(std::string(word), limit, [&](const std::string& shorter) {
    const uint64_t hash = hash_word(shorter);
    auto entry = std::lower_bound(deletes_.begin(), deletes_.end(), hash,
                                  [](const Entry& e, uint64_t h) { return e.hash < h; });
    for (; entry != deletes_.end() && entry->hash == hash; ++entry) {
      candidates.push_back(entry->word);
    }
  });
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  size_t nearest = limit + 1;
  double best = -1;
  double second = -1;
  uint32_t winner = 0;
  for (const uint32_t id : candidates) {
    const size_t distance = edit_distance(word, words_[id], limit);
    if (distance > limit || distance > nearest) {
      continue;
    }
    if (distance < nearest) {
      nearest = distance;
      best = second = -1;
    }
    if (counts_[id] > best) {
      second = best;
      best = counts_[id];
      winner = id;
    } else {
      second = std::max(second, counts_[id]);
    }
  }
  const bool clear = best >= 0 && (second < 0 || (best > 0 && best >= margin * second));
  return clear ? std::string_view(words_[winner]) : std::string_view();
}

SpellingRepair::SpellingRepair(const nlohmann::json& options)
    : index_([path = options.at("dictionary").get<std::string>(), max = options.at("max_distance").get<size_t>()] {
        return SpellingIndex(read_list_file(path), max);
      }),
      min_length_(options.at("min_length")),
      margin_(options.at("margin")),
      correct_(options.at("correct")) {
  if (options.at("dictionary").get<std::string>().empty()) {
    throw Error(ErrorKind::kUsage, "spelling needs a dictionary", "",
                "write {\"spelling\": {\"dictionary\": \"words.txt\"}}: a word a line, its count behind it if known");
  }
}

std::vector<StepOption> SpellingRepair::options() {
  return {file_option("dictionary", "", "a file of words, one a line, with its count behind it or none"),
          {"max_distance", 2, "edits at most; words of up to 7 letters get one", 1, 2},
          {"min_length", 4, "shorter words are left alone", 3, 32},
          {"margin", 10.0, "how many times commoner the best candidate must be than the next", 1},
          {"correct", true, "false: leave the text, report only"}};
}

std::vector<StepMetric> SpellingRepair::metrics() {
  return {{"corrected", "words corrected"},
          {"unknown", "words that the dictionary has not, left as they are"},
          {"samples", "the first corrections, as old>new", MetricType::kText}};
}

void SpellingRepair::measure(DocumentView& document, Measures& out) const {
  const std::string_view text = document.text();
  std::string result;
  std::string samples;
  size_t done = 0;
  size_t corrected = 0;
  size_t unknown = 0;
  for (size_t at = 0; at < text.size();) {
    if (!touches_word(text[at])) {
      ++at;
      continue;
    }
    const size_t begin = at;
    bool plain = true;
    while (at < text.size() && touches_word(text[at])) {
      plain &= is_lower(text[at++]);
    }
    const std::string_view word = text.substr(begin, at - begin);
    if (!plain || word.size() < min_length_ || index_.get().knows(word)) {
      continue;
    }
    const std::string_view better = index_.get().correct(word, margin_);
    if (better.empty()) {
      ++unknown;
      continue;
    }
    if (corrected++ < kSamples) {
      samples.append(samples.empty() ? "" : ", ").append(word).append(">").append(better);
    }
    result.append(text.substr(done, begin - done)).append(better);
    done = at;
  }
  if (correct_ && done > 0) {
    result.append(text.substr(done));
    document.set_text(std::move(result));
  }
  out.add(corrected);
  out.add(unknown);
  out.add(std::move(samples));
}

}  // namespace athanor
