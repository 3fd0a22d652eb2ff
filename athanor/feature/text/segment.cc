#include "athanor/feature/text/segment.h"

#include <zstd.h>

#include <charconv>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"

// The dictionary's bytes, in the program itself.
__asm__(
    ".section .rodata\n"
    ".balign 16\n"
    "athanor_words_zh_begin:\n"
    ".incbin \"athanor/feature/text/words_zh.zst\"\n"
    "athanor_words_zh_end:\n"
    ".byte 0\n"
    ".previous\n");
extern "C" {
extern const char athanor_words_zh_begin[] __attribute__((visibility("hidden")));
extern const char athanor_words_zh_end[] __attribute__((visibility("hidden")));
}

namespace athanor {

namespace {

constexpr float kPrefix = 1;  // logarithms of shares are below 0
constexpr size_t kMaxDictionaryBytes = size_t{16} << 20;

}  // namespace

std::shared_ptr<const WordSegmenter> WordSegmenter::chinese() {
  const auto packed = static_cast<size_t>(athanor_words_zh_end - athanor_words_zh_begin);
  const unsigned long long size = ZSTD_getFrameContentSize(athanor_words_zh_begin, packed);
  std::string list(size > kMaxDictionaryBytes ? 0 : static_cast<size_t>(size), '\0');
  const size_t got = ZSTD_decompress(list.data(), list.size(), athanor_words_zh_begin, packed);
  if (list.empty() || ZSTD_isError(got) != 0 || got != list.size()) {
    throw Error(ErrorKind::kInternal, "the dictionary of Chinese words in this program is damaged");
  }
  return std::shared_ptr<const WordSegmenter>(new WordSegmenter(list));
}

WordSegmenter::WordSegmenter(std::string_view list) {
  std::vector<double> counts;
  double total = 0;
  const auto put = [&](std::string_view word, double count) {
    const auto id = static_cast<size_t>(words_.add(word));
    counts.resize(std::max(counts.size(), id + 1), 0);
    counts[id] += count;
  };
  while (!list.empty()) {
    const size_t end = std::min(list.find('\n'), list.size());
    const std::string_view line = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const size_t blank = line.find(' ');
    if (blank == std::string_view::npos) {
      continue;
    }
    double count = 0;
    std::from_chars(line.data() + blank + 1, line.data() + line.size(), count);
    const std::string_view word = line.substr(0, blank);
    const char* const word_end = word.data() + word.size();
    for (const char* p = word.data(); p < word_end;) {
      decode_utf8(p, word_end);
      put(word.substr(0, static_cast<size_t>(p - word.data())), 0);
    }
    put(word, count);
    total += count;
  }
  const double log_total = std::log(total);
  for (const double count : counts) {
    weights_.push_back(count > 0 ? static_cast<float>(std::log(count) - log_total) : kPrefix);
  }
  unknown_ = static_cast<float>(-log_total);
}

// Dynamic programming from the right: best[i] is the weight of the best way to cut what begins at
// character i.
void WordSegmenter::cut(std::string_view run, std::vector<size_t>& ends) const {
  ends.clear();
  std::vector<size_t> starts;  // of characters
  for (const char *p = run.data(), *end = p + run.size(); p < end;) {
    starts.push_back(static_cast<size_t>(p - run.data()));
    decode_utf8(p, end);
  }
  const size_t count = starts.size();
  starts.push_back(run.size());
  std::vector<float> best(count + 1, 0);
  std::vector<uint32_t> next(count + 1, 0);
  for (size_t i = count; i-- > 0;) {
    best[i] = unknown_ + best[i + 1];
    next[i] = static_cast<uint32_t>(i + 1);
    bool first = true;
    for (size_t end = i + 1; end <= count; ++end) {
      const int32_t id = words_.find(run.substr(starts[i], starts[end] - starts[i]));
      if (id < 0) {
        break;
      }
      const float weight = weights_[static_cast<size_t>(id)];
      if (weight != kPrefix && (first || weight + best[end] >= best[i])) {
        best[i] = weight + best[end];
        next[i] = static_cast<uint32_t>(end);
        first = false;
      }
    }
  }
  for (size_t i = 0; i < count; i = next[i]) {
    ends.push_back(starts[next[i]]);
  }
}

}  // namespace athanor
