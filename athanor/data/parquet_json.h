// One cell of an Arrow array as JSON.
#pragma once

#include <cstdint>

#include <nlohmann/json_fwd.hpp>

namespace arrow {
class Array;
}

namespace athanor {

// null for a null; numbers, booleans, lists and structs as JSON has them; strings and binary as raw bytes;
// dates, decimals and maps as Arrow prints them. 0 <= i < array.length().
nlohmann::json cell_to_json(const arrow::Array& array, int64_t i);

}  // namespace athanor
