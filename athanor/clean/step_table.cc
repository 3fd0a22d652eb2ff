// Every cleaning step, in the order in which a recipe would name them.
#include "athanor/clean/rules/fineweb_quality.h"
#include "athanor/clean/rules/gopher_quality.h"
#include "athanor/clean/rules/gopher_repetition.h"
#include "athanor/clean/rules/length.h"
#include "athanor/clean/rules/letters.h"
#include "athanor/clean/rules/normalize.h"
#include "athanor/clean/rules/pii.h"
#include "athanor/clean/step.h"

namespace athanor {

namespace {

template <typename Step>
std::unique_ptr<CleanStep> make(const nlohmann::json& options) {
  return std::make_unique<Step>(options);
}

}  // namespace

const std::vector<StepEntry>& clean_steps() {
  using enum StepKind;
  static const std::vector<StepEntry> kSteps = {
      {"normalize", kTransform, "NFC, line ends, control and zero-width characters, spaces, blank lines",
       Normalize::options(), &make<Normalize>},
      {"length", kFilter, "characters within bounds (score: characters)", Length::options(), &make<Length>},
      {"letters", kFilter, "enough letters, of any script (score: letters and marks over visible characters)",
       Letters::options(), &make<Letters>},
      {"gopher_repetition", kFilter, "Gopher's repetition rules (score: characters in the top 2-gram)",
       GopherRepetition::options(), &make<GopherRepetition>},
      {"gopher_quality", kFilter, "Gopher's quality rules (score: words that are not symbols)",
       GopherQuality::options(), &make<GopherQuality>},
      {"fineweb_quality", kFilter, "FineWeb's line rules (score: lines that end in terminal punctuation)",
       FinewebQuality::options(), &make<FinewebQuality>},
      {"pii", kTransform, "e-mail, public IPv4 and telephone numbers replaced by placeholders", Pii::options(),
       &make<Pii>},
  };
  return kSteps;
}

}  // namespace athanor
