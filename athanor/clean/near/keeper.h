// The last step of find_duplicates: which row of each cluster stays.
#pragma once

#include <vector>

#include "athanor/clean/near/duplicates.h"
#include "athanor/clean/near/union_find.h"

namespace athanor {

// Rows with equal digests are one text; texts are numbered in the order of their digests.
struct TextTable {
  std::vector<uint32_t> text_of_row;
  std::vector<uint32_t> first_row;  // of each text
};

Duplicates choose_keepers(const PartSet& parts, const TextTable& texts, const UnionFind& clusters,
                          const DedupOptions& options);

}  // namespace athanor
