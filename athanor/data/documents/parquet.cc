#include "athanor/data/documents/parquet.h"

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/buffer.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <parquet/properties.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/data/documents/parquet_json.h"

namespace athanor {

namespace {

constexpr int kZstdLevel = 1;
constexpr int64_t kBatchRows = 1024;
constexpr int64_t kReadBufferBytes = 1 << 20;

// Arrow's messages may carry several lines; the first says it.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

[[noreturn]] void fail_read(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::kInput, "is not a whole Parquet file: " + first_line(why), path.string(),
              "make or download the file again; it may be truncated or damaged");
}

[[noreturn]] void fail_write(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::kResource, "cannot write: " + first_line(why), path.string(),
              "check the free space of the disk and run the same command again");
}

// Runs a step on a file that is read: statuses and exceptions both become Errors.
template <typename Fn>
auto reading(const fs::path& path, const Fn& fn) {
  try {
    return fn();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kResource, "needs more memory than there is", path.string(),
                "the file may be damaged; or split it into smaller row groups");
  } catch (const std::exception& error) {
    fail_read(path, error.what());
  }
}

void check_write(const arrow::Status& status, const fs::path& path) {
  if (!status.ok()) {
    fail_write(path, status.message());
  }
}

parquet::Compression::type arrow_codec(PageCodec codec) {
  return codec == PageCodec::kLz4      ? parquet::Compression::LZ4
         : codec == PageCodec::kSnappy ? parquet::Compression::SNAPPY
                                       : parquet::Compression::ZSTD;
}

std::shared_ptr<arrow::DataType> arrow_type(ColumnType type) {
  switch (type) {
    case ColumnType::kString:
      return arrow::utf8();
    case ColumnType::kInt64:
      return arrow::int64();
    case ColumnType::kFloat64:
      return arrow::float64();
  }
  return arrow::utf8();
}

template <typename Builder, typename Values>
std::shared_ptr<arrow::Array> build(const Values& values, const fs::path& path) {
  Builder builder;
  check_write(builder.AppendValues(values), path);
  std::shared_ptr<arrow::Array> array;
  check_write(builder.Finish(&array), path);
  return array;
}

std::shared_ptr<arrow::Array> to_arrow(const ColumnValues& values, const fs::path& path) {
  if (const auto* doubles = std::get_if<std::vector<double>>(&values)) {
    return build<arrow::DoubleBuilder>(*doubles, path);
  }
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&values)) {
    return build<arrow::Int64Builder>(*ints, path);
  }
  return build<arrow::StringBuilder>(std::get<std::vector<std::string>>(values), path);
}

}  // namespace

struct ParquetWriter::Impl {
  fs::path path;
  std::vector<ColumnInfo> columns;
  std::shared_ptr<arrow::io::FileOutputStream> sink;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
};

ParquetWriter::ParquetWriter(const fs::path& path, std::vector<ColumnInfo> columns, PageCodec pages)
    : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  impl_->columns = std::move(columns);
  auto sink = arrow::io::FileOutputStream::Open(path.string());
  check_write(sink.status(), path);
  impl_->sink = *sink;

  arrow::FieldVector fields;
  parquet::WriterProperties::Builder properties;
  properties.compression(arrow_codec(pages))->enable_page_checksum();
  if (pages == PageCodec::kZstd) {
    properties.compression_level(kZstdLevel);
  }
  properties.disable_dictionary()->disable_statistics();
  for (const ColumnInfo& column : impl_->columns) {
    fields.push_back(arrow::field(column.name, arrow_type(column.type), /*nullable=*/false));
    if (column.name == "source") {
      properties.enable_dictionary(column.name);
    }
  }
  auto writer = parquet::arrow::FileWriter::Open(*arrow::schema(fields), arrow::default_memory_pool(),
                                                 impl_->sink, properties.build());
  check_write(writer.status(), path);
  impl_->writer = std::move(*writer);
}

ParquetWriter::~ParquetWriter() = default;
ParquetWriter::ParquetWriter(ParquetWriter&&) noexcept = default;

void ParquetWriter::write_row_group(const std::vector<ColumnValues>& columns) {
  if (columns.size() != impl_->columns.size()) {
    throw Error(ErrorKind::kInternal, "a row group with a wrong number of columns", impl_->path.string());
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    if (type_of(columns[i]) != impl_->columns[i].type || size_of(columns[i]) != size_of(columns[0])) {
      throw Error(ErrorKind::kInternal, "column '" + impl_->columns[i].name + "' has a wrong type or length",
                  impl_->path.string());
    }
  }
  try {
    check_write(impl_->writer->NewRowGroup(), impl_->path);
    for (const ColumnValues& values : columns) {
      check_write(impl_->writer->WriteColumnChunk(*to_arrow(values, impl_->path)), impl_->path);
    }
  } catch (const parquet::ParquetException& error) {
    fail_write(impl_->path, error.what());
  }
}

void ParquetWriter::write_row_group(const std::vector<ColumnRef>& columns) {
  try {
    check_write(impl_->writer->NewRowGroup(), impl_->path);
    for (const ColumnRef& column : columns) {
      std::shared_ptr<arrow::Array> array;
      if (const auto* strings = std::get_if<const PackedStrings*>(&column)) {
        array = std::make_shared<arrow::StringArray>(static_cast<int64_t>((*strings)->size()),
                                                     arrow::Buffer::Wrap((*strings)->offsets),
                                                     std::make_shared<arrow::Buffer>((*strings)->bytes));
      } else {
        const auto& numbers = *std::get<const std::vector<int64_t>*>(column);
        array = std::make_shared<arrow::Int64Array>(static_cast<int64_t>(numbers.size()), arrow::Buffer::Wrap(numbers));
      }
      check_write(impl_->writer->WriteColumnChunk(*array), impl_->path);
    }
  } catch (const parquet::ParquetException& error) {
    fail_write(impl_->path, error.what());
  }
}

void ParquetWriter::finish() {
  try {
    check_write(impl_->writer->Close(), impl_->path);
    check_write(impl_->sink->Close(), impl_->path);
  } catch (const parquet::ParquetException& error) {
    fail_write(impl_->path, error.what());
  }
  fsync_path(impl_->path);
}

struct ParquetFile::Impl {
  fs::path path;
  std::unique_ptr<parquet::arrow::FileReader> reader;
  std::shared_ptr<arrow::Schema> schema;
  std::vector<std::string> names;
  uint64_t num_rows = 0;

  std::vector<int> all_groups() const {
    std::vector<int> groups(static_cast<size_t>(reader->num_row_groups()));
    std::iota(groups.begin(), groups.end(), 0);
    return groups;
  }

  // Batches of the leaf columns (all when empty), of those row groups, whose first row has that number.
  void for_each_record_batch(const std::vector<int>& leaves, const std::vector<int>& groups, uint64_t first_row,
                             uint64_t end_row,
                             const std::function<void(uint64_t, const arrow::RecordBatch&)>& fn) const {
    auto batches = leaves.empty() ? reader->GetRecordBatchReader(groups)
                                  : reader->GetRecordBatchReader(groups, leaves);
    if (!batches.ok()) {
      fail_read(path, batches.status().message());
    }
    uint64_t row = first_row;
    while (true) {
      std::shared_ptr<arrow::RecordBatch> batch;
      const arrow::Status status = (*batches)->ReadNext(&batch);
      if (!status.ok()) {
        fail_read(path, status.message());
      }
      if (batch == nullptr) {
        break;
      }
      const arrow::Status valid = batch->Validate();
      if (!valid.ok()) {
        fail_read(path, valid.message());
      }
      fn(row, *batch);
      row += static_cast<uint64_t>(batch->num_rows());
    }
    if (row != end_row) {
      fail_read(path, "the footer promises " + std::to_string(end_row - first_row) + " rows, but " +
                          std::to_string(row - first_row) + " are there");
    }
  }
};

ParquetFile::ParquetFile(const fs::path& path) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  std::error_code code;
  if (!fs::is_regular_file(path, code)) {
    throw Error(ErrorKind::kInput, "no such file", path.string(), "check the path");
  }
  reading(path, [&] {
    parquet::ReaderProperties properties;
    properties.enable_buffered_stream();
    properties.set_buffer_size(kReadBufferBytes);
    properties.set_page_checksum_verification(true);
    parquet::ArrowReaderProperties arrow_properties;
    arrow_properties.set_batch_size(kBatchRows);
    arrow_properties.set_pre_buffer(false);
    parquet::arrow::FileReaderBuilder builder;
    const arrow::Status opened = builder.OpenFile(path.string(), /*memory_map=*/false, properties);
    if (!opened.ok()) {
      fail_read(path, opened.message());
    }
    auto reader = builder.properties(arrow_properties)->Build();
    if (!reader.ok()) {
      fail_read(path, reader.status().message());
    }
    impl_->reader = std::move(*reader);
    const arrow::Status schema = impl_->reader->GetSchema(&impl_->schema);
    if (!schema.ok()) {
      fail_read(path, schema.message());
    }
    const int64_t rows = impl_->reader->parquet_reader()->metadata()->num_rows();
    if (rows < 0) {
      fail_read(path, "a negative number of rows");
    }
    impl_->num_rows = static_cast<uint64_t>(rows);
    impl_->names = impl_->schema->field_names();
  });
}

ParquetFile::~ParquetFile() = default;
ParquetFile::ParquetFile(ParquetFile&&) noexcept = default;

uint64_t ParquetFile::num_rows() const { return impl_->num_rows; }
const std::vector<std::string>& ParquetFile::column_names() const { return impl_->names; }
bool ParquetFile::has_column(std::string_view name) const {
  return std::find(impl_->names.begin(), impl_->names.end(), name) != impl_->names.end();
}

namespace {

template <typename Array, typename Value>
std::vector<Value> copy_numbers(const arrow::Array& array) {
  const auto& typed = static_cast<const Array&>(array);
  return std::vector<Value>(typed.raw_values(), typed.raw_values() + typed.length());
}

ColumnValues from_arrow(const arrow::Array& array, const ColumnInfo& wanted, const fs::path& path) {
  if (array.null_count() != 0 || array.type_id() != arrow_type(wanted.type)->id()) {
    throw Error(ErrorKind::kInput,
                "column '" + wanted.name + "' is not of type " + name_of(wanted.type) + " without nulls",
                path.string(), "the shard was not written by this program; collect the data again");
  }
  switch (wanted.type) {
    case ColumnType::kFloat64:
      return copy_numbers<arrow::DoubleArray, double>(array);
    case ColumnType::kInt64:
      return copy_numbers<arrow::Int64Array, int64_t>(array);
    case ColumnType::kString:
      break;
  }
  const auto& strings = static_cast<const arrow::StringArray&>(array);
  std::vector<std::string> values;
  values.reserve(static_cast<size_t>(strings.length()));
  for (int64_t i = 0; i < strings.length(); ++i) {
    values.emplace_back(strings.GetView(i));
  }
  return values;
}

}  // namespace

void ParquetFile::for_each_batch(const std::vector<ColumnInfo>& wanted, const BatchFn& fn) const {
  std::vector<int> leaves;
  for (const ColumnInfo& column : wanted) {
    const int leaf = impl_->reader->parquet_reader()->metadata()->schema()->ColumnIndex(column.name);
    if (leaf < 0 || !has_column(column.name)) {
      throw Error(ErrorKind::kInput, "has no column '" + column.name + "'", impl_->path.string(),
                  "the shard was not written by this program; collect the data again");
    }
    leaves.push_back(leaf);
  }
  if (wanted.empty()) {
    return;
  }
  reading(impl_->path, [&] {
    const auto groups = impl_->all_groups();
    impl_->for_each_record_batch(leaves, groups, 0, impl_->num_rows, [&](uint64_t row, const arrow::RecordBatch& batch) {
      std::vector<ColumnValues> columns;
      for (const ColumnInfo& column : wanted) {
        const auto array = batch.GetColumnByName(column.name);
        if (array == nullptr) {
          fail_read(impl_->path, "column '" + column.name + "' is twice in the file");
        }
        columns.push_back(from_arrow(*array, column, impl_->path));
      }
      fn(row, std::move(columns));
    });
  });
}

std::vector<ParquetFile::RowGroup> ParquetFile::row_groups() const {
  return reading(impl_->path, [&] {
    std::vector<RowGroup> groups;
    const auto metadata = impl_->reader->parquet_reader()->metadata();
    for (const int group : impl_->all_groups()) {
      const auto info = metadata->RowGroup(group);
      groups.push_back({static_cast<uint64_t>(std::max<int64_t>(info->num_rows(), 0)),
                        static_cast<uint64_t>(std::max<int64_t>(info->total_byte_size(), 0))});
    }
    return groups;
  });
}

void ParquetFile::for_each_row(const RowFn& fn, uint64_t begin, uint64_t end) const {
  std::vector<int> wanted;
  uint64_t row = 0, first = 0, last = 0;
  const std::vector<RowGroup> groups = row_groups();
  for (size_t i = 0; i < groups.size(); ++i) {
    if (row < end && row + groups[i].rows > begin) {
      first = wanted.empty() ? row : first;
      last = row + groups[i].rows;
      wanted.push_back(static_cast<int>(i));
    }
    row += groups[i].rows;
  }
  if (wanted.empty()) {
    return;
  }
  reading(impl_->path, [&] {
    impl_->for_each_record_batch({}, wanted, first, last, [&](uint64_t batch_first, const arrow::RecordBatch& batch) {
      for_each_json_row(batch, batch_first, begin, end, fn);
    });
  });
}

}  // namespace athanor
