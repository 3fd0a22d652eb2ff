// By which score a fit of a table is judged (metric/diagnosis.h).
#pragma once

#include "athanor/metric/diagnosis.h"

namespace athanor {

// Where labels are weighted, or one of them is nearly all rows, accuracy is not what is wanted: guessing that label beats a
// good model. Balanced accuracy takes its place, and chance is one over the number of labels.
RunFacts judged_fairly(const RunFacts& given);

}  // namespace athanor
