#include "athanor/data/split.h"

#include <array>
#include <cmath>
#include <map>

#include "athanor/base/error.h"
#include "athanor/base/hash.h"
#include "athanor/base/rng.h"

namespace athanor {

namespace {

constexpr size_t kNumParts = 3;

struct Interval {
  double begin, end;
  bool holds(double x) const { return x >= begin && x < end; }
  double distance(double x) const { return x < begin ? begin - x : x >= end ? x - end : 0.0; }
};

std::array<Interval, kNumParts> intervals(const SplitFractions& fractions) {
  const double parts[] = {fractions.train, fractions.valid, fractions.test};
  for (const double part : parts) {
    if (!(part >= 0.0 && part <= 1.0)) {
      throw Error(ErrorKind::kUsage, "each fraction of a split lies between 0 and 1", "split");
    }
  }
  if (std::abs(fractions.train + fractions.valid + fractions.test - 1.0) > 1e-6) {
    throw Error(ErrorKind::kUsage, "the fractions of a split must sum to 1", "split",
                "for example train: 0.98, valid: 0.01, test: 0.01");
  }
  // Test and valid lie at the two ends, so that each keeps its documents when only the other grows.
  return {Interval{fractions.test, 1.0 - fractions.valid}, Interval{1.0 - fractions.valid, 1.0},
          Interval{0.0, fractions.test}};
}

struct Unit {
  double hash;
  size_t part;
};

void fill_empty_parts(std::map<std::string_view, Unit>& units, const std::array<Interval, kNumParts>& spans) {
  std::array<size_t, kNumParts> counts = {};
  size_t num_wanted = 0;
  for (const auto& [name, unit] : units) {
    ++counts[unit.part];
  }
  for (const Interval& span : spans) {
    num_wanted += span.end > span.begin;
  }
  if (units.size() < kNumParts || units.size() < num_wanted) {
    return;
  }
  for (const size_t part : {size_t{2}, size_t{1}, size_t{0}}) {
    if (counts[part] > 0 || !(spans[part].end > spans[part].begin)) {
      continue;
    }
    Unit* nearest = nullptr;
    for (auto& [name, unit] : units) {
      if (counts[unit.part] > 1 &&
          (nearest == nullptr || spans[part].distance(unit.hash) < spans[part].distance(nearest->hash))) {
        nearest = &unit;
      }
    }
    if (nearest != nullptr) {
      --counts[nearest->part];
      nearest->part = part;
      ++counts[part];
    }
  }
}

}  // namespace

const char* name_of(Part part) {
  constexpr const char* kNames[] = {"train", "valid", "test"};
  return kNames[static_cast<size_t>(part)];
}

std::vector<Part> assign_split(std::span<const std::string> ids, const SplitFractions& fractions, uint64_t seed,
                               std::span<const std::string> groups) {
  const std::array<Interval, kNumParts> spans = intervals(fractions);
  if (!groups.empty() && groups.size() != ids.size()) {
    throw Error(ErrorKind::kInternal, "a split has " + std::to_string(groups.size()) + " groups for " +
                                          std::to_string(ids.size()) + " documents");
  }
  const std::span<const std::string> names = groups.empty() ? ids : groups;
  std::map<std::string_view, Unit> units;
  for (const std::string& name : names) {
    const double hash = to_unit(mix64(xxh3_64(name, seed)));
    size_t part = 0;
    for (size_t i = 1; i < kNumParts; ++i) {
      part = spans[i].holds(hash) ? i : part;
    }
    if (part == 0 && !(spans[0].end > spans[0].begin)) {
      part = hash < spans[2].end ? 2 : 1;  // rounding at the seam of two parts without a third
    }
    units.try_emplace(name, Unit{hash, part});
  }
  fill_empty_parts(units, spans);
  std::vector<Part> parts;
  parts.reserve(names.size());
  for (const std::string& name : names) {
    parts.push_back(static_cast<Part>(units.at(name).part));
  }
  return parts;
}

}  // namespace athanor
