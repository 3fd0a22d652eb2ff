// Takes out lines that are a web page's furniture and not its text, in English and Chinese, and measures how much of
// the document they were. Kinds, each of which can be left out:
//
//   cookie       "we use cookies", "accept all cookies", ...                  (a line of up to 400 characters holds it)
//   copyright    "all rights reserved", a line that begins with (c) or U+00A9; 版权所有, ICP备    (up to 200)
//   navigation   a line that is nothing but "home", "menu", "skip to content", "next", 首页, 上一篇, ...
//   sharing      "share on facebook", "tweet this", 分享到, 扫一扫, ... in a line of up to 60 characters, or as
//                the whole line
//   subscribe    "sign up for our newsletter", "leave a comment", 点击关注, ... in a line of up to 120
//   own          the user's phrases, contained in a line of any length
//
// Case is folded, a line is trimmed, and of a line that is compared as a whole outer punctuation and arrows are cut.
// Reason: boilerplate (more than max_share of the characters were taken out, or would have been).
#pragma once

#include <memory>

#include "athanor/clean/aho_corasick.h"
#include "athanor/clean/step.h"

namespace athanor {

class Boilerplate : public CleanStep {
 public:
  explicit Boilerplate(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;
  bool rewrites() const override { return remove_lines_; }

  enum Kind : uint8_t { kCookie, kCopyright, kNavigation, kSharing, kSubscribe, kOwn, kNumKinds };

 private:
  // The kind of a line; kNumKinds when it is text.
  Kind kind_of(std::string_view line, size_t num_chars) const;

  bool remove_lines_;
  double max_share_;
  uint32_t kinds_ = 0;  // bits
  std::vector<std::string> phrases_;
  std::vector<Kind> phrase_kinds_;
  std::unique_ptr<AhoCorasick> automaton_;
};

}  // namespace athanor
