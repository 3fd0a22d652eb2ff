#include "athanor/clean/rules/field.h"

#include <cmath>

#include "athanor/base/error.h"

namespace athanor {

using nlohmann::json;

namespace {

constexpr double kFar = 1e308;  // JSON has no infinity

// The value at "a.b" in the object; null when there is none.
const json& look_up(const json& object, const std::string& path) {
  static const json kNull;
  if (const auto whole = object.find(path); object.is_object() && whole != object.end()) {
    return *whole;
  }
  const json* value = &object;
  for (size_t at = 0; at <= path.size();) {
    const size_t dot = std::min(path.find('.', at), path.size());
    const std::string key = path.substr(at, dot - at);
    if (!value->is_object() || !value->contains(key)) {
      return kNull;
    }
    value = &value->at(key);
    at = dot + 1;
  }
  return *value;
}

json parse_meta(const DocumentView& document) {
  return document.meta.empty() ? json::object() : json::parse(document.meta, nullptr, false);
}

double value_of(const DocumentView& document, const std::string& name) {
  if (document.number) {
    if (const double value = document.number(name); !std::isnan(value)) {
      return value;
    }
  }
  if (document.meta.find(name.substr(0, name.find('.'))) == std::string_view::npos) {
    return kDoesNotApply;  // not even its letters: spares the parse
  }
  const json meta = parse_meta(document);
  const json& value = look_up(meta, name);
  return value.is_number() ? value.get<double>() : value.is_boolean() ? (value.get<bool>() ? 1.0 : 0.0) : kDoesNotApply;
}

std::string required_name(const json& options, const char* step) {
  std::string name = options.at("name");
  if (name.empty()) {
    throw Error(ErrorKind::kUsage, std::string(step) + " needs the name of a column", "",
                std::string("write {\"") + step + "\": {\"name\": \"quality_score\"}}");
  }
  return name;
}

}  // namespace

MissingFields::MissingFields(const json& options)
    : fields_(options.at("fields").get<std::vector<std::string>>()), max_missing_(options.at("max_missing")) {}

std::vector<StepOption> MissingFields::options() {
  return {{"fields", json::array(), "fields of meta that a document must have; a.b goes into an object"},
          threshold("max_missing", 0, "more of them missing: dropped", 0)};
}

std::vector<StepMetric> MissingFields::metrics() {
  return {{"fields", "how many are missing"}, {"names", "which, joined by commas", MetricType::kText}};
}

void MissingFields::measure(DocumentView& document, Measures& out) const {
  const json meta = parse_meta(document);
  size_t count = 0;
  std::string names;
  for (const std::string& field : fields_) {
    const json& value = look_up(meta, field);
    const bool blank = value.is_string() && value.get_ref<const std::string&>().empty();
    if (value.is_null() || blank || ((value.is_array() || value.is_object()) && value.empty())) {
      names.append(count++ == 0 ? "" : ",").append(field);
    }
  }
  out.add(count);
  out.add(std::move(names));
}

Verdict MissingFields::decide(const Measures& measures) const {
  const double count = measures.numbers.at(0);
  return count > max_missing_ ? Verdict{false, "missing_field", count} : Verdict{};
}

ColumnFilter::ColumnFilter(const json& options)
    : name_(required_name(options, "column")),
      min_(options.at("min")),
      max_(options.at("max")),
      drop_without_value_(options.at("drop_without_value")) {}

std::vector<StepOption> ColumnFilter::options() {
  return {{"name", "", "a number column of the documents, or a field of meta"},
          threshold("min", -kFar, "smaller: dropped"),
          threshold("max", kFar, "larger: dropped"),
          threshold("drop_without_value", true, "a document without that value is dropped")};
}

std::vector<StepMetric> ColumnFilter::metrics() { return {{"value", "the column's value"}}; }

void ColumnFilter::measure(DocumentView& document, Measures& out) const { out.add(value_of(document, name_)); }

Verdict ColumnFilter::decide(const Measures& measures) const {
  const double value = measures.numbers.at(0);
  if (std::isnan(value)) {
    return {!drop_without_value_, "no_value", 0};
  }
  return value < min_ ? Verdict{false, "below_min", value} : value > max_ ? Verdict{false, "above_max", value} : Verdict{};
}

OutlierFilter::OutlierFilter(const json& options)
    : name_(required_name(options, "outlier")),
      mean_(options.at("mean")),
      std_(options.at("std")),
      max_z_(options.at("max_z")),
      drop_without_value_(options.at("drop_without_value")) {}

std::vector<StepOption> OutlierFilter::options() {
  return {{"name", "", "a number column of the documents, or a field of meta"},
          threshold("mean", 0.0, "what the column is on average"),
          threshold("std", 1.0, "its standard deviation", 1e-300),
          threshold("max_z", 3.0, "further from the mean than so many deviations: dropped", 0),
          threshold("drop_without_value", false, "a document without that value is dropped")};
}

std::vector<StepMetric> OutlierFilter::metrics() { return {{"value", "the column's value"}}; }

void OutlierFilter::measure(DocumentView& document, Measures& out) const { out.add(value_of(document, name_)); }

Verdict OutlierFilter::decide(const Measures& measures) const {
  const double value = measures.numbers.at(0);
  if (std::isnan(value)) {
    return {!drop_without_value_, "no_value", 0};
  }
  return std::abs(value - mean_) > max_z_ * std_ ? Verdict{false, "outlier", value} : Verdict{};
}

}  // namespace athanor
