// Rows of SQLite files; what PostgreSQL's side says without a server.
#include "athanor/data/sources/sql.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "athanor/data/sources/source_unit.h"
#include "athanor/data/testing/test_rows.h"

namespace athanor {
namespace {

fs::path make_database(const fs::path& path) {
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database,
                         "CREATE TABLE t(id INTEGER, body TEXT, score REAL, extra);"
                         "INSERT INTO t VALUES (1, 'one', 0.5, NULL), (2, 'two', 1, 'x'), (3, NULL, 2, 'y'),"
                         "(4, CAST(x'62ff' AS TEXT), 3, 'z'), (5, '', 3, 'z');",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(database);
  return path;
}

Rows read(const std::string& spec, const std::string& query, SourceContext& context, const UnitPlace& from = {},
          const std::string& text_field = "body") {
  SourceSpec source{spec, "", query, {}};
  source.read.text_field = text_field;
  const ResolvedSource resolved = resolve_source(source, context);
  Rows rows;
  UnitSink sink;
  sink.on_document = [&](Document&& document) { rows.documents.push_back(std::move(document)); };
  sink.on_rejected = [&](Rejected&& row) { rows.rejected.push_back(std::move(row)); };
  sink.on_boundary = [&](uint64_t offset, const std::function<UnitPlace()>&) { rows.boundaries.emplace_back(offset, ""); };
  read_unit(resolved, {}, from, context, sink);
  return rows;
}

TEST(Sql, SqliteRows) {
  const fs::path dir = scratch("sql");
  const std::string spec = "sqlite:" + make_database(dir / "a.db").string();
  DigestCache digests(dir / "digests.jsonl");
  SourceContext context{dir / "cache", &digests};
  const Rows rows = read(spec, "SELECT * FROM t ORDER BY id", context);
  EXPECT_EQ(rows.texts(), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(rows.documents[0].meta, R"({"extra":null,"id":1,"score":0.5})");
  EXPECT_EQ(rows.documents[0].source, "sqlite:a.db");
  EXPECT_EQ(rows.documents[1].span_begin, 1u);
  EXPECT_EQ(rows.reasons(), "no text field@2|invalid UTF-8@4|empty@4");
  EXPECT_EQ(read(spec, "SELECT * FROM t ORDER BY id", context, UnitPlace{0, 1, "", {}}).texts(),
            std::vector<std::string>{"two"});
  EXPECT_EQ(read(spec, "SELECT id FROM t", context).rejected.size(), 5u) << "no such column: each row is told";
  for (const char* bad : {"SELECT nothing FROM t", "DELETE FROM t", "SELECT 1; SELECT 2", "", "ATTACH 'x' AS y"}) {
    EXPECT_EQ(error_of([&] { read(spec, bad, context); }).kind(), ErrorKind::kUsage) << bad;
  }
  EXPECT_EQ(error_of([&] { read("sqlite:" + (dir / "none.db").string(), "SELECT 1", context); }).kind(), ErrorKind::kInput);
  const std::string good = read_file(dir / "a.db");
  for (size_t cut = 0; cut < good.size(); cut += 512) {
    put_file(dir / "a.db", good.substr(0, cut) + std::string(cut % 1024, 'x'));
    try {
      read(spec, "SELECT * FROM t ORDER BY id", context);
    } catch (const Error& error) {
      EXPECT_NE(error.kind(), ErrorKind::kInternal) << error.what();
    }
  }
}

TEST(Sql, PostgresWithoutAServer) {
  DigestCache digests(scratch("postgres") / "digests.jsonl");
  SourceContext context{scratch("postgres-cache"), &digests};
  EXPECT_EQ(postgres_name("postgres://me@db.example.org:5433/texts?sslmode=require"), "postgres:db.example.org/texts");
  EXPECT_EQ(postgres_name("postgres:host=h dbname=d user=u"), "postgres:h/d");
  for (const char* secret : {"postgres://me:hunter2@h/d", "postgres:host=h password=hunter2"}) {
    const Error error = error_of([&] { read(secret, "SELECT 1", context); });
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_EQ((error.message() + error.where() + error.hint()).find("hunter2"), std::string::npos);
  }
  EXPECT_EQ(error_of([&] { postgres_name("postgres:host"); }).kind(), ErrorKind::kUsage);
  EXPECT_EQ(error_of([&] { read("postgres:host=127.0.0.1 port=1 dbname=d", "SELECT 1", context); }).kind(),
            ErrorKind::kInput);
}

// By hand, with a server: ATHANOR_POSTGRES="host=/tmp/pg dbname=postgres" data_tests --gtest_filter=Sql.Postgres*
TEST(Sql, PostgresRows) {
  const char* server = std::getenv("ATHANOR_POSTGRES");
  if (server == nullptr) {
    GTEST_SKIP() << "ATHANOR_POSTGRES is not set";
  }
  DigestCache digests(scratch("postgres-rows") / "digests.jsonl");
  SourceContext context{scratch("postgres-rows-cache"), &digests};
  const std::string spec = std::string("postgres:") + server;
  const Rows rows = read(spec,
                         "SELECT i AS id, 'text ' || i AS body, i * 0.5::float8 AS f, i % 2 = 0 AS even, "
                         "'{\"a\":[1]}'::jsonb AS j, NULL AS n FROM generate_series(1, 20000) i",
                         context);
  EXPECT_EQ(rows.documents.size(), 20000u);
  EXPECT_EQ(rows.documents[1].meta, R"({"even":true,"f":1.0,"id":2,"j":{"a":[1]},"n":null})");
  EXPECT_TRUE(rows.boundaries.empty());
  for (const char* bad : {"CREATE TABLE x(i int)", "SELECT 1; SELECT 2", "SELECT nothing"}) {
    EXPECT_EQ(error_of([&] { read(spec, bad, context); }).kind(), ErrorKind::kUsage) << bad;
  }
  EXPECT_EQ(error_of([&] { read(spec, "SELECT 1 / (500 - i) AS body FROM generate_series(1, 1000) i", context); }).kind(),
            ErrorKind::kInput);
}

}  // namespace
}  // namespace athanor
