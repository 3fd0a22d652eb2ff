// Every cleaning step, in the order in which a recipe would name them.
#include "athanor/clean/rules/boilerplate.h"
#include "athanor/clean/rules/c4.h"
#include "athanor/clean/rules/curator_english.h"
#include "athanor/clean/rules/field.h"
#include "athanor/clean/rules/fineweb_quality.h"
#include "athanor/clean/rules/gopher_quality.h"
#include "athanor/clean/rules/gopher_repetition.h"
#include "athanor/clean/rules/length.h"
#include "athanor/clean/rules/letters.h"
#include "athanor/clean/rules/model_scores.h"
#include "athanor/clean/rules/normalize.h"
#include "athanor/clean/rules/pattern.h"
#include "athanor/clean/rules/pii.h"
#include "athanor/clean/rules/spelling.h"
#include "athanor/clean/rules/unicode_repair.h"
#include "athanor/clean/rules/url_list.h"
#include "athanor/clean/rules/word_list.h"
#include "athanor/clean/rules/zh_quality.h"
#include "athanor/clean/step.h"

namespace athanor {

namespace {

template <typename Step>
StepEntry entry(const char* name, StepKind kind, const char* summary) {
  return {name, kind, summary, Step::options(), Step::metrics(),
          [](const nlohmann::json& options) -> std::unique_ptr<CleanStep> { return std::make_unique<Step>(options); }};
}

}  // namespace

const std::vector<StepEntry>& clean_steps() {
  using enum StepKind;
  static const std::vector<StepEntry> kSteps = {
      entry<Normalize>("normalize", kTransform, "NFC, line ends, control and zero-width characters, spaces, blank lines"),
      entry<UnicodeRepair>("unicode_repair", kBoth, "mojibake, normal forms, widths, control characters"),
      entry<Length>("length", kFilter, "characters within bounds"),
      entry<Letters>("letters", kFilter, "enough letters, of any script"),
      entry<Language>("language", kFilter, "the language by a fastText classifier"),
      entry<GopherRepetition>("gopher_repetition", kFilter, "Gopher's repetition rules"),
      entry<GopherQuality>("gopher_quality", kFilter, "Gopher's quality rules"),
      entry<C4>("c4", kBoth, "C4's rules: lines taken out, then documents dropped"),
      entry<C4Paragraph>("c4_paragraph", kFilter, "mC4's rule: three lines of some length"),
      entry<FinewebQuality>("fineweb_quality", kFilter, "FineWeb's line rules"),
      entry<CuratorEnglish>("curator_english", kFilter, "NeMo Curator's 28 heuristics for English"),
      entry<ZhQuality>("zh_quality", kFilter, "quality of Chinese text, without word splitting"),
      entry<Boilerplate>("boilerplate", kBoth, "lines of cookie notices, navigation, rights and buttons taken out"),
      entry<WordList>("word_list", kFilter, "words of given lists"),
      entry<UrlList>("url_list", kFilter, "block lists of addresses, as FineWeb uses them"),
      entry<Pattern>("pattern", kBoth, "regular expressions: count, remove, replace"),
      entry<MissingFields>("missing", kFilter, "fields of meta that must be there"),
      entry<ColumnFilter>("column", kFilter, "a number column within bounds, a model's score among them"),
      entry<OutlierFilter>("outlier", kFilter, "a number column near its mean"),
      entry<Classifier>("classifier", kFilter, "a label's probability by a fastText classifier"),
      entry<Perplexity>("perplexity", kFilter, "perplexity by an n-gram model"),
      entry<SpellingRepair>("spelling", kTransform, "misspelt words corrected by a dictionary file"),
      entry<Pii>("pii", kBoth, "e-mail, public addresses, telephone, identity and card numbers replaced"),
  };
  return kSteps;
}

}  // namespace athanor
