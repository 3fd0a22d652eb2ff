#include "athanor/data/tables/table_schema.h"

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/nearest.h"
#include "athanor/data/tables/cells.h"

namespace athanor {

namespace {

constexpr int kSchema = 1;
constexpr ColumnKind kKinds[] = {ColumnKind::kNumber, ColumnKind::kCategory, ColumnKind::kText,
                                 ColumnKind::kDate,   ColumnKind::kImage,    ColumnKind::kSparse};
constexpr const char* kSources[] = {"meta", "column", "text", "image", "libsvm"};

bool find_kind(const std::string& name, ColumnKind& kind) {
  for (const ColumnKind known : kKinds) {
    if (name == name_of(known)) {
      kind = known;
      return true;
    }
  }
  return false;
}

ColumnPlan plan_of(const nlohmann::json& json) {
  ColumnPlan plan;
  plan.name = json.at("name").get<std::string>();
  plan.key = json.at("key").get<std::string>();
  plan.date_format = json.value("format", "");
  const std::string kind = json.at("kind").get<std::string>();
  const std::string from = json.at("from").get<std::string>();
  const auto found = std::find(std::begin(kSources), std::end(kSources), from);
  std::string problem;
  if (!find_kind(kind, plan.kind) || found == std::end(kSources) ||
      (!plan.date_format.empty() && !check_date_format(plan.date_format, problem))) {
    throw Error(ErrorKind::kInput, "the column '" + plan.name + "' is of no known kind or source");
  }
  plan.from = static_cast<ColumnSource>(found - std::begin(kSources));
  return plan;
}

std::string quoted(const std::string& text) {
  return "'" + text.substr(0, 60) + (text.size() > 60 ? "..." : "") + "'";
}

}  // namespace

nlohmann::json TableSchema::to_json() const {
  nlohmann::json list = nlohmann::json::array();
  for (const ColumnPlan& plan : columns) {
    nlohmann::json one{{"name", plan.name},
                       {"kind", name_of(plan.kind)},
                       {"from", kSources[static_cast<size_t>(plan.from)]},
                       {"key", plan.key}};
    if (!plan.date_format.empty()) {
      one["format"] = plan.date_format;
    }
    list.push_back(std::move(one));
  }
  nlohmann::json out{{"schema", kSchema}, {"missing", missing}, {"columns", std::move(list)}};
  if (libsvm) {
    out["format"] = "libsvm";
  }
  return out;
}

TableSchema TableSchema::from_json(const nlohmann::json& json, const std::string& where) {
  try {
    if (json.at("schema").get<int64_t>() != kSchema) {
      throw Error(ErrorKind::kInput,
                  "the schema of the table is of another version: " + json.at("schema").dump(),
                  where);
    }
    TableSchema schema;
    schema.missing = json.at("missing").get<std::vector<std::string>>();
    schema.libsvm = json.value("format", "") == "libsvm";
    for (const auto& column : json.at("columns")) {
      schema.columns.push_back(plan_of(column));
    }
    return schema;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInput,
                std::string("the schema of the table is damaged: ") + error.what(), where);
  } catch (const Error& error) {
    throw Error(error.kind(), error.message(), where, "fit the estimator again");
  }
}

void parse_column_type(const nlohmann::json& type, const std::string& where, ColumnKind& kind,
                       std::string& date_format) {
  date_format.clear();
  if (type.is_object() && type.size() == 1 && type.contains("date") && type["date"].is_string()) {
    kind = ColumnKind::kDate;
    date_format = type["date"].get<std::string>();
    std::string problem;
    if (!check_date_format(date_format, problem)) {
      throw Error(ErrorKind::kUsage,
                  "the date format '" + date_format + "' cannot be used: " + problem, where,
                  "signs: %Y %m %d %H %M %S %f %y %b %j %p %I %z %s, for example '%d/%m/%Y'");
    }
    return;
  }
  const std::vector<std::string> names = {"number", "category", "text", "date", "image"};
  if (!type.is_string() || !find_kind(type.get<std::string>(), kind) ||
      kind == ColumnKind::kSparse) {
    throw Error(
        ErrorKind::kUsage,
        "a type is number, category, text, date, {date: FORMAT} or image, not " + type.dump(),
        where, type.is_string() ? did_you_mean(type.get<std::string>(), names) : "");
  }
}

std::vector<std::string> TableNotes::warnings() const {
  std::vector<std::string> out;
  for (const ColumnNote& note : columns) {
    const std::string column = "column '" + note.name + "': ";
    const auto count = [](uint64_t n) { return grouped_integer(static_cast<int64_t>(n)); };
    if (note.mixed) {
      out.push_back(column + "numbers and other texts are mixed; it is read as " +
                    name_of(note.kind) + " (types: {" + note.name + ": ...} fixes what it is)");
    }
    if (note.unreadable > 0) {
      out.push_back(column + count(note.unreadable) + " values are no " + name_of(note.kind) +
                    ", such as " + quoted(note.example) + "; they count as missing");
    }
    if (note.infinite > 0) {
      out.push_back(column + count(note.infinite) + " infinite values count as missing");
    }
    if (note.decimal_commas) {
      out.push_back(column + "numbers with decimal commas are read as categories (clean makes them numbers: table: [{formats: "
                    "{columns: [" + note.name + "], as: number, decimal: ','}}])");
    }
    if (note.thousands_commas) {
      out.push_back(column + "numbers with commas between thousands, such as 1,234, are read as categories (clean makes them "
                    "numbers: table: [{formats: {columns: [" + note.name + "], as: number}}]; add decimal: ',' if 1,234 is 1.234)");
    }
    if (note.run_together > 0) {
      out.push_back(column + count(note.run_together) +
                    " different numbers have more digits than a double holds and become equal to others (an id? types: {" +
                    note.name + ": category} keeps them apart)");
    }
    if (note.left_out > 0) {
      out.push_back(column + count(note.left_out) +
                    " objects are no single value and count as missing");
    }
  }
  return out;
}

nlohmann::json TableNotes::to_json() const {
  nlohmann::json list = nlohmann::json::array();
  for (const ColumnNote& note : columns) {
    nlohmann::json one{
        {"name", note.name}, {"kind", name_of(note.kind)}, {"missing", note.missing}};
    if (note.infinite > 0) {
      one["infinite"] = note.infinite;
    }
    if (note.unreadable > 0) {
      one["unreadable"] = note.unreadable;
      one["example"] = note.example;
    }
    if (note.mixed) {
      one["mixed"] = true;
    }
    if (note.run_together > 0) {
      one["run_together"] = note.run_together;
    }
    if (note.left_out > 0) {
      one["left_out"] = note.left_out;
    }
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace athanor
