// What the page of a study shows, from out/study.json alone.
#pragma once

#include "athanor/run/report.h"

namespace athanor {

void add_study(const nlohmann::json& study, Report& page);

}  // namespace athanor
