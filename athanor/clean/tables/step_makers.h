// One pair of functions a step; table_step_kinds.cc puts them into the table.
#pragma once

#include "athanor/clean/tables/table_step.h"

namespace athanor {

std::unique_ptr<TableStep> make_missing_step(const nlohmann::json& options, const std::string& where);
OptionSchema missing_step_options();
std::unique_ptr<TableStep> make_outliers_step(const nlohmann::json& options, const std::string& where);
OptionSchema outliers_step_options();
std::unique_ptr<TableStep> make_duplicates_step(const nlohmann::json& options, const std::string& where);
OptionSchema duplicates_step_options();
std::unique_ptr<TableStep> make_units_step(const nlohmann::json& options, const std::string& where);
OptionSchema units_step_options();
std::unique_ptr<TableStep> make_formats_step(const nlohmann::json& options, const std::string& where);
OptionSchema formats_step_options();
std::unique_ptr<TableStep> make_merge_step(const nlohmann::json& options, const std::string& where);
OptionSchema merge_step_options();
std::unique_ptr<TableStep> make_range_step(const nlohmann::json& options, const std::string& where);
OptionSchema range_step_options();
std::unique_ptr<TableStep> make_drop_columns_step(const nlohmann::json& options, const std::string& where);
OptionSchema drop_columns_step_options();

}  // namespace athanor
