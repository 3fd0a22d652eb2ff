#include "athanor/token/pipeline/fields.h"

#include <algorithm>
#include <string_view>

#include "athanor/base/unicode.h"

namespace athanor::token {

void refuse_other_fields(const Field& field, std::initializer_list<const char*> names) {
  for (const auto& [name, value] : field.object().items()) {
    const std::string_view wanted = name;
    if (wanted != "type" && std::find(names.begin(), names.end(), wanted) == names.end()) {
      Field(value, field.path() + "." + name, field.where()).fail("is not known to this type, so it has no meaning here");
    }
  }
}

char32_t read_character(const Field& field) {
  const std::string& text = field.string();
  if (count_code_points(text) != 1) {
    field.fail("must be one character, not " + json_string(text));
  }
  const char* p = text.data();
  return decode_utf8(p, p + text.size());
}

}  // namespace athanor::token
