#include "athanor/data/mix/split.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/hash.h"
#include "athanor/base/rng.h"

namespace athanor {

namespace {

constexpr size_t kNumParts = 3;
// The seed of the hashes that the check uses: others than the split's own.
constexpr uint64_t kCheckSeed = 0x5157c0de;
// In the order of the hash: test, train, valid. So valid and test lie at the two ends, and each keeps its documents when
// only the other grows.
constexpr std::array<size_t, kNumParts> kHashOrder{2, 0, 1};

struct Interval {
  double begin, end;
  bool holds(double x) const { return x >= begin && x < end; }
  bool empty() const { return !(end > begin); }
  double distance(double x) const { return x < begin ? begin - x : x >= end ? x - end : 0.0; }
};

using Intervals = std::array<Interval, kNumParts>;

Intervals intervals(const SplitFractions& fractions) {
  return {Interval{fractions.test, 1.0 - fractions.valid}, Interval{1.0 - fractions.valid, 1.0},
          Interval{0.0, fractions.test}};
}

void check_fractions(const SplitFractions& fractions) {
  for (const double part : {fractions.train, fractions.valid, fractions.test}) {
    if (!(part >= 0.0 && part <= 1.0)) {
      throw Error(ErrorKind::kUsage, "each fraction of a split lies between 0 and 1", "split");
    }
  }
  if (std::abs(fractions.train + fractions.valid + fractions.test - 1.0) > 1e-6) {
    throw Error(ErrorKind::kUsage, "the fractions of a split must sum to 1", "split",
                "for example train: 0.98, valid: 0.01, test: 0.01");
  }
}

double place_of(uint64_t unit) { return to_unit(mix64(unit)); }

}  // namespace

struct Splitter::Unit {
  uint64_t name;      // its hash
  uint64_t rows;
  uint32_t stratum;
  uint8_t part;
};

namespace {

template <class U>
size_t part_by_hash(const U& unit, const Intervals& spans) {
  const double place = place_of(unit.name);
  size_t part = 0;
  for (size_t i = 1; i < kNumParts; ++i) {
    part = spans[i].holds(place) ? i : part;
  }
  if (part == 0 && spans[0].empty()) {
    part = place < spans[2].end ? 2 : 1;  // rounding at the seam of two parts without a third
  }
  return part;
}

// Units are sorted by name. wanted: which parts must not be empty.
template <class U>
void fill_empty_parts(std::span<U*> units, const Intervals& spans, const std::array<bool, kNumParts>& wanted) {
  std::array<size_t, kNumParts> counts = {};
  for (const U* unit : units) {
    ++counts[unit->part];
  }
  for (const size_t part : {size_t{2}, size_t{1}, size_t{0}}) {
    if (counts[part] > 0 || !wanted[part]) {
      continue;
    }
    U* nearest = nullptr;
    for (U* unit : units) {
      if (counts[unit->part] > 1 && (nearest == nullptr || spans[part].distance(place_of(unit->name)) <
                                                               spans[part].distance(place_of(nearest->name)))) {
        nearest = unit;
      }
    }
    if (nearest != nullptr) {
      --counts[nearest->part];
      nearest->part = static_cast<uint8_t>(part);
      ++counts[part];
    }
  }
}

template <class U>
std::vector<U*> pointers_to(std::vector<U>& units) {
  std::vector<U*> pointers;
  pointers.reserve(units.size());
  for (U& unit : units) {
    pointers.push_back(&unit);
  }
  return pointers;
}

// Whole numbers of `rows` rows for the parts, each its target rounded up or down. owed: what earlier rounding left.
std::array<uint64_t, kNumParts> quotas(uint64_t rows, const std::array<double, kNumParts>& fractions,
                                       std::array<double, kNumParts>& owed) {
  std::array<uint64_t, kNumParts> quota = {};
  std::array<double, kNumParts> claim = {};  // to one more
  uint64_t left = rows;
  for (size_t i = 0; i < kNumParts; ++i) {
    const double target = static_cast<double>(rows) * fractions[i];
    const double whole = std::min(std::floor(target + 1e-9), static_cast<double>(left));
    quota[i] = static_cast<uint64_t>(whole);
    left -= quota[i];
    claim[i] = target - whole > 1e-9 ? target - whole + owed[i] : -1e300;  // a whole target stays as it is
    owed[i] += target - whole;
  }
  while (left > 0) {
    const size_t best = static_cast<size_t>(std::max_element(claim.begin(), claim.end()) - claim.begin());
    const size_t part = claim[best] > -1e299 ? best : 0;
    ++quota[part];
    owed[part] -= 1;
    claim[part] = -1e300;
    --left;
  }
  return quota;
}

}  // namespace

const char* name_of(Part part) {
  constexpr const char* kNames[] = {"train", "valid", "test"};
  return kNames[static_cast<size_t>(part)];
}

Splitter::Splitter(SplitBy by, const SplitFractions& fractions, uint64_t seed)
    : by_(by), fractions_(fractions), seed_(seed) {
  check_fractions(fractions);
}

void Splitter::add(std::string_view unit, std::string_view stratum, std::string_view also) {
  auto found = stratum_of_.find(stratum);
  if (found == stratum_of_.end()) {
    if (stratum_of_.size() >= kMaxStrata) {
      throw Error(ErrorKind::kUsage, "the column to stratify by has more than " + std::to_string(kMaxStrata) + " values",
                  "split.stratify", "name a column with few values, such as a language");
    }
    found = stratum_of_.emplace(std::string(stratum), static_cast<uint32_t>(stratum_of_.size())).first;
  }
  rows_.push_back({xxh3_64(unit, seed_), found->second});
  if (!also.empty() || !also_.empty()) {
    also_.resize(rows_.size() - 1, 0);
    also_.push_back(also.empty() ? 0 : xxh3_64(also, seed_ + 1));
  }
}

// Documents that share a value of either grouping get one unit: the smallest hash of those they had.
void Splitter::join_groups() {
  if (also_.empty()) {
    return;
  }
  also_.resize(rows_.size(), 0);
  std::vector<uint64_t> names;  // of units
  for (const Row& row : rows_) {
    names.push_back(row.unit);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const auto index_of = [&](uint64_t name) {
    return static_cast<uint64_t>(std::lower_bound(names.begin(), names.end(), name) - names.begin());
  };
  std::vector<uint64_t> parent(names.size());
  std::iota(parent.begin(), parent.end(), uint64_t{0});
  const auto root_of = [&](uint64_t at) {
    while (parent[at] != at) {
      at = parent[at] = parent[parent[at]];
    }
    return at;
  };
  std::vector<std::pair<uint64_t, uint64_t>> links;  // (value, unit)
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (also_[i] != 0) {
      links.emplace_back(also_[i], index_of(rows_[i].unit));
    }
  }
  std::sort(links.begin(), links.end());
  for (size_t i = 1; i < links.size(); ++i) {
    if (links[i].first == links[i - 1].first) {
      const uint64_t a = root_of(links[i].second);
      const uint64_t b = root_of(links[i - 1].second);
      parent[std::max(a, b)] = std::min(a, b);
    }
  }
  for (Row& row : rows_) {
    row.unit = names[root_of(index_of(row.unit))];
  }
  also_ = {};
}

std::vector<Splitter::Unit> Splitter::collect_units() const {
  std::vector<const std::string*> stratum_names(stratum_of_.size());
  for (const auto& [name, index] : stratum_of_) {
    stratum_names[index] = &name;
  }
  std::vector<Row> sorted = rows_;
  std::sort(sorted.begin(), sorted.end(), [](const Row& a, const Row& b) {
    return a.unit != b.unit ? a.unit < b.unit : a.stratum < b.stratum;
  });
  std::vector<Unit> units;
  for (size_t begin = 0; begin < sorted.size();) {
    size_t end = begin;
    size_t most = 0;
    uint32_t stratum = sorted[begin].stratum;
    while (end < sorted.size() && sorted[end].unit == sorted[begin].unit) {
      const size_t run = end;
      while (end < sorted.size() && sorted[end].unit == sorted[run].unit && sorted[end].stratum == sorted[run].stratum) {
        ++end;
      }
      const bool smaller = *stratum_names[sorted[run].stratum] < *stratum_names[stratum];
      if (end - run > most || (end - run == most && smaller)) {
        most = end - run;
        stratum = sorted[run].stratum;
      }
    }
    units.push_back({sorted[begin].unit, end - begin, stratum, 0});
    begin = end;
  }
  return units;
}

void Splitter::cut_by_hash(std::vector<Unit>& units) const {
  const Intervals spans = intervals(fractions_);
  for (Unit& unit : units) {
    unit.part = static_cast<uint8_t>(part_by_hash(unit, spans));
  }
  if (stratum_of_.size() < 2) {
    return;
  }
  std::vector<Unit*> sorted = pointers_to(units);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Unit* a, const Unit* b) { return a->stratum < b->stratum; });
  for (size_t begin = 0; begin < sorted.size();) {
    size_t end = begin;
    while (end < sorted.size() && sorted[end]->stratum == sorted[begin]->stratum) {
      ++end;
    }
    std::array<bool, kNumParts> wanted = {};
    for (size_t i = 0; i < kNumParts; ++i) {
      wanted[i] = (spans[i].end - spans[i].begin) * static_cast<double>(end - begin) >= 1.0;
    }
    fill_empty_parts(std::span(sorted).subspan(begin, end - begin), spans, wanted);
    begin = end;
  }
}

void Splitter::cut_by_shares(std::vector<Unit>& units) const {
  const std::array<double, kNumParts> fractions{fractions_.train, fractions_.valid, fractions_.test};
  std::array<double, kNumParts> owed = {};
  std::vector<Unit*> sorted = pointers_to(units);
  std::vector<uint32_t> rank(stratum_of_.size());  // strata in the order of their names
  uint32_t next = 0;
  for (const auto& [name, index] : stratum_of_) {
    rank[index] = next++;
  }
  std::sort(sorted.begin(), sorted.end(), [&](const Unit* a, const Unit* b) {
    return std::tuple(rank[a->stratum], mix64(a->name)) < std::tuple(rank[b->stratum], mix64(b->name));
  });
  for (size_t begin = 0; begin < sorted.size();) {
    size_t end = begin;
    uint64_t rows = 0;
    while (end < sorted.size() && sorted[end]->stratum == sorted[begin]->stratum) {
      rows += sorted[end++]->rows;
    }
    const auto quota = quotas(rows, fractions, owed);
    uint64_t before = 0;  // rows of the units so far
    size_t at = 0;        // in kHashOrder
    uint64_t cut = quota[kHashOrder[0]];
    for (size_t i = begin; i < end; ++i) {
      // A unit lies where its middle is: no cut is further from its place than half a unit.
      while (at + 1 < kNumParts && 2 * before + sorted[i]->rows > 2 * cut) {
        cut += quota[kHashOrder[++at]];
      }
      sorted[i]->part = static_cast<uint8_t>(kHashOrder[at]);
      before += sorted[i]->rows;
    }
    begin = end;
  }
}

std::vector<Part> Splitter::finish() {
  join_groups();
  std::vector<Unit> units = collect_units();
  by_ == SplitBy::kHash ? cut_by_hash(units) : cut_by_shares(units);
  const Intervals spans = intervals(fractions_);
  std::array<bool, kNumParts> wanted = {};
  size_t num_wanted = 0;
  for (size_t i = 0; i < kNumParts; ++i) {
    wanted[i] = !spans[i].empty();
    num_wanted += wanted[i];
  }
  if (units.size() >= kNumParts && units.size() >= num_wanted) {
    std::vector<Unit*> all = pointers_to(units);
    fill_empty_parts(std::span(all), spans, wanted);
  }
  num_units_ = units.size();
  num_grouped_ = static_cast<uint64_t>(
      std::count_if(units.begin(), units.end(), [](const Unit& unit) { return unit.rows > 1; }));
  std::vector<std::vector<uint64_t>*> counts(stratum_of_.size());
  for (const auto& [name, index] : stratum_of_) {
    counts[index] = &counts_.emplace(name, std::vector<uint64_t>(kNumParts, 0)).first->second;
  }
  std::vector<Part> parts;
  parts.reserve(rows_.size());
  for (const Row& row : rows_) {
    const auto unit = std::lower_bound(units.begin(), units.end(), row.unit,
                                       [](const Unit& each, uint64_t name) { return each.name < name; });
    parts.push_back(static_cast<Part>(unit->part));
    ++(*counts[row.stratum])[unit->part];
  }
  return parts;
}

std::vector<Part> assign_split(std::span<const std::string> ids, const SplitFractions& fractions, uint64_t seed,
                               std::span<const std::string> groups) {
  if (!groups.empty() && groups.size() != ids.size()) {
    throw Error(ErrorKind::kInternal, "a split has " + std::to_string(groups.size()) + " groups for " +
                                          std::to_string(ids.size()) + " documents");
  }
  Splitter splitter(SplitBy::kHash, fractions, seed);
  for (const std::string& name : groups.empty() ? ids : groups) {
    splitter.add(name);
  }
  return splitter.finish();
}

void SideCheck::add(std::string_view value, Part part) { seen_.emplace_back(xxh3_64(value, kCheckSeed), part); }

uint64_t SideCheck::count_on_both_sides() {
  std::sort(seen_.begin(), seen_.end());
  uint64_t count = 0;
  num_values_ = 0;
  for (size_t begin = 0; begin < seen_.size();) {
    size_t end = begin;
    while (end < seen_.size() && seen_[end].first == seen_[begin].first) {
      ++end;
    }
    count += seen_[begin].second != seen_[end - 1].second;
    ++num_values_;
    begin = end;
  }
  return count;
}

}  // namespace athanor
