// parquet: one row, one document. Offsets are row numbers.
#include <nlohmann/json.hpp>

#include "athanor/data/documents/parquet.h"
#include "athanor/data/readers/reader_rows.h"

namespace athanor {

void read_parquet(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  read_table("damaged Parquet", rows, [&](uint64_t& rows_read) {
    rows_read = input.begin;
    const ParquetFile file(input.path);
    ReaderRows table(file.column_names(), options, rows);
    file.for_each_row(
        [&](uint64_t row, nlohmann::json&& object) {
          guarded([&] {
            rows.boundary(row);
            table.read(row, std::move(object));
          });
          rows_read = row + 1;
        },
        input.begin, input.end);
  });
}

}  // namespace athanor
