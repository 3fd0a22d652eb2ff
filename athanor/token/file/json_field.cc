#include "athanor/token/file/json_field.h"

#include "athanor/base/error.h"

namespace athanor::token {

namespace {

constexpr int kMaxDepth = 100;

// Nesting is bounded before parsing, since walking a JSON value takes stack.
size_t find_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      i += c == '\\' ? 1 : 0;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) {
        return i;
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return std::string_view::npos;
}

}  // namespace

void Field::fail(const std::string& what, const std::string& hint) const {
  throw Error(ErrorKind::kInput, "field '" + path_ + "' " + what, *where_, hint);
}

Field Field::at(const char* name) const {
  const Json& members = object();
  const auto found = members.find(name);
  if (found == members.end()) {
    const std::string path = path_.empty() ? name : path_ + "." + name;
    throw Error(ErrorKind::kInput, "field '" + path + "' is missing", *where_);
  }
  return member(*found, name);
}

std::optional<Field> Field::find(const char* name) const {
  const Json& members = object();
  const auto found = members.find(name);
  if (found == members.end() || found->is_null()) {
    return std::nullopt;
  }
  return member(*found, name);
}

Field Field::member(const Json& value, const char* name) const {
  Field field(value, path_.empty() ? name : path_ + "." + name, *where_);
  field.parts_ = parts_;
  if (parts_ != nullptr && !parts_->vocab.text.empty() && field.path_ == "model.vocab") {
    field.raw_ = &parts_->vocab;
  } else if (parts_ != nullptr && !parts_->merges.text.empty() && field.path_ == "model.merges") {
    field.raw_ = &parts_->merges;
  }
  return field;
}

const Json& Field::parsed() const {
  if (!raw_->parsed) {
    try {
      raw_->parsed = parse_json(raw_->text, *where_);
    } catch (const Error&) {
      parse_json(parts_->whole, *where_);  // for the offset in the file
      throw;
    }
  }
  return *raw_->parsed;
}

Field Field::item(size_t index) const {
  return Field(value()[index], path_ + "[" + std::to_string(index) + "]", *where_);
}

const Json& Field::object() const {
  const Json& json = value();
  if (!json.is_object()) {
    fail("must be an object");
  }
  return json;
}

const Json& Field::list() const {
  const Json& json = value();
  if (!json.is_array()) {
    fail("must be a list");
  }
  return json;
}

const std::string& Field::string() const {
  if (!value_->is_string()) {
    fail("must be a string");
  }
  return value_->get_ref<const std::string&>();
}

int64_t Field::integer(int64_t low, int64_t high) const {
  const bool too_large = value_->is_number_unsigned() && value_->get<uint64_t>() > uint64_t{INT64_MAX};
  if (!value_->is_number_integer() || too_large || value_->get<int64_t>() < low || value_->get<int64_t>() > high) {
    fail("must be an integer from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return value_->get<int64_t>();
}

bool Field::boolean() const {
  if (!value_->is_boolean()) {
    fail("must be true or false");
  }
  return value_->get<bool>();
}

bool Field::flag(const char* name, bool otherwise) const {
  const std::optional<Field> field = find(name);
  return field ? field->boolean() : otherwise;
}

Json parse_json(std::string_view text, const std::string& where) {
  if (const size_t at = find_too_deep(text); at != std::string_view::npos) {
    throw Error(ErrorKind::kInput, "JSON is nested deeper than " + std::to_string(kMaxDepth) + " levels at byte " +
                                       std::to_string(at), where);
  }
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw Error(ErrorKind::kInput, "is not valid JSON from byte " + std::to_string(error.byte) + " on", where,
                "the file may be cut off or damaged: get it again");
  } catch (const Json::exception&) {
    throw Error(ErrorKind::kInput, "is not valid JSON", where, "the file may be damaged: get it again");
  }
}

std::string json_string(std::string_view text) {
  return Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace athanor::token
