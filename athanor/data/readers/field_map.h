// Which fields of a record become the text, and which its meta: `fields: {text: [title, body], id: post.id}`.
// A path names a key, or a key in an object in it with dots between them; a key that holds dots itself is found first.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "athanor/data/readers/json_scan.h"

namespace athanor {

struct FieldMap {
  std::vector<std::string> text;  // paths; those that are there are joined by a blank line,
                                  // a list of strings by line ends
  std::vector<std::pair<std::string, std::string>> meta;  // (name in meta, path); empty: all that is not the text

  bool empty() const { return text.empty(); }
  // text: "*": a record without a text of its own. All its fields are in meta, and as lines "name: value" in the text.
  bool all() const { return text.size() == 1 && text[0] == "*"; }
};

// From the recipe's map: "text" is a path or a list of paths and must be there; every other key is a name in meta with
// its path. null or {} gives an empty map. Error(kUsage) says what is wrong.
FieldMap parse_field_map(const nlohmann::json& map);

// The value at the path in a record that is JSON already; nullptr when there is none.
const nlohmann::json* find_path(const nlohmann::json& object, std::string_view path);

// What a map makes of a record.
struct MappedRecord {
  std::string text;
  std::string meta;               // a JSON object
  const char* problem = nullptr;  // "no text field", "text is not a string"
};

// `fields` are those of the record as scan_json_object gives them (its text valid UTF-8).
MappedRecord apply_map(const FieldMap& map, const std::vector<JsonField>& fields);
// Strings of the object may be any bytes; in meta they are made valid UTF-8, the text is left as it is.
MappedRecord apply_map(const FieldMap& map, const nlohmann::json& object);

}  // namespace athanor
