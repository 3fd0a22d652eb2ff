// A strict scanner of JSON text (RFC 8259) that cuts an object into its fields and leaves their bytes as they are:
// what is not read passes through unchanged, numbers of any length too. Not simdjson: libparquet exports another
// version's symbols under the same names, and the two in one process crash.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace athanor {

struct JsonField {
  std::string_view key;    // between its quotes, escapes as written
  std::string_view value;  // raw, without white space around it
};

// The text must be valid UTF-8. True when it is one JSON value with nothing but white space around it: nesting up
// to kMaxJsonDepth, no lone surrogates, no number beyond a double's range.
bool is_json(std::string_view text);

// Fields in the order of the text, a key given twice twice. False (and no fields) when text is not a JSON object.
bool scan_json_object(std::string_view text, std::vector<JsonField>& fields);

// What stands between the quotes of a string that was scanned, escapes resolved, appended to out.
void unescape_json(std::string_view raw, std::string& out);

inline constexpr int kMaxJsonDepth = 256;

}  // namespace athanor
