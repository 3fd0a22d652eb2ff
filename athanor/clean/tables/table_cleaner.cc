#include "athanor/clean/tables/table_cleaner.h"

#include <algorithm>

#include "athanor/base/error.h"

namespace athanor {

namespace {

fs::path folder_of(const fs::path& dir, size_t step) { return dir / ("table-step-" + std::to_string(step + 1)); }

}  // namespace

TableCleaner::TableCleaner(const nlohmann::json& steps, const std::string& where)
    : where_(where), steps_(resolve_table_steps(steps, where)) {
  for (size_t i = 0; i < steps_.size(); ++i) {
    const std::string name = steps_[i].begin().key();
    names_.push_back(std::to_string(i + 1) + " " + name);
    made_.push_back(make_table_step(name, *steps_[i].begin(), where + "[" + std::to_string(i) + "]"));
  }
}

void TableCleaner::run(RowTable& table, TableStepContext& context, bool learns) {
  for (size_t i = 0; i < made_.size(); ++i) {
    context.poll();
    const uint64_t before = table.num_alive();
    context.report.begin_step(names_[i], before);
    if (learns) {
      made_[i]->learn(table, context);
    }
    made_[i]->apply(table, context);
    if (before > 0 && table.num_alive() == 0) {
      std::string reasons;
      for (const TableReport::Reason& reason : context.report.reasons()) {
        if (reason.step == names_[i] && reason.rows > 0) {
          reasons += (reasons.empty() ? "" : ", ") + (reason.column.empty() ? "" : reason.column + ": ") + reason.what + " " +
                     std::to_string(reason.rows);
        }
      }
      throw Error(ErrorKind::kInput, "the step drops every row that is left (" + std::to_string(before) + "): " + reasons,
                  where_ + "[" + std::to_string(i) + "]." + names_[i].substr(names_[i].find(' ') + 1),
                  "fill or mark instead of dropping, name fewer columns, or drop the columns themselves (drop_columns)");
    }
  }
  context.report.begin_step("", table.num_alive());
}

void TableCleaner::learn(RowTable& training, TableStepContext& context) {
  if (training.rows == 0) {
    throw Error(ErrorKind::kInput, "there are no rows to learn from", where_);
  }
  run(training, context, true);
}

void TableCleaner::apply(RowTable& table, TableStepContext& context) const {
  const_cast<TableCleaner*>(this)->run(table, context, false);
}

void TableCleaner::save(const fs::path& dir, const TableSchema& read) const {
  auto steps = nlohmann::json::array();
  for (size_t i = 0; i < made_.size(); ++i) {
    steps.push_back({{"step", steps_[i].begin().key()}, {"options", *steps_[i].begin()}, {"learnt", made_[i]->learnt(folder_of(dir, i))}});
  }
  const nlohmann::json json{{"schema", kSchema}, {"read", read.to_json()}, {"steps", steps}};
  write_file_atomic(dir / kFileName, json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

TableCleaner TableCleaner::load(const fs::path& dir, TableSchema& read) {
  const fs::path path = dir / kFileName;
  if (!fs::exists(path)) {
    throw Error(ErrorKind::kInput, "there is no " + std::string(kFileName), dir.string(),
                "give the output of a clean with `table` under the role `learnt`");
  }
  try {
    const nlohmann::json json = nlohmann::json::parse(read_file(path));
    if (json.at("schema").get<int>() != kSchema) {
      throw Error(ErrorKind::kInput, "is of schema " + json.at("schema").dump() + "; this version reads " + std::to_string(kSchema),
                  path.string(), "clean the training rows again with this version");
    }
    read = TableSchema::from_json(json.at("read"), path.string());
    auto steps = nlohmann::json::array();
    for (const auto& step : json.at("steps")) {
      steps.push_back({{step.at("step").get<std::string>(), step.at("options")}});
    }
    TableCleaner cleaner(steps, path.string());
    for (size_t i = 0; i < cleaner.made_.size(); ++i) {
      cleaner.made_[i]->load(json.at("steps")[i].at("learnt"), folder_of(dir, i));
    }
    return cleaner;
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorKind::kInput, std::string("is not what clean writes: ") + e.what(), path.string(),
                "clean the training rows again");
  }
}

}  // namespace athanor
