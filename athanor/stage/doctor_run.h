// `athanor doctor RUN`: what a finished run's curves and scores say, and the command that would try the advice.
#pragma once

#include "athanor/metric/diagnosis.h"
#include "athanor/run/run.h"
#include "athanor/stage/command.h"

namespace athanor {

// What run.json and events.jsonl tell. recipe: the run's own.
RunFacts facts_of(const RunSummary& run, const nlohmann::json& recipe);

// Prints the findings; {"run", "healthy", "findings": [{"name", "evidence", "advice", "command", "grave"}]}; healthy is null
// with {"nothing": why} when the run has no scores (an anomaly detector without labels, a run that failed).
int doctor_of_run(Session& session, const RunSummary& run);

}  // namespace athanor
