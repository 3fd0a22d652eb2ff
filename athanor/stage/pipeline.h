// Running a resolved recipe: its steps in order, and for a recipe with steps the pipeline run around them, whose
// out/report.html is the page the user is shown.
#pragma once

#include "athanor/stage/command.h"
#include "athanor/stage/execute.h"

namespace athanor {

// Gives the exit code: 0 also for a run that stop_at paused.
int run_plan(const PipelinePlan& plan, Workshop& shop, Session& session);

}  // namespace athanor
