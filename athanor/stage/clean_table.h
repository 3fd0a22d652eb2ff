// clean with `table`: documents that are rows of a table -> documents, their meta rewritten by the steps of
// clean/tables/. All rows are written, the dropped ones with the reason in the column dropped_by and out of keep.bin.
#pragma once

#include "athanor/data/tables/table_schema.h"
#include "athanor/run/verb.h"

namespace athanor {

struct CleanTableOptions {
  nlohmann::json table;  // null: texts are cleaned; a list of steps; "learnt": steps and what they learnt, of that role
  TableOptions read;
  int64_t memory_mb = 4096;
};

// Steps with every default written out; Error(kUsage) for what does not go together.
void prepare_clean_table(nlohmann::json& resolved);
void check_clean_inputs(const nlohmann::json& options, const std::vector<std::string>& inputs);
nlohmann::json execute_clean_table(StageContext& context, const CleanTableOptions& options, int64_t threads);
// What `explain clean` says of the steps.
std::string table_steps_text();

}  // namespace athanor
