#include "athanor/data/readers/charset.h"

#include <iconv.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

namespace athanor {

std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset) {
  std::string name;
  for (const char c : charset) {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' || c == ':') {
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (c != ' ') {
      return std::nullopt;  // also "//TRANSLIT" and the like
    }
  }
  if (name.empty() || name == "utf-8" || name == "utf8" || name == "us-ascii" || name == "ascii") {
    return std::string(bytes);
  }
  if (name == "iso-8859-1" || name == "latin1") {
    name = "windows-1252";  // what the web and mail mean by it (WHATWG Encoding)
  } else if (name == "gb2312" || name == "gbk") {
    name = "gb18030";
  }
  const iconv_t converter = iconv_open("UTF-8", name.c_str());
  if (converter == reinterpret_cast<iconv_t>(-1)) {
    return std::nullopt;
  }
  std::string out;
  char block[4096];
  char* in = const_cast<char*>(bytes.data());
  size_t left = bytes.size();
  while (left > 0) {
    char* to = block;
    size_t room = sizeof block;
    const size_t code = iconv(converter, &in, &left, &to, &room);
    out.append(block, sizeof block - room);
    if (code == static_cast<size_t>(-1) && errno != E2BIG) {
      out += "\xef\xbf\xbd";
      ++in;
      --left;
      iconv(converter, nullptr, nullptr, nullptr, nullptr);
    }
  }
  iconv_close(converter);
  return out;
}

const char* likely_charset(std::string_view bytes) {
  size_t pairs = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    if (lead < 0x80) {
      continue;
    }
    const auto trail = static_cast<unsigned char>(i + 1 < bytes.size() ? bytes[i + 1] : 0);
    if (lead < 0xb0 || lead > 0xf7 || trail < 0xa1) {  // the characters of GB 2312
      return "WINDOWS-1252";
    }
    ++pairs;
    ++i;
  }
  return pairs > 0 ? "GB18030" : "WINDOWS-1252";
}

}  // namespace athanor
