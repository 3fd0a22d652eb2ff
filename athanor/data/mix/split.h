// Parts of a data set by a seeded hash: the same documents get the same parts in any order of the input.
//   const auto part = assign_split(documents.ids(), {0.98, 0.01, 0.01}, seed);
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

enum class Part : uint8_t { kTrain = 0, kValid = 1, kTest = 2 };
const char* name_of(Part part);  // "train", "valid", "test"

struct SplitFractions {
  double train = 0.98, valid = 0.01, test = 0.01;  // each >= 0, sum 1 (within 1e-6)
};

// A unit is a document, or all documents that stay together (of one cluster, say): a unit never lies in two parts. Units
// are told apart by a 64-bit hash of their names; two names with one hash would only stay together.
//
// kHash: the part is where the hash of (seed, unit) falls in [0, 1); it does not depend on the other units, save for
//   the rule below. A document keeps its part when others come or go.
// kFraction: in each stratum the units are put in the order of that hash and cut at the shares: each part of a stratum
//   has its share of the documents to within one unit (units of one document: a difference below one document). What
//   rounding owes a part is carried from stratum to stratum, so shares of the whole hold too when strata are small.
//
// The rule, for both: with at least 3 units, and at least as many as there are parts with a fraction above 0, no such
// part is empty; an empty one takes, in the order test, valid, train, the unit whose hash is nearest to its interval from a
// part that has more than one unit (ties: the smaller hash). With kHash it also holds for every stratum in which
// the part is due at least one unit.
//
// Memory: 24 bytes a document and 32 a unit (plus 16 a document where two groupings are joined).
enum class SplitBy : uint8_t { kHash, kFraction };

class Splitter {
 public:
  // Error(kUsage) for fractions that are not as above.
  Splitter(SplitBy by, const SplitFractions& fractions, uint64_t seed);

  // unit: a document's id, or the value of the column that groups it. also: a second grouping, empty for none; documents
  // that share either one stay together, and so do those that they share one with, and so on. stratum: may be empty.
  // A unit whose documents are of several strata is of the one that most of them have (ties: the smaller name).
  void add(std::string_view unit, std::string_view stratum = {}, std::string_view also = {});

  // One part for each add, in that order.
  std::vector<Part> finish();

  // After finish: units, and those of more than one document.
  uint64_t num_units() const { return num_units_; }
  uint64_t num_grouped() const { return num_grouped_; }
  // After finish: documents of each stratum in each part.
  using Counts = std::map<std::string, std::vector<uint64_t>>;
  const Counts& strata() const { return counts_; }

 private:
  struct Row {
    uint64_t unit;
    uint32_t stratum;
  };
  struct Unit;
  void join_groups();
  std::vector<Unit> collect_units() const;
  void cut_by_hash(std::vector<Unit>& units) const;
  void cut_by_shares(std::vector<Unit>& units) const;

  SplitBy by_;
  SplitFractions fractions_;
  uint64_t seed_;
  std::vector<Row> rows_;
  std::vector<uint64_t> also_;  // as long as rows_ when any document has a second grouping
  std::map<std::string, uint32_t, std::less<>> stratum_of_;
  uint64_t num_units_ = 0;
  uint64_t num_grouped_ = 0;
  Counts counts_;
};

// kHash over ids, with groups[i] as the units where groups are given.
std::vector<Part> assign_split(std::span<const std::string> ids, const SplitFractions& fractions, uint64_t seed,
                               std::span<const std::string> groups = {});

// How many different values (told apart by hashes) have documents in more than one part: 0 when the split holds.
class SideCheck {
 public:
  void add(std::string_view value, Part part);
  uint64_t count_on_both_sides();
  uint64_t num_values() const { return num_values_; }  // after counting

 private:
  std::vector<std::pair<uint64_t, Part>> seen_;
  uint64_t num_values_ = 0;
};

// Fewer different values than this may be strata; more is Error(kUsage).
inline constexpr size_t kMaxStrata = 100'000;

}  // namespace athanor
