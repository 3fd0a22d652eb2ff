// What the page of a cross-validation shows, from out/validation.json alone.
#pragma once

#include "athanor/run/report.h"

namespace athanor {

// "boost", "recipe rounds=30", "recipe of 0.2 of the documents": what a score is of.
std::string name_of_choice(const nlohmann::json& score);
void add_validation(const nlohmann::json& validation, Report& page);

}  // namespace athanor
