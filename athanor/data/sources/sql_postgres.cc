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

void read_postgres(const std::string& spec, const std::string& query, const SqlRows& rows) {
  const std::string name = postgres_name(spec);
  const Connection connection = connect(spec, name);
  // The extended protocol takes one statement only.
  if (PQsendQueryParams(connection.get(), query.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 0 ||
      PQsetSingleRowMode(connection.get()) == 0) {
    throw Error(ErrorKind::kInput, "cannot send the query: " + one_line(PQerrorMessage(connection.get())), name);
  }
  uint64_t row = 0;
  bool begun = false;
  std::vector<std::string> names;
  while (true) {
    const Result result(PQgetResult(connection.get()), &PQclear);
    if (result == nullptr) {
      return;
    }
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK) {
      const std::string why = one_line(PQresultErrorMessage(result.get()));
      if (!begun && PQstatus(connection.get()) == CONNECTION_OK) {
        throw Error(ErrorKind::kUsage, "the query is wrong: " + why, name, "query= must be one SELECT");
      }
      throw Error(ErrorKind::kInput, "breaks off: " + why, name, "run the same command again");
    }
    if (!begun) {
      begun = true;
      for (int i = 0; i < PQnfields(result.get()); ++i) {
        names.emplace_back(PQfname(result.get(), i));
      }
      rows.on_columns(names);
    }
    if (status == PGRES_TUPLES_OK) {
      continue;
    }
    check_interrupt();
    nlohmann::json object = nlohmann::json::object();
    for (size_t i = 0; i < names.size(); ++i) {
      object[names[i]] = cell(result.get(), static_cast<int>(i));
    }
    rows.on_row(row, std::move(object));
    rows.on_read(row);
    ++row;
  }
}

}  // namespace athanor
