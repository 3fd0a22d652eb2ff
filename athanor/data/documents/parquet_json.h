// One cell of an Arrow array as JSON.
#pragma once

#include <cstdint>
#include <functional>

#include <nlohmann/json_fwd.hpp>

namespace arrow {
class Array;
class RecordBatch;
}

namespace athanor {

// null for a null; numbers, booleans, lists and structs as JSON has them; strings and binary as raw bytes;
// dates, decimals and maps as Arrow prints them. 0 <= i < array.length().
nlohmann::json cell_to_json(const arrow::Array& array, int64_t i);

// Calls fn with those rows in [begin, end) that the batch holds, as objects {column: value}; its first row has the
// number first_row.
void for_each_json_row(const arrow::RecordBatch& batch, uint64_t first_row, uint64_t begin, uint64_t end,
                       const std::function<void(uint64_t row, nlohmann::json&& object)>& fn);

}  // namespace athanor
