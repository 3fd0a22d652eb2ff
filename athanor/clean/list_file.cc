#include "athanor/clean/list_file.h"

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/base/lower.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/words.h"

namespace athanor {

std::vector<std::string> read_list_file(const std::string& path) {
  const std::string content = read_file(path);
  if (const size_t bad = find_invalid_utf8(content); bad != std::string::npos) {
    throw Error(ErrorKind::kInput, "the list is not UTF-8 at byte " + std::to_string(bad), path,
                "save it as UTF-8, one entry a line");
  }
  std::vector<std::string> entries;
  std::string_view rest = content;
  if (rest.starts_with("\xEF\xBB\xBF")) {
    rest.remove_prefix(3);
  }
  for (const std::string_view line : split_lines(rest)) {
    const std::string_view entry = trim(line);
    if (!entry.empty() && entry.front() != '#') {
      entries.emplace_back(entry);
    }
  }
  return entries;
}

std::vector<std::string> read_lists(const nlohmann::json& options, const char* entries, const char* files) {
  auto all = options.at(entries).get<std::vector<std::string>>();
  for (const std::string path : options.at(files)) {
    for (std::string& entry : read_list_file(path)) {
      all.push_back(std::move(entry));
    }
  }
  return all;
}

std::string lower_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const char c = *p;
    if (static_cast<uint8_t>(c) < 0x80) {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
      ++p;
      continue;
    }
    const char* const start = p;
    bool valid;
    const char32_t code = decode_utf8(p, end, valid);
    const char32_t lower = valid ? to_lower(code) : code;
    if (valid && lower != code) {
      append_utf8(out, lower);
    } else {
      out.append(start, p);
    }
  }
  return out;
}

}  // namespace athanor
