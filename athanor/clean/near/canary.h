// Canaries: texts with an evaluation item planted in them, and controls that look like it but hold none, so that a
// run of decontamination measures itself. They are made of texts of the corpus and never reach the output.
#pragma once

#include <string>
#include <vector>

#include "athanor/clean/near/eval_items.h"

namespace athanor {

enum class CanaryKind {
  kVerbatim,  // the item, then its first answer
  kEdited,    // other case, punctuation and spaces; in a long item one word in 25 (at least one) is another word
  kShuffled,  // control: the item's words in another order
  kFragment   // control: the first third of a long item, less than a short one's whole
};
const char* name_of(CanaryKind kind);  // "verbatim", "edited", "shuffled", "fragment"
inline bool is_control(CanaryKind kind) { return kind == CanaryKind::kShuffled || kind == CanaryKind::kFragment; }

struct Canary {
  CanaryKind kind;
  bool is_long;
  uint32_t item;
  size_t host;
  std::string text;
};

struct CanaryHost {
  std::string id, text;
};

// At most `count` items, half of them short when there are enough, chosen by their ids and the seed; one canary of each
// kind for each. hosts must be in a stated order (sorted by id); may be empty.
std::vector<Canary> make_canaries(const EvalIndex& index, const std::vector<CanaryHost>& hosts, size_t count,
                                  uint64_t seed);

// How a run did on its canaries. A canary counts as flagged when some item flags it that does not flag its host.
struct CanaryScore {
  size_t planted = 0, found = 0, controls = 0, false_alarms = 0;
  double recall() const { return planted == 0 ? 1 : static_cast<double>(found) / static_cast<double>(planted); }
  double precision() const {
    return found + false_alarms == 0 ? 1 : static_cast<double>(found) / static_cast<double>(found + false_alarms);
  }
};

}  // namespace athanor
