// fit's work on tables: documents as rows, a pipeline of features, a model of classic/models, a page.
#pragma once

#include "athanor/base/thread_pool.h"
#include "athanor/feature/target.h"
#include "athanor/run/verb.h"
#include "athanor/stage/fit.h"

namespace athanor {

// "auto", or a model of classic/models.
bool fits_tables(const std::string& kind);

// kClasses for a name that is no task (empty, auto).
Task task_named(const std::string& name);

void add_table_fields(Fields<FitOptions>& f);
// Checks names and options of features and model without any row. Error(kUsage).
void prepare_fit(nlohmann::json& resolved);
// The models, encoders and transforms, a line each.
std::string fit_notes();

nlohmann::json fit_table(StageContext& context, const FitOptions& options, ThreadPool& pool);

}  // namespace athanor
