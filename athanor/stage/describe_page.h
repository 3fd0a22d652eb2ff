// The page of `describe`, from statistics.json alone.
#pragma once

#include "athanor/run/report.h"

namespace athanor {

Report describe_page(const nlohmann::json& statistics);

}  // namespace athanor
