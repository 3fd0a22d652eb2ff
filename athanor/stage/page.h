// The report page of a recipe: what was made from what, how training went, how good it is, and how to get it again.
#pragma once

#include "athanor/run/report.h"
#include "athanor/stage/execute.h"

namespace athanor {

// outcomes[i] belongs to plan.steps[i]; all are done.
Report build_page(const PipelinePlan& plan, const std::vector<StepOutcome>& outcomes);

}  // namespace athanor
