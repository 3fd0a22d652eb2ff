#include "athanor/data/parquet_json.h"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <nlohmann/json.hpp>

namespace athanor {

namespace {

using Json = nlohmann::json;

Json struct_to_json(const arrow::StructArray& array, int64_t i) {
  Json object = Json::object();
  for (int field = 0; field < array.num_fields(); ++field) {
    object[array.type()->field(field)->name()] = cell_to_json(*array.field(field), i);
  }
  return object;
}

template <typename ListArray>
Json list_to_json(const arrow::Array& array, int64_t i) {
  const auto& list = static_cast<const ListArray&>(array);
  Json values = Json::array();
  for (int64_t k = list.value_offset(i); k < list.value_offset(i) + list.value_length(i); ++k) {
    values.push_back(cell_to_json(*list.values(), k));
  }
  return values;
}

template <typename Array>
Json at(const arrow::Array& array, int64_t i) {
  return static_cast<const Array&>(array).GetView(i);
}

}  // namespace

Json cell_to_json(const arrow::Array& array, int64_t i) {
  if (array.IsNull(i)) {
    return nullptr;
  }
  switch (array.type_id()) {
    case arrow::Type::STRING:
      return at<arrow::StringArray>(array, i);
    case arrow::Type::BINARY:
      return at<arrow::BinaryArray>(array, i);
    case arrow::Type::LARGE_STRING:
      return at<arrow::LargeStringArray>(array, i);
    case arrow::Type::LARGE_BINARY:
      return at<arrow::LargeBinaryArray>(array, i);
    case arrow::Type::BOOL:
      return at<arrow::BooleanArray>(array, i);
    case arrow::Type::INT8:
      return at<arrow::Int8Array>(array, i);
    case arrow::Type::INT16:
      return at<arrow::Int16Array>(array, i);
    case arrow::Type::INT32:
      return at<arrow::Int32Array>(array, i);
    case arrow::Type::INT64:
      return at<arrow::Int64Array>(array, i);
    case arrow::Type::UINT8:
      return at<arrow::UInt8Array>(array, i);
    case arrow::Type::UINT16:
      return at<arrow::UInt16Array>(array, i);
    case arrow::Type::UINT32:
      return at<arrow::UInt32Array>(array, i);
    case arrow::Type::UINT64:
      return at<arrow::UInt64Array>(array, i);
    case arrow::Type::FLOAT:
      return at<arrow::FloatArray>(array, i);
    case arrow::Type::DOUBLE:
      return at<arrow::DoubleArray>(array, i);
    case arrow::Type::LIST:
      return list_to_json<arrow::ListArray>(array, i);
    case arrow::Type::LARGE_LIST:
      return list_to_json<arrow::LargeListArray>(array, i);
    case arrow::Type::STRUCT:
      return struct_to_json(static_cast<const arrow::StructArray&>(array), i);
    default: {  // dates, decimals, maps: Arrow's own spelling
      const auto scalar = array.GetScalar(i);
      return scalar.ok() ? Json((*scalar)->ToString()) : Json(nullptr);
    }
  }
}

}  // namespace athanor
