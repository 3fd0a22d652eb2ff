// The documents that a message names: each once, in order of appearance, the first few by their ids and the rest counted.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_set>
#include <vector>

namespace athanor {

class DocumentNames {
 public:
  explicit DocumentNames(size_t most = 32) : most_(most) {}

  void add(const std::string& id) {
    if (seen_.insert(id).second && names_.size() < most_) {
      names_.push_back(id);
    }
  }

  // At most `most` ids, then "... and N more".
  std::vector<std::string> list() const {
    std::vector<std::string> all = names_;
    if (seen_.size() > names_.size()) {
      all.push_back("... and " + std::to_string(seen_.size() - names_.size()) + " more");
    }
    return all;
  }

 private:
  size_t most_;
  std::vector<std::string> names_;
  std::unordered_set<std::string> seen_;
};

}  // namespace athanor
