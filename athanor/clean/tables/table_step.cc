#include "athanor/clean/tables/table_step.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"

namespace athanor {

namespace {

struct Group {
  const char* name;
  ColumnKind kind;
};
constexpr Group kGroups[] = {{"numbers", ColumnKind::kNumber},
                             {"categories", ColumnKind::kCategory},
                             {"texts", ColumnKind::kText},
                             {"dates", ColumnKind::kDate}};

const TableStepKind& kind_of(const std::string& name, const std::string& where) {
  std::vector<std::string> known;
  for (const TableStepKind& kind : table_step_kinds()) {
    if (name == kind.name) {
      return kind;
    }
    known.push_back(kind.name);
  }
  throw Error(ErrorKind::kUsage, "there is no step '" + name + "' for tables", where, did_you_mean(name, known));
}

}  // namespace

nlohmann::json resolve_table_steps(const nlohmann::json& steps, const std::string& where) {
  if (!steps.is_array()) {
    throw Error(ErrorKind::kUsage, "'table' must be a list of steps", where,
                "table: [{missing: {by: median}}, {outliers: {by: iqr}}]");
  }
  auto all = nlohmann::json::array();
  for (size_t i = 0; i < steps.size(); ++i) {
    const nlohmann::json& step = steps[i];
    const std::string at = where + "[" + std::to_string(i) + "]";
    if (!step.is_string() && !(step.is_object() && step.size() == 1)) {
      throw Error(ErrorKind::kUsage, "a step is a name, or {name: {option: value}}", at, "missing, or {missing: {by: mode}}");
    }
    const std::string name = step.is_string() ? step.get<std::string>() : step.begin().key();
    const nlohmann::json given = step.is_string() || step.begin()->is_null() ? nlohmann::json::object() : *step.begin();
    Mark mark;
    mark.file = at + "." + name;
    const TableStepKind& kind = kind_of(name, at);
    const nlohmann::json options = kind.schema.parse(Node::from_json(given, mark), at + "." + name);
    kind.make(options, at + "." + name);  // says what does not go together
    all.push_back({{name, options}});
  }
  return all;
}

std::unique_ptr<TableStep> make_table_step(const std::string& name, const nlohmann::json& options,
                                           const std::string& where) {
  const TableStepKind& kind = kind_of(name, where);
  Mark mark;
  mark.file = where + "." + name;
  return kind.make(kind.schema.parse(Node::from_json(options, mark), mark.file), mark.file);
}

std::vector<std::string> chosen_columns(const RowTable& table, const std::vector<std::string>& wanted,
                                        const std::vector<ColumnKind>& usual, const std::string& where,
                                        std::vector<std::string>* explicit_names) {
  std::vector<std::string> all;
  const auto add = [&](const std::string& name) {
    if (std::find(all.begin(), all.end(), name) == all.end()) {
      all.push_back(name);
    }
  };
  const auto add_kind = [&](const std::vector<ColumnKind>& kinds) {
    for (const RowColumn& column : table.columns) {
      if (!column.passes && !column.dropped && std::find(kinds.begin(), kinds.end(), column.kind) != kinds.end()) {
        add(column.name);
      }
    }
  };
  if (wanted.empty()) {
    add_kind(usual);
  }
  for (const std::string& name : wanted) {
    const auto group = std::find_if(std::begin(kGroups), std::end(kGroups), [&](const Group& g) { return name == g.name; });
    if (table.find(name) != nullptr) {
      add(name);
      if (explicit_names != nullptr) {
        explicit_names->push_back(name);
      }
    } else if (group != std::end(kGroups)) {
      add_kind({group->kind});
    } else {
      throw Error(ErrorKind::kUsage, "there is no column '" + name + "'", where, did_you_mean(name, table.names()));
    }
  }
  return all;
}

const RowColumn& column_at(const RowTable& table, const std::string& name, const std::string& where) {
  const RowColumn* column = table.find(name);
  if (column == nullptr) {
    throw Error(ErrorKind::kInput, "the rows have no column '" + name + "', which this step learnt to clean", where,
                did_you_mean(name, table.names()));
  }
  return *column;
}

RowColumn& column_at(RowTable& table, const std::string& name, const std::string& where) {
  return const_cast<RowColumn&>(column_at(std::as_const(table), name, where));
}

void expect_numbers(const RowColumn& column, const std::string& what, const std::string& where) {
  if (column.kind != ColumnKind::kNumber && column.kind != ColumnKind::kDate) {
    throw Error(ErrorKind::kUsage, "column '" + column.name + "' holds a " + name_of(column.kind) + ", and " + what + " needs numbers",
                where, "make numbers of it first: formats: {columns: [" + column.name + "], as: number}, or units; or leave it out");
  }
}

RowColumn* add_mark_column(RowTable& table, const std::string& name, TableReport& report) {
  for (const RowColumn& column : table.columns) {
    if (column.name == name && !column.dropped) {
      report.note("column '" + name + "' is there already and stays as it is");
      return nullptr;
    }
  }
  RowColumn& column = table.add(name);
  column.kind = ColumnKind::kNumber;
  const int32_t no = column.intern("0", CellType::kNumber);
  std::fill(column.codes.begin(), column.codes.end(), no);
  return &column;
}

void map_values(RowTable& table, RowColumn& column, TableReport& report,
                const std::function<NewValue(const Cell& cell, int32_t code)>& fn) {
  const size_t count = column.num_values();
  struct Plan {
    NewValue::Do action = NewValue::Do::kKeep;
    int32_t code = 0;
    uint32_t reason = 0;
    bool told = false;
  };
  const std::vector<uint64_t> counts = value_counts(table, column);
  std::vector<Plan> plans(count);
  for (size_t i = 0; i < count; ++i) {
    if (counts[i] == 0) {
      continue;
    }
    const NewValue to = fn(column.value(static_cast<int32_t>(i)), static_cast<int32_t>(i));
    Plan& plan = plans[i];
    plan.action = to.action;
    plan.code = to.action == NewValue::Do::kReplace   ? column.intern(to.cell.text, to.cell.type)
                : to.action == NewValue::Do::kMissing ? missing_code(column)
                                                      : static_cast<int32_t>(i);
    plan.told = !to.what.empty();
    plan.reason = plan.told ? report.reason(column.name, to.what) : 0;
  }
  for (uint64_t row = 0; row < table.rows; ++row) {
    const int32_t code = column.codes[row];
    if (table.alive[row] == 0 || code < 0 || plans[static_cast<size_t>(code)].action == NewValue::Do::kKeep) {
      continue;
    }
    const Plan& plan = plans[static_cast<size_t>(code)];
    const std::string& before = column.value(code).text;
    if (plan.action == NewValue::Do::kDrop) {
      report.dropped(plan.reason, table, row, before);
    } else {
      column.codes[row] = plan.code;
      if (plan.told && plan.code != code) {
        report.changed(plan.reason, table, row, before, column.value(plan.code).text);
      }
    }
  }
}

}  // namespace athanor
