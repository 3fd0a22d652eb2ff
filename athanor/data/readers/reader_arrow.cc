// Arrow IPC, the file format (.arrow, .feather) and the stream (.arrows), told by its first bytes: one row, one
// document. Offsets are row numbers.
#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/ipc/options.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include <nlohmann/json.hpp>

#include "athanor/data/documents/parquet_json.h"
#include "athanor/data/readers/reader_rows.h"

namespace athanor {

namespace {

constexpr int kMaxDepth = 64;  // of nested types

[[noreturn]] void fail(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::kInput, "is not a whole Arrow file: " + why.substr(0, why.find('\n')), path.string());
}

template <typename T>
T value_of(arrow::Result<T> result, const fs::path& path) {
  if (!result.ok()) {
    fail(path, result.status().message());
  }
  return std::move(*result);
}

// Record batches of either format, one after another.
class Batches {
 public:
  explicit Batches(const fs::path& path) : path_(path) {
    input_ = value_of(arrow::io::ReadableFile::Open(path.string()), path);
    arrow::ipc::IpcReadOptions options = arrow::ipc::IpcReadOptions::Defaults();
    options.max_recursion_depth = kMaxDepth;
    options.use_threads = false;
    const auto magic = value_of(input_->ReadAt(0, 6), path);
    if (magic->ToString() == "ARROW1") {
      file_ = value_of(arrow::ipc::RecordBatchFileReader::Open(input_, options), path);
    } else {
      const arrow::Status sought = input_->Seek(0);
      if (!sought.ok()) {
        fail(path, sought.message());
      }
      stream_ = value_of(arrow::ipc::RecordBatchStreamReader::Open(input_, options), path);
    }
  }

  std::vector<std::string> column_names() const { return (file_ ? file_->schema() : stream_->schema())->field_names(); }

  std::shared_ptr<arrow::RecordBatch> next() {
    std::shared_ptr<arrow::RecordBatch> batch;
    if (file_) {
      if (number_ == file_->num_record_batches()) {
        return nullptr;
      }
      batch = value_of(file_->ReadRecordBatch(number_++), path_);
    } else {
      const arrow::Status status = stream_->ReadNext(&batch);
      if (!status.ok()) {
        fail(path_, status.message());
      }
    }
    if (batch == nullptr) {
      return nullptr;
    }
    batch = as_bytes(*batch);
    const arrow::Status valid = batch->ValidateFull();  // offsets come from the file as they are
    if (!valid.ok()) {
      fail(path_, valid.message());
    }
    // A batch of nulls or without columns may claim any number of rows; one that has a text has bytes for each.
    if (batch->num_rows() / 8 > arrow::util::TotalBufferSize(*batch)) {
      fail(path_, "a batch of " + std::to_string(batch->num_rows()) + " rows has no bytes for them");
    }
    return batch;
  }

 private:
  // Strings as bytes: one that is not UTF-8 is its own row's fault, not the batch's.
  std::shared_ptr<arrow::RecordBatch> as_bytes(const arrow::RecordBatch& batch) const {
    arrow::ArrayVector columns = batch.columns();
    arrow::FieldVector fields = batch.schema()->fields();
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto id = columns[i]->type_id();
      if (id == arrow::Type::STRING || id == arrow::Type::LARGE_STRING) {
        const auto bytes = id == arrow::Type::STRING ? arrow::binary() : arrow::large_binary();
        columns[i] = value_of(columns[i]->View(bytes), path_);
        fields[i] = fields[i]->WithType(bytes);
      }
    }
    return arrow::RecordBatch::Make(arrow::schema(fields), batch.num_rows(), columns);
  }

  fs::path path_;
  std::shared_ptr<arrow::io::ReadableFile> input_;
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> file_;
  std::shared_ptr<arrow::ipc::RecordBatchStreamReader> stream_;
  int number_ = 0;
};

}  // namespace

void read_arrow(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  read_table("damaged Arrow", rows, [&](uint64_t& rows_read) {
    try {
      Batches batches(input.path);
      ReaderRows table(batches.column_names(), options, rows);
      uint64_t first = 0;
      while (const auto batch = batches.next()) {
        for_each_json_row(*batch, first, input.begin, input.end, [&](uint64_t row, nlohmann::json&& object) {
          guarded([&] {
            rows.boundary(row);
            table.read(row, std::move(object));
          });
          rows_read = row + 1;
        });
        first += static_cast<uint64_t>(batch->num_rows());
      }
    } catch (const std::bad_alloc&) {
      fail(input.path, "it asks for more memory than there is");
    }
  });
}

}  // namespace athanor
