// Reading a tokenizer.json: a JSON value that knows its place, so that every complaint names the field.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "athanor/token/file/raw_parts.h"

namespace athanor::token {

using Json = nlohmann::json;

class Field {
 public:
  // where: the file; path: "model.vocab".
  Field(const Json& value, std::string path, const std::string& where)
      : value_(&value), path_(std::move(path)), where_(&where) {}
  // The root of a document whose large parts were left as text (raw_parts.h).
  Field(const Json& value, const std::string& where, const RawParts& parts)
      : value_(&value), where_(&where), parts_(&parts) {}

  const Json& value() const { return raw_ == nullptr ? *value_ : parsed(); }
  // What the value is in the file, when it was left as text.
  std::optional<std::string_view> raw() const {
    return raw_ == nullptr ? std::nullopt : std::optional<std::string_view>(raw_->text);
  }
  const std::string& path() const { return path_; }
  const std::string& where() const { return *where_; }

  // Error(kInput): "field 'model.vocab' <what>".
  [[noreturn]] void fail(const std::string& what, const std::string& hint = "") const;

  Field at(const char* name) const;                   // the field must be there
  std::optional<Field> find(const char* name) const;  // none when absent or null
  Field item(size_t index) const;                     // of a list, index < value().size()

  const Json& object() const;
  const Json& list() const;
  const std::string& string() const;
  int64_t integer(int64_t low, int64_t high) const;
  bool boolean() const;
  bool flag(const char* name, bool otherwise) const;  // optional boolean member

 private:
  Field member(const Json& value, const char* name) const;
  const Json& parsed() const;

  const Json* value_;
  std::string path_;
  const std::string* where_;  // outlives the field: all live within one load
  const RawParts* parts_ = nullptr;
  const RawValue* raw_ = nullptr;
};

// Parses text; Error(kInput) when it is not JSON, or nested deeper than 100 levels.
Json parse_json(std::string_view text, const std::string& where);

// "text" with JSON escapes and quotes; non-ASCII stays as it is.
std::string json_string(std::string_view text);

}  // namespace athanor::token
