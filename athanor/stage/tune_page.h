// What the page of a study shows, from out/study.json alone.
#pragma once

#include "athanor/run/report.h"

namespace athanor {

// The trial of that number among study["trials"].
const nlohmann::json& study_trial(const nlohmann::json& study, int64_t number);

void add_study(const nlohmann::json& study, Report& page);

}  // namespace athanor
