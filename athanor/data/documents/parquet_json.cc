#include "athanor/data/documents/parquet_json.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
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
    case arrow::Type::DICTIONARY: {
      const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
      return cell_to_json(*coded.dictionary(), coded.GetValueIndex(i));
    }
    default: {  // dates, decimals, maps: Arrow's own spelling
      const auto scalar = array.GetScalar(i);
      return scalar.ok() ? Json((*scalar)->ToString()) : Json(nullptr);
    }
  }
}

void for_each_json_row(const arrow::RecordBatch& batch, uint64_t first_row, uint64_t begin, uint64_t end,
                       const std::function<void(uint64_t row, nlohmann::json&& object)>& fn) {
  for (int64_t i = 0; i < batch.num_rows(); ++i) {
    const uint64_t row = first_row + static_cast<uint64_t>(i);
    if (row < begin || row >= end) {
      continue;
    }
    Json object = Json::object();
    for (int column = 0; column < batch.num_columns(); ++column) {
      object[batch.column_name(column)] = cell_to_json(*batch.column(column), i);
    }
    fn(row, std::move(object));
  }
}

}  // namespace athanor
