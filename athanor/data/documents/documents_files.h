// The files of a `documents` artifact, as its writers name and shape them. Inside the room data only.
#pragma once

#include <string>
#include <vector>

#include "athanor/data/documents/parquet.h"

namespace athanor {

// Rows of a row group at most.
inline constexpr size_t kRowGroupRows = 16384;

// "part-00042.parquet"
std::string shard_file_name(const char* stem, size_t number);

// The fixed columns of a text shard.
std::vector<ColumnInfo> text_columns();

}  // namespace athanor
