#include "athanor/data/tables/libsvm.h"

#include <charconv>
#include <cmath>

namespace athanor {

namespace {

std::string_view next_word(std::string_view& rest) {
  const size_t begin = rest.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) {
    rest = {};
    return {};
  }
  const size_t end = std::min(rest.find_first_of(" \t\r", begin), rest.size());
  const std::string_view word = rest.substr(begin, end - begin);
  rest.remove_prefix(end);
  return word;
}

bool finite_number(std::string_view word, double& value) {
  if (!word.empty() && word.front() == '+') {
    word.remove_prefix(1);
  }
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && end == word.data() + word.size() && std::isfinite(value);
}

bool is_label(std::string_view word) {
  while (true) {
    const size_t comma = word.find(',');
    double ignored = 0;
    if (!finite_number(word.substr(0, comma), ignored)) {
      return false;
    }
    if (comma == std::string_view::npos) {
      return true;
    }
    word.remove_prefix(comma + 1);
  }
}

const char* add_pair(std::string_view word, LibsvmRow& out) {
  const size_t colon = word.find(':');
  if (colon == std::string_view::npos) {
    return "not index:value";
  }
  uint32_t index = 0;
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + colon, index);
  if (error == std::errc::invalid_argument || end != word.data() + colon) {
    return "not index:value";
  }
  if (error != std::errc() || index > kMaxLibsvmIndex) {
    return "index out of range";
  }
  if (!finite_number(word.substr(colon + 1), value)) {
    return "value is no finite number";
  }
  if (!out.indices.empty() && index <= out.indices.back()) {
    return "indices not ascending";
  }
  out.indices.push_back(index);
  out.values.push_back(value);
  return nullptr;
}

}  // namespace

bool parse_libsvm_row(std::string_view line, LibsvmRow& out, const char*& reason) {
  out.label = {};
  out.query = {};
  out.indices.clear();
  out.values.clear();
  std::string_view rest = line.substr(0, line.find('#'));
  bool first = true;
  for (std::string_view word = next_word(rest); !word.empty();
       word = next_word(rest), first = false) {
    if (first && word.find(':') == std::string_view::npos) {
      if (!is_label(word)) {
        reason = "label is no number";
        return false;
      }
      out.label = word;
    } else if (word.starts_with("qid:") && out.indices.empty()) {
      out.query = word.substr(4);
    } else if (const char* problem = add_pair(word, out)) {
      reason = problem;
      return false;
    }
  }
  return true;
}

}  // namespace athanor
