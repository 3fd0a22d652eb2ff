#include <libpq-fe.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/base/interrupt.h"
#include "athanor/data/sources/sql.h"

namespace athanor {

namespace {

using Connection = std::unique_ptr<PGconn, void (*)(PGconn*)>;
using Result = std::unique_ptr<PGresult, void (*)(PGresult*)>;

// Types as PostgreSQL's catalogue numbers them.
enum : Oid { kBool = 16, kInt8 = 20, kInt2 = 21, kInt4 = 23, kJson = 114, kFloat4 = 700, kFloat8 = 701, kJsonb = 3802 };

// "postgres:" before a list of settings; a URI as libpq knows it.
std::string connection_string(const std::string& spec) {
  if (spec.starts_with("postgres://") || spec.starts_with("postgresql://")) {
    return spec;
  }
  return spec.substr(spec.find(':') + 1);
}

std::string one_line(std::string text) {
  text = text.substr(0, text.find('\n'));
  return text.empty() ? "an unnamed failure" : text;
}

nlohmann::json cell(const PGresult* result, int column) {
  if (PQgetisnull(result, 0, column)) {
    return nullptr;
  }
  const std::string text(PQgetvalue(result, 0, column), static_cast<size_t>(PQgetlength(result, 0, column)));
  switch (PQftype(result, column)) {
    case kBool:
      return text == "t";
    case kInt2:
    case kInt4:
    case kInt8:
      return static_cast<int64_t>(std::strtoll(text.c_str(), nullptr, 10));
    case kFloat4:
    case kFloat8: {
      const double value = std::strtod(text.c_str(), nullptr);
      return value - value == 0 ? nlohmann::json(value) : nlohmann::json(text);  // JSON has no infinity
    }
    case kJson:
    case kJsonb: {
      auto value = nlohmann::json::parse(text, nullptr, false);
      return value.is_discarded() ? nlohmann::json(text) : value;
    }
    default:
      return text;
  }
}

Connection connect(const std::string& spec, const std::string& name) {
  const std::string settings = connection_string(spec);
  const char* keys[] = {"dbname", "application_name", "client_encoding", "connect_timeout", "options", nullptr};
  const char* values[] = {settings.c_str(), "athanor", "UTF8", "15", "-c default_transaction_read_only=on", nullptr};
  Connection connection(PQconnectdbParams(keys, values, /*expand_dbname=*/1), &PQfinish);
  if (connection == nullptr || PQstatus(connection.get()) != CONNECTION_OK) {
    throw Error(ErrorKind::kInput,
                "cannot connect: " + one_line(connection == nullptr ? "" : PQerrorMessage(connection.get())), name,
                "check the address; the password comes from PGPASSWORD or ~/.pgpass");
  }
  const Result begun(PQexec(connection.get(), "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"), &PQclear);
  if (PQresultStatus(begun.get()) != PGRES_COMMAND_OK) {
    throw Error(ErrorKind::kInput, "refuses a transaction: " + one_line(PQerrorMessage(connection.get())), name);
  }
  return connection;
}

}  // namespace

std::string postgres_name(const std::string& spec) {
  char* why = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(connection_string(spec).c_str(), &why), &PQconninfoFree);
  if (options == nullptr) {
    PQfreemem(why);  // not shown: it may hold what was meant as a password
    throw Error(ErrorKind::kUsage, "is no connection of PostgreSQL", "postgres",
                "write postgres:host=db dbname=texts user=me, or postgres://me@db/texts");
  }
  std::string host, database;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    const std::string value = option->val == nullptr ? "" : option->val;
    if ((std::strcmp(option->keyword, "password") == 0 || std::strcmp(option->keyword, "sslpassword") == 0) &&
        !value.empty()) {
      throw Error(ErrorKind::kUsage, "holds a password, and recipes are kept and shown", "postgres",
                  "take it out; give it as PGPASSWORD or in ~/.pgpass");
    }
    if (std::strcmp(option->keyword, "host") == 0) {
      host = value;
    } else if (std::strcmp(option->keyword, "dbname") == 0) {
      database = value;
    }
  }
  return "postgres:" + host + "/" + database;
}

namespace {

// The statement, with its key in order and, when rows were read already, $1 for the last key.
std::string statement_of(const PostgresQuery& query) {
  if (query.key.empty()) {
    return query.query;
  }
  const size_t end = query.query.find_last_not_of(" \t\r\n;");
  std::string key = "\"";
  for (const char c : query.key) {
    key += c == '"' ? "\"\"" : std::string(1, c);
  }
  key += '"';
  return "SELECT * FROM (" + query.query.substr(0, end + 1) + "\n) AS athanor_rows " +
         (query.first_row > 0 ? "WHERE " + key + " > $1 " : "") + "ORDER BY " + key;
}

// One read of a query's rows.
class PostgresRows {
 public:
  PostgresRows(const std::string& spec, const PostgresQuery& query, const SqlRows& rows)
      : name_(postgres_name(spec)), query_(query), rows_(rows), connection_(connect(spec, name_)), last_key_(query.last_key),
        row_(query.first_row) {}

  void read() {
    send();
    while (const Result result = Result(PQgetResult(connection_.get()), &PQclear)) {
      const ExecStatusType status = PQresultStatus(result.get());
      if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK) {
        fail(result.get());
      }
      if (!begun_) {
        begin(result.get());
      }
      if (status == PGRES_SINGLE_TUPLE) {
        check_interrupt();
        hand_over(result.get());
      }
    }
  }

 private:
  void send() {
    const std::string statement = statement_of(query_);
    const char* values[] = {query_.last_key.c_str()};
    const int num_values = query_.first_row > 0 && !query_.key.empty() ? 1 : 0;
    // The extended protocol takes one statement only.
    if (PQsendQueryParams(connection_.get(), statement.c_str(), num_values, nullptr, values, nullptr, nullptr, 0) == 0 ||
        PQsetSingleRowMode(connection_.get()) == 0) {
      throw Error(ErrorKind::kInput, "cannot send the query: " + one_line(PQerrorMessage(connection_.get())), name_);
    }
  }

  [[noreturn]] void fail(const PGresult* result) const {
    const std::string why = one_line(PQresultErrorMessage(result));
    if (!begun_ && PQstatus(connection_.get()) == CONNECTION_OK) {
      throw Error(ErrorKind::kUsage, "the query is wrong: " + why, name_,
                  query_.key.empty() ? "query= must be one SELECT" : "query= must be one SELECT with the column of query_key");
    }
    throw Error(ErrorKind::kInput, "breaks off: " + why, name_, "run the same command again");
  }

  void begin(const PGresult* result) {
    begun_ = true;
    for (int i = 0; i < PQnfields(result); ++i) {
      names_.emplace_back(PQfname(result, i));
      key_column_ = names_.back() == query_.key ? i : key_column_;
    }
    rows_.on_columns(names_);
  }

  // The place before this row, for one who keys rows.
  void tell_place(const PGresult* result) {
    const std::string key(PQgetvalue(result, 0, key_column_), static_cast<size_t>(PQgetlength(result, 0, key_column_)));
    if (PQgetisnull(result, 0, key_column_) || (row_ > 0 && key == last_key_)) {
      throw Error(ErrorKind::kInput,
                  "row " + std::to_string(row_) + " has " +
                      (PQgetisnull(result, 0, key_column_) ? "no value" : "the same value as the one before") +
                      " in the column of query_key",
                  name_, "query_key must tell rows apart: a primary key");
    }
    if (row_ > query_.first_row && rows_.on_place) {
      rows_.on_place(row_, last_key_);
    }
    last_key_ = key;
  }

  void hand_over(const PGresult* result) {
    if (key_column_ >= 0) {
      tell_place(result);
    }
    nlohmann::json object = nlohmann::json::object();
    for (size_t i = 0; i < names_.size(); ++i) {
      object[names_[i]] = cell(result, static_cast<int>(i));
    }
    rows_.on_row(row_, std::move(object));
    rows_.on_read(row_);
    ++row_;
  }

  const std::string name_;
  const PostgresQuery& query_;
  const SqlRows& rows_;
  const Connection connection_;
  bool begun_ = false;
  std::vector<std::string> names_;
  int key_column_ = -1;
  std::string last_key_;
  uint64_t row_;
};

}  // namespace

void read_postgres(const std::string& spec, const PostgresQuery& query, const SqlRows& rows) {
  PostgresRows(spec, query, rows).read();
}

}  // namespace athanor
