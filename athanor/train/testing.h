// What this room's tests share: a folder that goes away, and small token sets.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/base/rng.h"
#include "athanor/data/tokens/token_set.h"

namespace athanor::testing_train {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "athanor-train-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code code;
    fs::remove_all(path_, code);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

inline std::string document_id(uint64_t i) {
  char text[33];
  std::snprintf(text, sizeof text, "%032llx", static_cast<unsigned long long>(i));
  return text;
}

// Document i holds ids[i]; 3 bytes a token. end_of_text is the last id of the vocabulary (or -1).
inline TokenSet make_token_set(const fs::path& dir, const std::vector<std::vector<int32_t>>& documents,
                               int32_t vocab_size, bool end_of_text = true) {
  TokenSetWriter writer(dir, vocab_size, end_of_text ? vocab_size - 1 : -1, "test", 1000);
  for (size_t i = 0; i < documents.size(); ++i) {
    writer.add(document_id(i), documents[i], documents[i].size() * 3);
  }
  writer.finish();
  return TokenSet::open(dir);
}

// Text with something to learn: each document counts upwards from a random start, with a random stride of 1 or 2.
inline std::vector<std::vector<int32_t>> counting_documents(size_t num_documents, size_t length, int32_t vocab_size,
                                                            uint64_t seed) {
  Rng rng(seed);
  std::vector<std::vector<int32_t>> documents(num_documents);
  for (auto& document : documents) {
    const auto stride = static_cast<int32_t>(1 + rng.below(2));
    auto id = static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab_size - 1)));
    for (size_t i = 0; i < length; ++i) {
      document.push_back(id);
      id = (id + stride) % (vocab_size - 1);
    }
  }
  return documents;
}

}  // namespace athanor::testing_train
