// Words of given lists, found in one pass whatever their number (Aho-Corasick), as C4's list of bad words is used.
//
// Case is folded. An entry counts where it stands by itself: its first and last character, when they are letters or
// digits of a script with spaces, must not touch another one or "_". An entry in Han, kana, Thai and their like needs
// no such border: Chinese words are found inside a sentence. Occurrences do not overlap: the earliest end wins, of
// equal ends the longest.
//
// Reasons: listed_words (more than max_matches, unless the draw of the text is below keep_fraction), listed_share (of
// the visible characters more than max_share), too_few_listed (fewer than min_matches). The draw is a number in [0, 1)
// from the text's hash, so that the same documents are kept on every machine.
#pragma once

#include "athanor/clean/aho_corasick.h"
#include "athanor/clean/on_first_use.h"
#include "athanor/clean/step.h"

namespace athanor {

class WordList : public CleanStep {
 public:
  explicit WordList(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void open() const override { listed_.get(); }
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  struct Listed {
    explicit Listed(std::vector<std::string> of) : words(std::move(of)), automaton(words) {}
    std::vector<std::string> words;
    AhoCorasick automaton;
  };
  OnFirstUse<Listed> listed_;
  double max_matches_, min_matches_, max_share_, keep_fraction_;
};

}  // namespace athanor
