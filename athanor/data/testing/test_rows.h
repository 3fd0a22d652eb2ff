// For tests: everything that a reader hands over.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "athanor/data/readers/readers.h"
#include "athanor/data/testing/test_scratch.h"

namespace athanor {

struct TestRows {
  std::vector<Document> documents;
  std::vector<Rejected> rejected;
  std::map<std::string, int> skipped;
  std::vector<std::string> notes;
  std::vector<std::pair<uint64_t, std::string>> boundaries;

  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const Document& document : documents) {
      all.push_back(document.text);
    }
    return all;
  }
  std::string reasons() const {
    std::string all;
    for (const Rejected& row : rejected) {
      all += (all.empty() ? "" : "|") + row.reason + "@" + std::to_string(row.offset);
    }
    return all;
  }
  ReadSink sink() {
    ReadSink sink;
    sink.on_document = [this](Document&& document) { documents.push_back(std::move(document)); };
    sink.on_rejected = [this](Rejected&& row) { rejected.push_back(std::move(row)); };
    sink.on_skipped = [this](const char* what) { ++skipped[what]; };
    sink.on_note = [this](const std::string& what) { notes.push_back(what); };
    sink.on_boundary = [this](uint64_t offset, std::string_view state) { boundaries.emplace_back(offset, state); };
    return sink;
  }
};

inline TestRows rows_of_path(const fs::path& path, const ReadOptions& options = {}) {
  TestRows rows;
  read_documents(path, "src/" + path.filename().string(), options, rows.sink());
  return rows;
}

inline TestRows rows_of(const std::string& name, const std::string& bytes, const ReadOptions& options = {}) {
  static const fs::path dir = scratch("rows");
  put_file(dir / name, bytes);
  return rows_of_path(dir / name, options);
}

}  // namespace athanor
