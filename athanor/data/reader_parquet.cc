// parquet: one row, one document. Offsets are row numbers.
#include <exception>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/data/parquet.h"
#include "athanor/data/reader_formats.h"

namespace athanor {

namespace {

// Carries an exception of the caller's functions through the Parquet reader, which must not take it for its own.
struct CallerFailed {
  std::exception_ptr exception;
};

std::string text_column(const ParquetFile& file, const ReadOptions& options, const std::string& source) {
  if (!options.text_field.empty() ? file.has_column(options.text_field) : file.has_column("text")) {
    return options.text_field.empty() ? "text" : options.text_field;
  }
  if (options.text_field.empty() && file.has_column("content")) {
    return "content";
  }
  std::string names;
  for (const std::string& name : file.column_names()) {
    names += (names.empty() ? "" : ", ") + name;
  }
  throw CallerFailed{std::make_exception_ptr(
      Error(ErrorKind::kInput, "has no column '" + (options.text_field.empty() ? "text" : options.text_field) + "'",
            source, "give text_field=NAME; its columns are: " + names.substr(0, 500)))};
}

void read_row(uint64_t row, nlohmann::json& object, const std::string& field, const RowSink& rows) {
  nlohmann::json value = std::move(object[field]);
  object.erase(field);
  if (value.is_null()) {
    rows.reject("no text field", row, "");
    return;
  }
  if (!value.is_string()) {
    rows.reject("text is not a string", row, value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  std::string text = std::move(value.get_ref<std::string&>());
  if (rows.check_utf8(text, row)) {
    rows.accept(std::move(text), row, row + 1,
                object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
}

}  // namespace

void read_parquet(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  uint64_t rows_read = 0;
  try {
    const ParquetFile file(input.path);
    const std::string field = text_column(file, options, input.source);
    file.for_each_row([&](uint64_t row, nlohmann::json&& object) {
      rows_read = row + 1;
      try {
        read_row(row, object, field, rows);
      } catch (...) {
        throw CallerFailed{std::current_exception()};
      }
    });
  } catch (const CallerFailed& failed) {
    std::rethrow_exception(failed.exception);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInput) {
      throw;
    }
    rows.reject("damaged Parquet", rows_read, error.message());
  }
}

}  // namespace athanor
