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
StepEntry entry(const char* name, StepKind kind, const char* summary) {
  return {name, kind, summary, Step::options(), Step::metrics(),
          [](const nlohmann::json& options) -> std::unique_ptr<CleanStep> { return std::make_unique<Step>(options); }};
}

}  // namespace

const std::vector<StepEntry>& clean_steps() {
  using enum StepKind;
  static const std::vector<StepEntry> kSteps = {
      entry<Normalize>("normalize", kTransform, "NFC, line ends, control and zero-width characters, spaces, blank lines"),
      entry<Length>("length", kFilter, "characters within bounds"),
      entry<Letters>("letters", kFilter, "enough letters, of any script"),
      entry<GopherRepetition>("gopher_repetition", kFilter, "Gopher's repetition rules"),
      entry<GopherQuality>("gopher_quality", kFilter, "Gopher's quality rules"),
      entry<FinewebQuality>("fineweb_quality", kFilter, "FineWeb's line rules"),
      entry<Pii>("pii", kTransform, "e-mail, public IPv4 and telephone numbers replaced by placeholders"),
  };
  return kSteps;
}

}  // namespace athanor
