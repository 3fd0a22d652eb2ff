// Sources of kind sqlite and postgres: the rows of one SELECT, read only, streamed. The text column becomes the text,
// the others go to meta. Offsets are row numbers.
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/data/readers/reader_rows.h"
#include "athanor/data/sources/source_kinds.h"
#include "athanor/data/sources/sql.h"

namespace athanor {

namespace {

std::string after_colon(const std::string& spec) { return spec.substr(spec.find(':') + 1); }

bool is_sqlite(const std::string& spec) { return spec.starts_with("sqlite:"); }

}  // namespace

ResolvedSource resolve_sql(const SourceSpec& spec, SourceContext& context) {
  ResolvedSource source;
  source.kind = SourceKind::kSql;
  source.spec = spec;
  if (spec.query.find_first_not_of(" \t\r\n;") == std::string::npos) {
    throw Error(ErrorKind::kUsage, "a database needs a query", is_sqlite(spec.spec) ? spec.spec : "postgres",
                "give query='SELECT id, text FROM documents ORDER BY id'");
  }
  if (is_sqlite(spec.spec) && !spec.query_key.empty()) {
    throw Error(ErrorKind::kUsage, "a SQLite file needs no query_key", spec.spec, "leave it out: the file's rows have one order");
  }
  if (!is_sqlite(spec.spec)) {
    const std::string name = postgres_name(spec.spec);
    source.pins.push_back({spec.as_of.empty() ? name : name + " as of " + spec.as_of, 0, ""});
    return source;
  }
  const fs::path path = after_colon(spec.spec);
  std::error_code code;
  const auto bytes = fs::file_size(path, code);
  if (code) {
    throw Error(ErrorKind::kInput, "cannot read the database: " + code.message(), path.string(), "check the path");
  }
  source.pins.push_back({"sqlite:" + path.filename().string(), bytes, "sha256:" + context.digests->file_digest(path)});
  const fs::path log = path.string() + "-wal";  // rows that are not in the file yet
  if (fs::is_regular_file(log, code) && fs::file_size(log, code) > 0) {
    source.pins.push_back({"sqlite:" + log.filename().string(), fs::file_size(log, code),
                           "sha256:" + context.digests->file_digest(log)});
  }
  return source;
}

std::vector<SourcePin> read_sql(const ResolvedSource& source, const UnitPlace& from, SourceContext&,
                                const UnitSink& sink) {
  const bool sqlite = is_sqlite(source.spec.spec);
  const std::string name = source.pins.at(0).name.substr(0, source.pins[0].name.find(" as of "));
  const ReadSink reader_sink{sink.on_document, sink.on_rejected, {}, {}, sink.on_skipped, sink.on_note};
  const ReadInput input{name};
  const RowSink rows(input, source.spec.read, reader_sink);
  std::optional<ReaderRows> table;
  SqlRows into;
  into.on_columns = [&](const std::vector<std::string>& columns) { table.emplace(columns, source.spec.read, rows); };
  into.on_row = [&](uint64_t row, nlohmann::json&& object) {
    guarded([&] {
      if (row < from.offset) {
        return;
      }
      // A file that is pinned gives its rows in one order; a server does so by a key only.
      if (sqlite && sink.on_boundary) {
        sink.on_boundary(row, [&] { return UnitPlace{0, row, "", {}}; });
      }
      table->read(row, std::move(object));
    });
  };
  if (sqlite) {
    read_table("damaged SQLite", rows, [&](uint64_t& rows_read) {
      into.on_read = [&](uint64_t row) { rows_read = row + 1; };
      read_sqlite(after_colon(source.spec.spec), source.spec.query, into);
    });
  } else {
    into.on_read = [](uint64_t) {};
    into.on_place = [&](uint64_t row, const std::string& last_key) {
      if (sink.on_boundary) {
        sink.on_boundary(row, [&] { return UnitPlace{0, row, last_key, {}}; });
      }
    };
    try {
      read_postgres(source.spec.spec, {source.spec.query, source.spec.query_key, from.state, from.offset}, into);  // a connection that is lost ends the run
    } catch (const CallerFailed& failed) {
      std::rethrow_exception(failed.exception);
    }
  }
  return source.pins;
}

}  // namespace athanor
