// TestRows of SQLite files; what PostgreSQL's side says without a server.
#include "athanor/data/sources/sql.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "athanor/data/collect/collect_parts.h"
#include "athanor/data/documents/documents.h"
#include "athanor/data/sources/source_unit.h"
#include "athanor/data/testing/test_postgres.h"
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

TestRows read(const std::string& spec, const std::string& query, SourceContext& context, const UnitPlace& from = {},
          const std::string& text_field = "body") {
  SourceSpec source{spec, "", query, {}};
  source.read.text_field = text_field;
  const ResolvedSource resolved = resolve_source(source, context);
  TestRows rows;
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
  const TestRows rows = read(spec, "SELECT * FROM t ORDER BY id", context);
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

class Postgres : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<LocalPostgres>(); }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    if (!server_->why_not().empty()) {
      GTEST_SKIP() << server_->why_not();
    }
  }
  SourceContext context() { return {dir_ / "cache", &digests_}; }

  static std::unique_ptr<LocalPostgres> server_;
  fs::path dir_ = scratch("postgres-rows");
  DigestCache digests_{dir_ / "digests.jsonl"};
};

std::unique_ptr<LocalPostgres> Postgres::server_;

TEST_F(Postgres, Rows) {
  SourceContext context = this->context();
  const std::string spec = server_->spec();
  const TestRows rows = read(spec,
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

// By its key a query is read in parts; stopped anywhere and read on by another process it gives the same bytes.
TEST_F(Postgres, AKeyCutsAQueryIntoParts) {
  ASSERT_TRUE(server_->execute("CREATE TABLE texts(key text PRIMARY KEY, body text); INSERT INTO texts SELECT md5(i::text), "
                               "repeat('text ' || i || ' ', 20) FROM generate_series(1, 3000) i"));
  SourceContext context = this->context();
  CollectJob job;
  SourceSpec spec{server_->spec(), "", "SELECT * FROM texts -- all of them", {}, "key"};
  spec.read.text_field = "body";
  job.sources = {resolve_source(spec, context)};
  job.part_bytes = 50'000;
  const auto collect = [&](const std::string& name, int64_t stop_at) {
    job.state = dir_ / name / "state";
    job.out = dir_ / name / "out";
    job.rejected = dir_ / name / "rejected";
    int64_t calls = 0;
    job.on_progress = [&](uint64_t, uint64_t, uint64_t) {
      if (++calls == stop_at) {
        throw Error(ErrorKind::kInterrupted, "stopped");
      }
    };
    return collect_documents(job, context);
  };
  EXPECT_EQ(collect("whole", -1).documents, 3000u);
  const Documents whole = Documents::open(dir_ / "whole/out");
  EXPECT_GT(whole.num_shards(), 5u);
  for (const int64_t stop_at : {3, 3, 2}) {
    EXPECT_EQ(error_of([&] { collect("broken", stop_at); }).kind(), ErrorKind::kInterrupted);
  }
  EXPECT_GT(std::distance(fs::directory_iterator(dir_ / "broken/state/parts"), fs::directory_iterator()), 2);
  collect("broken", -1);
  EXPECT_EQ(Documents::open(dir_ / "broken/out").ids(), whole.ids());
  for (const auto& entry : fs::directory_iterator(dir_ / "whole/out")) {
    EXPECT_EQ(read_file(entry.path()), read_file(dir_ / "broken/out" / entry.path().filename())) << entry.path();
  }
  const auto kind_of = [&](const std::string& query, const std::string& key) {
    spec.query = query;
    spec.query_key = key;
    job.sources = {resolve_source(spec, context)};
    return error_of([&] { collect("odd", -1); }).kind();
  };
  EXPECT_EQ(kind_of("SELECT body, 1 AS key FROM texts", "key"), ErrorKind::kInput) << "twice the same";
  EXPECT_EQ(kind_of("SELECT body, NULL AS key FROM texts", "key"), ErrorKind::kInput);
  EXPECT_EQ(kind_of("SELECT * FROM texts", "no\"such"), ErrorKind::kUsage);
}

}  // namespace
}  // namespace athanor
