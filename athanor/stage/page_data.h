// The data part of the report page: documents from step to step, what each rule dropped, parts and tokens.
#pragma once

#include <vector>

#include "athanor/run/report.h"
#include "athanor/stage/execute.h"
#include "athanor/stage/resolve.h"

namespace athanor {

void add_data(const PipelinePlan& plan, const std::vector<StepOutcome>& outcomes, Report& page);

}  // namespace athanor
