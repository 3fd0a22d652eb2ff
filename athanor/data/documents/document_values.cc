#include "athanor/data/documents/document_values.h"

#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"

namespace athanor {

namespace {

constexpr std::string_view kMeta = "meta.";

}  // namespace

std::string meta_value(std::string_view meta, std::string_view field) {
  if (meta.size() <= 2) {  // {}
    return "";
  }
  const auto object = nlohmann::json::parse(meta, nullptr, false);
  const nlohmann::json* at = &object;
  while (true) {
    if (!at->is_object()) {
      return "";
    }
    auto found = at->find(std::string(field));  // a name with a dot in it goes before a path
    if (found != at->end()) {
      break;
    }
    const size_t dot = field.find('.');
    if (dot == std::string_view::npos) {
      return "";
    }
    found = at->find(std::string(field.substr(0, dot)));
    if (found == at->end()) {
      return "";
    }
    at = &*found;
    field.remove_prefix(dot + 1);
  }
  const nlohmann::json& value = *at->find(std::string(field));
  if (value.is_null()) {
    return "";
  }
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool DocumentValues::known(const Documents& documents, const std::string& name) {
  return name == "id" || name == "source" || name.starts_with(kMeta) || documents.has_column(name);
}

DocumentValues::DocumentValues(const Documents& documents, std::string name, const std::string& option)
    : documents_(documents) {
  if (name.starts_with(kMeta) && name.size() > kMeta.size()) {
    column_ = "meta";
    field_ = name.substr(kMeta.size());
    return;
  }
  column_ = std::move(name);
  if (column_ == "id" || column_ == "source") {
    return;
  }
  extra_ = true;
  std::vector<std::string> names = documents.column_names();
  for (const ColumnInfo& info : documents.manifest().columns) {
    if (info.name == column_) {
      if (info.type == ColumnType::kFloat64) {
        throw Error(ErrorKind::kUsage, option + ": the column '" + column_ + "' holds numbers with fractions", option,
                    "name a column of texts or whole numbers");
      }
      return;
    }
  }
  names.insert(names.end(), {"source", "meta.FIELD"});
  throw Error(ErrorKind::kUsage, "the documents have no column '" + column_ + "'", option, did_you_mean(column_, names));
}

void DocumentValues::for_each(const std::function<void(uint64_t row, std::string_view value)>& fn) const {
  for (size_t shard = 0; shard < documents_.num_shards(); ++shard) {
    for_each_in(shard, fn);
  }
}

void DocumentValues::for_each_in(size_t shard,
                                 const std::function<void(uint64_t row, std::string_view value)>& fn) const {
  const uint64_t first = documents_.first_row(shard);
  const auto give = [&](uint64_t begin, const ColumnValues& values) {
    for (size_t i = 0; i < size_of(values); ++i) {
      const uint64_t row = first + begin + i;
      if (!documents_.keep()[static_cast<size_t>(row)]) {
        continue;
      }
      if (const auto* whole = std::get_if<std::vector<int64_t>>(&values)) {
        fn(row, std::to_string((*whole)[i]));
      } else if (const auto& text = std::get<std::vector<std::string>>(values)[i]; field_.empty()) {
        fn(row, text);
      } else {
        fn(row, meta_value(text, field_));
      }
    }
  };
  if (extra_) {
    give(0, documents_.shard_column(shard, column_));
    return;
  }
  const ParquetFile file(documents_.dir() / documents_.manifest().shards[shard].path);
  file.for_each_batch({{column_, ColumnType::kString}}, [&](uint64_t begin, std::vector<ColumnValues>&& batch) {
    give(begin, batch[0]);
  });
}

}  // namespace athanor
