// Parts of a data set by hashing, so that a document keeps its part when others come or go.
//   const auto part = assign_split(documents.ids(), {0.98, 0.01, 0.01}, seed);
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace athanor {

enum class Part : uint8_t { kTrain = 0, kValid = 1, kTest = 2 };
const char* name_of(Part part);  // "train", "valid", "test"

struct SplitFractions {
  double train = 0.98, valid = 0.01, test = 0.01;  // each >= 0, sum 1 (within 1e-6)
};

// One part for each id. A unit is a document, or all documents with the same groups[i] (for example a
// cluster_id): a unit never lies in two parts. The part of a unit is where the hash of (seed, name) falls in
// [0, 1): it does not depend on the other units, save for this rule: with at least 3 units, and at least as many
// as there are parts with a fraction above 0, no such part is empty; an empty one takes, in the order test,
// valid, train, the unit whose hash is nearest to its interval from a part that has more than one unit (ties: the
// smaller name). Error(kUsage) for fractions that are not as above.
std::vector<Part> assign_split(std::span<const std::string> ids, const SplitFractions& fractions, uint64_t seed,
                               std::span<const std::string> groups = {});

}  // namespace athanor
