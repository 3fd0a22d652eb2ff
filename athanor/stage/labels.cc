#include "athanor/stage/labels.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace athanor {

namespace {

void add_label(const nlohmann::json& value, std::vector<std::string>& labels) {
  if (value.is_string() && !value.get_ref<const std::string&>().empty()) {
    labels.push_back(value.get<std::string>());
  } else if (value.is_number() || value.is_boolean()) {
    labels.push_back(value.dump());
  }
}

}  // namespace

DocumentLabels::DocumentLabels(const Documents& documents, std::string field)
    : field_(std::move(field)), has_column_(documents.has_column(field_)) {
  if (!has_column_) {
    return;
  }
  const ColumnValues values = documents.column(field_);
  if (const auto* numbers = std::get_if<std::vector<int64_t>>(&values)) {
    for (const int64_t number : *numbers) {
      column_.push_back(std::to_string(number));
    }
  } else if (const auto* floats = std::get_if<std::vector<double>>(&values)) {
    for (const double number : *floats) {
      column_.push_back(std::isfinite(number) ? nlohmann::json(number).dump() : "");
    }
  } else {
    column_ = documents.string_column(field_);
  }
}

std::vector<std::string> DocumentLabels::of(size_t index, const Document& document) const {
  std::vector<std::string> labels;
  if (has_column_) {
    if (!column_[index].empty()) {
      labels.push_back(column_[index]);
    }
    return labels;
  }
  const auto meta = nlohmann::json::parse(document.meta, nullptr, false);
  const auto found = meta.is_object() ? meta.find(field_) : meta.end();
  if (!meta.is_object() || found == meta.end()) {
    return labels;
  }
  if (found->is_array()) {
    for (const auto& value : *found) {
      add_label(value, labels);
    }
  } else {
    add_label(*found, labels);
  }
  return labels;
}

bool DocumentLabels::is_empty_list(const Document& document) const {
  const auto meta = has_column_ ? nlohmann::json() : nlohmann::json::parse(document.meta, nullptr, false);
  const auto found = meta.is_object() ? meta.find(field_) : meta.end();
  return meta.is_object() && found != meta.end() && found->is_array() && found->empty();
}

}  // namespace athanor
