// What the page of a cross-validation shows, from out/validation.json alone.
#pragma once

#include "athanor/run/report.h"

namespace athanor {

void add_validation(const nlohmann::json& validation, Report& page);

}  // namespace athanor
