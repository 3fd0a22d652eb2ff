// Real data for the tests of this room: ATHANOR_DATA, a folder.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/data/stream/line_reader.h"
#include "athanor/data/stream/stream.h"

namespace athanor::classic_test {

struct Labelled {
  std::string label;
  std::string text;
};

// Empty when the variable is not set.
inline fs::path data_dir() {
  const char* dir = std::getenv("ATHANOR_DATA");
  return dir == nullptr ? fs::path() : fs::path(dir);
}

inline fs::path scratch(const std::string& name) {
  const fs::path dir = fs::temp_directory_path() / ("athanor-classic-" + name + "-" + std::to_string(::getpid()));
  fs::remove_all(dir);
  fs::create_directories(dir);
  return dir;
}

// Lines of a file (perhaps compressed) as whole strings.
inline std::vector<std::string> read_lines(const fs::path& path) {
  const auto stream = open_stream(path);
  LineReader lines(*stream);
  Line line;
  std::vector<std::string> all;
  while (lines.next(line)) {
    all.emplace_back(line.text);
  }
  return all;
}

// langid/sentences.tsv.zst: label TAB sentence.
inline std::vector<Labelled> read_sentences(const fs::path& data) {
  std::vector<Labelled> rows;
  for (const auto& line : read_lines(data / "langid/sentences.tsv.zst")) {
    const size_t tab = line.find('\t');
    rows.push_back({line.substr(0, tab), line.substr(tab + 1)});
  }
  return rows;
}

}  // namespace athanor::classic_test
