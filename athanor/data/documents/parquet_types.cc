#include <iterator>

#include "athanor/base/error.h"
#include "athanor/data/documents/parquet.h"

namespace athanor {

const char* name_of(ColumnType type) {
  switch (type) {
    case ColumnType::kString:
      return "string";
    case ColumnType::kInt64:
      return "int64";
    case ColumnType::kFloat64:
      return "float64";
  }
  return "string";
}

ColumnType column_type(std::string_view name, const std::string& where) {
  for (const ColumnType type : {ColumnType::kString, ColumnType::kInt64, ColumnType::kFloat64}) {
    if (name == name_of(type)) {
      return type;
    }
  }
  throw Error(ErrorKind::kInput, "unknown column type '" + std::string(name) + "'", where,
              "known types: string, int64, float64");
}

ColumnType type_of(const ColumnValues& values) {
  constexpr ColumnType kByIndex[] = {ColumnType::kFloat64, ColumnType::kInt64, ColumnType::kString};
  return kByIndex[values.index()];
}

size_t size_of(const ColumnValues& values) {
  return std::visit([](const auto& vector) { return vector.size(); }, values);
}

void append_values(ColumnValues& all, ColumnValues&& batch) {
  std::visit(
      [&](auto& values) {
        auto& more = std::get<std::decay_t<decltype(values)>>(batch);
        values.insert(values.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
      },
      all);
}

ColumnValues empty_values(ColumnType type) {
  switch (type) {
    case ColumnType::kString:
      return std::vector<std::string>();
    case ColumnType::kInt64:
      return std::vector<int64_t>();
    case ColumnType::kFloat64:
      return std::vector<double>();
  }
  return std::vector<std::string>();
}

PageCodec page_codec(std::string_view name, const std::string& where) {
  if (name == "zstd") {
    return PageCodec::kZstd;
  }
  if (name == "lz4") {
    return PageCodec::kLz4;
  }
  if (name == "snappy") {
    return PageCodec::kSnappy;
  }
  throw Error(ErrorKind::kInput, "unknown compression of pages '" + std::string(name) + "'", where, "zstd, lz4 or snappy");
}

}  // namespace athanor
