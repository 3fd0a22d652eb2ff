// The training part of the report page: curves from events.jsonl, speed, memory planned and measured.
#pragma once

#include "athanor/run/report.h"
#include "athanor/stage/execute.h"

namespace athanor {

void add_training(const std::string& label, const StepOutcome& outcome, Report& page);

}  // namespace athanor
