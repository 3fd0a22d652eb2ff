// Several signed parts as one sequence of rows, the held ones first.
#pragma once

#include <algorithm>
#include <vector>

#include "athanor/clean/near/signed_part.h"

namespace athanor {

class PartSet {
 public:
  static constexpr size_t kOpenFiles = 512;  // the parts after these are opened anew for every read

  PartSet(const std::vector<fs::path>& held, const std::vector<fs::path>& parts) {
    for (const std::vector<fs::path>* list : {&held, &parts}) {
      for (const fs::path& path : *list) {
        parts_.emplace_back(path, parts_.size() < kOpenFiles);
        first_row_.push_back(first_row_.back() + parts_.back().num_rows());
      }
      num_held_ = list == &held ? num_rows() : num_held_;
    }
  }

  uint64_t num_rows() const { return first_row_.back(); }
  uint64_t num_held() const { return num_held_; }
  const std::vector<SignedPart>& parts() const { return parts_; }
  uint64_t first_row(size_t part) const { return first_row_[part]; }

  // The part that holds a row, and its number there.
  std::pair<const SignedPart*, uint64_t> locate(uint64_t row) const {
    const auto after = std::upper_bound(first_row_.begin(), first_row_.end(), row);
    const size_t part = static_cast<size_t>(after - first_row_.begin()) - 1;
    return {&parts_[part], row - first_row_[part]};
  }
  std::string id(uint64_t row) const {
    const auto [part, at] = locate(row);
    return part->id(at);
  }
  // The same for rows that are asked for in order: a block of ids is read at once.
  const std::string& next_id(uint64_t row) {
    if (row < block_first_ || row >= block_first_ + block_.size()) {
      const auto [part, at] = locate(row);
      block_ = part->ids(at, std::min<uint64_t>(kBlock, part->num_rows() - at));
      block_first_ = row;
    }
    return block_[row - block_first_];
  }

 private:
  static constexpr uint64_t kBlock = 4096;

  std::vector<SignedPart> parts_;
  std::vector<uint64_t> first_row_{0};
  uint64_t num_held_ = 0;
  std::vector<std::string> block_;
  uint64_t block_first_ = 0;
};

}  // namespace athanor
