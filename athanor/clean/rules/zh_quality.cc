#include "athanor/clean/rules/zh_quality.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/unicode.h"
#include "athanor/clean/aho_corasick.h"
#include "athanor/clean/bounds.h"
#include "athanor/clean/ngrams.h"
#include "athanor/clean/rules/repeated_pieces.h"
#include "athanor/clean/rules/published_punctuation.h"
#include "athanor/clean/word_hash.h"

namespace athanor {

namespace {

constexpr size_t kVarietyChars = 1000;

// Site furniture and advertising that running prose does not have.
const AhoCorasick& ads() {
  static const AhoCorasick kAds({
      "点击关注", "扫码关注", "扫描二维码", "长按识别", "关注公众号", "微信公众号", "加微信", "微信号", "客服热线", "联系客服",
      "版权所有", "转载请注明", "未经授权", "免责声明", "备案号", "京公网安备", "点击下载", "立即下载", "免费下载", "点击查看更多",
      "点击阅读", "查看更多", "上一篇", "下一篇", "返回首页", "返回顶部", "相关推荐", "猜你喜欢", "热门推荐", "友情链接",
      "网站地图", "加入收藏", "设为首页", "立即购买", "立即咨询", "在线咨询", "免费咨询", "限时优惠", "包邮", "优惠券",
      "代开发票", "办证", "私人侦探", "澳门", "博彩", "彩票网", "娱乐城", "老虎机", "棋牌游戏", "真人视讯",
  });
  return kAds;
}

struct Counts {
  size_t han = 0, ends = 0, clauses = 0, clause_chars = 0;
  std::vector<uint64_t> letters;  // the code points that are letters, marks or numbers
  size_t different = 0, looked_at = 0;
};

Counts count(std::string_view text) {
  Counts counts;
  counts.letters.reserve(text.size() / 3);
  std::vector<char32_t> first;
  size_t open = 0;  // characters of the clause so far
  const auto close = [&] {
    counts.clauses += open > 0;
    open = 0;
  };
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const char32_t code = decode_utf8(p, end);
    if (is_letter(code) || is_number(code) || is_mark(code)) {
      counts.han += is_han(code);
      counts.letters.push_back(code);
      ++open;
      ++counts.clause_chars;
      if (first.size() < kVarietyChars) {
        first.push_back(code);
      }
    } else if (code == '\n' || is_punctuation(code)) {
      counts.ends += is_terminal_punctuation(code);
      close();
    }
  }
  close();
  counts.looked_at = first.size();
  std::sort(first.begin(), first.end());
  counts.different = static_cast<size_t>(std::unique(first.begin(), first.end()) - first.begin());
  return counts;
}

// Characters in the commonest 4-gram, and in 13-grams that occurred before (none counted twice).
void measure_ngrams(const std::vector<uint64_t>& letters, Measures& out) {
  std::vector<uint64_t> hashes(letters.size());
  std::transform(letters.begin(), letters.end(), hashes.begin(), [](uint64_t code) { return mix(code, 0); });
  NgramLevels levels;
  levels.start(hashes);
  while (levels.n() < 4) {
    levels.next();
  }
  out.add(levels.most() < 2 ? 0 : ratio(size_t{4} * levels.most(), letters.size()));
  while (levels.n() < 13) {
    levels.next();
  }
  size_t covered = 0;
  size_t chars = 0;
  for (size_t i = 0; i < levels.places().size(); ++i) {
    if (levels.seen_before(i)) {
      const size_t from = std::max<size_t>(levels.places()[i], covered);
      covered = levels.places()[i] + 13;
      chars += covered - from;
    }
  }
  out.add(ratio(chars, letters.size()));
}

}  // namespace

ZhQuality::ZhQuality(const nlohmann::json& options)
    : only_chinese_(options.at("only_chinese")),
      min_han_(options.at("min_han")),
      min_han_ratio_(options.at("min_han_ratio")),
      min_end_marks_(options.at("min_end_marks")),
      min_clause_(options.at("min_clause")),
      max_clause_(options.at("max_clause")),
      max_fragment_lines_(options.at("max_fragment_lines")),
      max_dup_line_chars_(options.at("max_dup_line_chars")),
      max_top_4_gram_(options.at("max_top_4_gram")),
      max_dup_13_gram_(options.at("max_dup_13_gram")),
      min_variety_(options.at("min_variety")),
      max_ads_(options.at("max_ads")) {}

std::vector<StepOption> ZhQuality::options() {
  return {threshold("only_chinese", false, "a document that is not Chinese is dropped"),
          threshold("min_han", 50, "fewer Han characters: dropped", 0),
          threshold("min_han_ratio", 0.5, "smaller share of Han among the visible characters: dropped", 0, 1),
          threshold("min_end_marks", 3.0, "fewer sentence marks a 1000 Han characters: dropped", 0),
          threshold("min_clause", 3.0, "fewer characters a clause: dropped", 0),
          threshold("max_clause", 50.0, "more characters a clause: dropped", 0),
          threshold("max_fragment_lines", 0.67, "larger share of short lines without an end mark: dropped", 0, 1),
          threshold("max_dup_line_chars", 0.1, "larger share of characters in repeated lines: dropped", 0, 1),
          threshold("max_top_4_gram", 0.2, "larger share of characters in the commonest 4-gram: dropped", 0),
          threshold("max_dup_13_gram", 0.2, "larger share of characters in repeated 13-grams: dropped", 0, 1),
          threshold("min_variety", 0.1, "smaller share of different characters: dropped", 0, 1),
          threshold("max_ads", 10.0, "more phrases of advertising and site furniture a 1000 Han: dropped", 0)};
}

std::vector<StepMetric> ZhQuality::metrics() {
  return {{"han", "Han characters"},
          {"han_ratio", "Han / visible characters"},
          {"end_marks", "sentence marks a 1000 Han"},
          {"clause", "mean characters of a clause"},
          {"fragment_lines", "short lines without an end mark / lines"},
          {"dup_line_chars", "characters in repeated lines / characters"},
          {"top_4_gram", "characters in the commonest 4-gram / letters"},
          {"dup_13_gram", "characters in repeated 13-grams / letters"},
          {"variety", "different / all of the first 1000 letters"},
          {"ads", "phrases of advertising a 1000 Han"}};
}

void ZhQuality::measure(DocumentView& document, Measures& out) const {
  TextAnalysis& analysis = document.analysis();
  if (analysis.spaced()) {
    out.numbers.assign(metrics().size(), kDoesNotApply);
    return;
  }
  const Counts counts = count(document.text());
  std::vector<CountedPiece> lines;
  size_t fragments = 0;
  size_t line_chars = 0;
  for (const TextLine& line : analysis.lines()) {
    if (line.blank) {
      continue;
    }
    lines.push_back({line.text, line.num_chars});
    line_chars += line.num_chars;
    fragments += line.num_chars <= 10 && !ends_in_terminal_punctuation(trim_right(line.text));
  }
  size_t num_ads = 0;
  ads().find(document.text(), [&](size_t, size_t, uint32_t) {
    ++num_ads;
    return true;
  });
  out.add(counts.han);
  out.add(ratio(counts.han, analysis.chars().visible));
  out.add(1000 * ratio(counts.ends, counts.han));
  out.add(ratio(counts.clause_chars, counts.clauses));
  out.add(ratio(fragments, lines.size()));
  out.add(ratio(find_repeated_pieces(lines).chars, line_chars));
  measure_ngrams(counts.letters, out);
  out.add(ratio(counts.different, counts.looked_at));
  out.add(1000 * ratio(num_ads, counts.han));
}

Verdict ZhQuality::decide(const Measures& measures) const {
  if (std::isnan(measures.numbers.at(0))) {
    return {!only_chinese_, "not_chinese", 0};
  }
  const Bound bounds[] = {{0, min_han_, kNoLimit, "zh_too_short", ""},
                          {1, min_han_ratio_, kNoLimit, "zh_few_han", ""},
                          {2, min_end_marks_, kNoLimit, "zh_few_end_marks", ""},
                          {3, min_clause_, max_clause_, "zh_short_clauses", "zh_long_clauses"},
                          {4, -kNoLimit, max_fragment_lines_, "", "zh_fragments"},
                          {5, -kNoLimit, max_dup_line_chars_, "", "zh_dup_lines"},
                          {6, -kNoLimit, max_top_4_gram_, "", "zh_top_4_gram"},
                          {7, -kNoLimit, max_dup_13_gram_, "", "zh_dup_13_gram"},
                          {8, min_variety_, kNoLimit, "zh_little_variety", ""},
                          {9, -kNoLimit, max_ads_, "", "zh_advertising"}};
  return check_bounds(measures, bounds);
}

}  // namespace athanor
