// The window scans cut as the scanners do, and the scanners as their patterns do (PCRE2), on every path that this
// machine has.
#include "athanor/token/split/window_scan.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <gtest/gtest.h>
#include <pcre2.h>

#include <string>
#include <vector>

#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"
#include "athanor/token/split/deepseek.h"
#include "athanor/token/split/o200k.h"
#include "athanor/token/split/scan.h"

namespace athanor::token {
namespace {

using Ends = std::vector<size_t>;

Ends ends_of(Scan scan, std::string_view text, size_t batch) {
  Ends all;
  std::vector<size_t> ends(batch);
  while (const size_t count = scan(text, all.empty() ? 0 : all.back(), ends.data(), batch)) {
    all.insert(all.end(), ends.begin(), ends.begin() + count);
  }
  return all;
}

constexpr Scan kScanners[] = {&scan<Gpt2Scanner>, &scan<Llama3Scanner<3>>, &scan<Llama3Scanner<1>>,
                              &scan<DeepSeekScanner>};
constexpr const char* kNames[] = {"gpt2", "llama3", "qwen2", "deepseek"};

// Each alphabet stresses other rules; the texts mix runs of one of them with single characters of all.
const std::vector<std::vector<std::string>> kAlphabets = {
    {"a", "b", "Z", "s", "t", "re", "ll", "'", "'", " ", " "},
    {" ", " ", "\n", "\r\n", "\t", "\n", ".", "a", "1"},
    {"1", "2", "3", " ", ",", "x", "\xC2\xBD", "\xE2\x85\xA7", "\xD9\xA3"},
    {".", ",", "\"", "(", "a", "b", " ", "\n", "\xE2\x80\x9C", "\xE2\x80\x9D", "\xE3\x80\x82"},
    {"\xE4\xBD\xA0", "\xE5\xA5\xBD", "\xE7\x9A\x84", "\xEF\xBC\x8C", "\xE3\x80\x80", "\xE3\x81\xAE", "\xE3\x83\xBC",
     "\xE9\xBE\xA5", "\xE9\xBE\xA6", "\xE4\xB7\x80", "a", " ", "\n", "5"},
    {"e\xCC\x81", "\xCC\x81", "\xC3\xA9", "\xC5\xBF", "'", "s", "\xD0\x9F", "\xF0\x9F\x98\x80", "\xF0\x9D\x92\x9C", " "},
    {"\x01", "\x7F", "\xC2\x85", "\xC2\xA0", "\xE2\x80\x8B", "\xE2\x80\xA8", "a", " ", ".", "\xEE\x80\x80"},
    {"\xFF", "\x80", "\xE4\xBD", "\xC3", "\xED\xA0\x80", "\xF4\x90\x80\x80", "a", " ", "\xE5\xA5\xBD\xBD"},
    {"A", "B", "c", "d", "\xC4\x90", "\xC7\x85", "\xCA\xB0", "\xE4\xBD\xA0", "\xCC\x81", "'s", "'LL", "/", "!", " ", "\n"},
    {"\x01", "\x02", "\x7F", "a", "B", "\xCC\x81", "\xC3\xA9", " ", "\n", "!", "1", "\xE4\xBD\xA0", "."},
    {"!", "-", "a", "bc", "\xCC\x81", "\xC3\xA9", "\xD0\x9F", " ", "\xE2\x80\x9C", "\x03"},
    {"\xE3\x83\xBB", "\xE3\x82\x9B", "\xE3\x82\x97", "\xE3\x82\x99", "\xE3\x81\xAE", "\xE3\x82\xA0", "\xE3\x81\x80",
     "\xE3\x83\xBC", "\xE4\xBD\xA0", "\xE3\x80\x82", "\xE3\x80\x85", " ", "\n", "!", "1", "a"},
    {"the ", "quick ", "brown", " fox", ", ", "jumps", ". ", "It's", " he'll", "12345", "\n\n", "The"},
};

std::string random_text(Rng& rng, bool well_formed) {
  std::string text;
  const size_t parts = 1 + rng.below(60);
  for (size_t part = 0; part < parts; ++part) {
    const size_t which = rng.below(kAlphabets.size());
    if (well_formed && which == 7) {
      continue;
    }
    if (!well_formed && rng.below(12) == 0) {
      for (size_t length = rng.below(90); length > 0; --length) {
        text += static_cast<char>(rng.below(256));
      }
    }
    const std::vector<std::string>& alphabet = kAlphabets[which];
    const bool run = rng.below(6) == 0;
    const std::string& repeated = alphabet[rng.below(alphabet.size())];
    for (size_t length = 1 + rng.below(run ? 90 : 12); length > 0; --length) {
      text += run ? repeated : alphabet[rng.below(alphabet.size())];
    }
  }
  return text;
}

TEST(WindowScan, CutsAsTheScanners) {
  Rng rng(5);
  for (int round = 0; round < 6000; ++round) {
    const std::string text = random_text(rng, false);
    for (int family = 0; family < 4; ++family) {
      const Ends wanted = ends_of(kScanners[family], text, 100);
      for (const ScanPath& path : scan_paths()) {
        for (const size_t batch : {1000, 100, 7}) {
          ASSERT_EQ(ends_of(path.scans[family], text, batch), wanted)
              << kNames[family] << " " << path.name << " round " << round << ": " << text;
        }
      }
    }
  }
}

class Pattern {
 public:
  explicit Pattern(const char* pattern) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern), PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP, &error,
                          &offset, nullptr);
    EXPECT_NE(code_, nullptr) << pattern << " at " << offset;
    pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE);
    match_ = pcre2_match_data_create_from_pattern(code_, nullptr);
  }
  ~Pattern() {
    pcre2_match_data_free(match_);
    pcre2_code_free(code_);
  }

  // Where the matches, and what lies between them, end in [begin, end).
  void split(std::string_view text, size_t begin, size_t end, Ends& ends) const {
    const std::string_view part = text.substr(begin, end - begin);
    size_t at = 0;
    while (at < part.size() &&
           pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(part.data()), part.size(), at, 0, match_, nullptr) > 0) {
      const PCRE2_SIZE* const found = pcre2_get_ovector_pointer(match_);
      if (found[0] > at) {
        ends.push_back(begin + found[0]);
      }
      ends.push_back(begin + found[1]);
      at = found[1];
    }
    if (at < part.size()) {
      ends.push_back(end);
    }
  }

 private:
  pcre2_code* code_;
  pcre2_match_data* match_;
};

Ends ends_by_patterns(const std::vector<const Pattern*>& patterns, std::string_view text) {
  Ends ends = {text.size()};
  for (const Pattern* const pattern : patterns) {
    Ends finer;
    size_t begin = 0;
    for (const size_t end : ends) {
      pattern->split(text, begin, end, finer);
      begin = end;
    }
    ends = finer;
  }
  return text.empty() ? Ends() : ends;
}

// PCRE2's \s under UCP is White_Space and U+180E in old versions, which no alphabet holds.
#define ATHANOR_TAIL R"re(\s*[\r\n]+|\s+(?!\S)|\s+)re"
constexpr const char* kGpt2 = R"re('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)re";
constexpr const char* kLlama3 =
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)re" ATHANOR_TAIL;
constexpr const char* kQwen2 =
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)re" ATHANOR_TAIL;
constexpr const char* kDeepSeekDigits = R"re(\p{N}{1,3})re";
constexpr const char* kDeepSeekIdeographs = "[\xE4\xB8\x80-\xE9\xBE\xA5\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-\xE3\x83\xBF]+";
constexpr const char* kDeepSeekRest = R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|)re"
                                      R"re([^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|)re" ATHANOR_TAIL;

TEST(Scanners, CutAsTheirPatterns) {
  const Pattern gpt2(kGpt2), llama3(kLlama3), qwen2(kQwen2);
  const Pattern digits(kDeepSeekDigits), ideographs(kDeepSeekIdeographs), rest(kDeepSeekRest);
  const std::vector<std::vector<const Pattern*>> patterns = {
      {&gpt2}, {&llama3}, {&qwen2}, {&digits, &ideographs, &rest}};
  Rng rng(6);
  for (int round = 0; round < 6000; ++round) {
    const std::string text = random_text(rng, true);
    for (int family = 0; family < 4; ++family) {
      ASSERT_EQ(ends_of(kScanners[family], text, 64), ends_by_patterns(patterns[family], text))
          << kNames[family] << " round " << round << ": " << text;
    }
  }
}

TEST(Scanners, LaterFamiliesCutAsTheirPatterns) {
  struct Family {
    Scan scan;
    const char* pattern;
  };
  const Family families[] = {{&scan<O200kScanner<true, 3>>, split_kind("o200k").regex},
                             {&scan<O200kScanner<false, 1>>, split_kind("tekken").regex},
                             {&scan<Qwen35Scanner>, split_kind("qwen35").regex},
                             {&scan<Cl100kScanner>, split_kind("cl100k").regex}};
  Rng rng(7);
  for (const Family& family : families) {
    const Pattern pattern(family.pattern);
    for (int round = 0; round < 5000; ++round) {
      const std::string text = random_text(rng, true);
      ASSERT_EQ(ends_of(family.scan, text, 64), ends_by_patterns({&pattern}, text))
          << family.pattern << " round " << round << ": " << text;
    }
  }
}

}  // namespace
}  // namespace athanor::token
