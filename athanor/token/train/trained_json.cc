#include "athanor/token/train/trained_json.h"

#include <algorithm>
#include <cstdio>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"

namespace athanor::token {

std::string byte_token(int byte) {
  char token[8];
  std::snprintf(token, sizeof token, "<0x%02X>", static_cast<unsigned>(byte));
  return token;
}

void check_special_tokens(const std::vector<std::string>& special_tokens, size_t least_characters) {
  std::vector<std::string_view> seen;
  for (const std::string& token : special_tokens) {
    if (!is_valid_utf8(token) || count_code_points(token) < least_characters) {
      throw Error(ErrorKind::kUsage, least_characters < 2
                                         ? "a special token must be UTF-8 text"
                                         : "a special token must be UTF-8 text of two characters or more");
    }
    if (std::find(seen.begin(), seen.end(), token) != seen.end()) {
      throw Error(ErrorKind::kUsage, "the special token '" + token + "' is given twice");
    }
    seen.push_back(token);
  }
}

Json trained_frame(const PieceSource& source, const std::vector<std::string>& special_tokens) {
  Json json = source.frame();
  Json added = Json::array();
  for (const std::string& content : special_tokens) {
    added.push_back(added_token_json(static_cast<int32_t>(added.size()), content));
  }
  json["added_tokens"] = std::move(added);
  return json;
}

Json metaspace_decoder(bool byte_fallback) {
  const char* const mark = "\xE2\x96\x81";
  if (!byte_fallback) {
    return {{"type", "Metaspace"}, {"replacement", mark}, {"prepend_scheme", "always"}, {"split", true}};
  }
  const Json steps = Json::array({{{"type", "Replace"}, {"pattern", {{"String", mark}}}, {"content", " "}},
                                  {{"type", "ByteFallback"}},
                                  {{"type", "Fuse"}},
                                  {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}});
  return {{"type", "Sequence"}, {"decoders", steps}};
}

}  // namespace athanor::token
