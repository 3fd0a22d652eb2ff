// Rows of LIBSVM (svmlight) files: `label index:value index:value ... # comment`. The label is a
// number, or several with commas between them (multi-label), `qid:N` may follow. Source: the README
// of LIBSVM, "Installation and Data Format".
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace athanor {

struct LibsvmRow {
  std::string_view label;         // as written; empty: none
  std::string_view query;         // of qid:; empty: none
  std::vector<uint32_t> indices;  // as written (files count from 1 or from 0), ascending
  std::vector<double> values;     // finite
};

inline constexpr uint32_t kMaxLibsvmIndex = 1u << 30;

// False with a short reason: "label is no number", "not index:value", "index out of range",
// "indices not ascending", "value is no finite number". out is cleared first.
bool parse_libsvm_row(std::string_view line, LibsvmRow& out, const char*& reason);

}  // namespace athanor
