// What `describe` counts, so that stretches of documents can be counted apart and put together: every sum is of whole
// numbers or is added in the order of the shards, so threads do not show. archive() hands every field on
// (describe_parts.h).
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "athanor/metric/frequent_items.h"
#include "athanor/metric/number_sketch.h"
#include "athanor/stage/describe_text.h"

namespace athanor {

// Counts of a column's values while they are few.
class ValueCounts {
 public:
  void add(const std::string& value, uint64_t count = 1);
  void merge(const ValueCounts& other);
  bool many() const { return many_; }
  const std::map<std::string, uint64_t>& counts() const { return counts_; }
  template <typename Archive>
  void archive(Archive& a) {
    a(counts_);
    a(many_);
  }
  nlohmann::json to_json() const;  // {"values": {value: count}} or {"values": "more than 200"}

 private:
  std::map<std::string, uint64_t> counts_;
  bool many_ = false;
};

struct DescribedSample {
  uint64_t order = 0;  // a hash of (seed, id): the smallest ones are the sample
  std::string id, source, text;
  uint64_t bytes = 0;  // of the whole text
  std::string reason;
  template <typename Archive>
  void archive(Archive& a) {
    a(order);
    a(id);
    a(source);
    a(text);
    a(bytes);
    a(reason);
  }
};

// The documents with the smallest hashes.
class Samples {
 public:
  void add(DescribedSample sample, size_t most);
  bool wants(uint64_t order, size_t most) const { return list_.size() < most || order < list_.back().order; }
  void merge(const Samples& other, size_t most);
  const std::vector<DescribedSample>& list() const { return list_; }
  template <typename Archive>
  void archive(Archive& a) {
    a(list_);
  }

 private:
  std::vector<DescribedSample> list_;  // by order
};

struct MetaField {
  uint64_t documents = 0;
  std::map<std::string, uint64_t> types;  // "string", "number", ...
  ValueCounts values;                     // of texts, numbers, truth values
  template <typename Archive>
  void archive(Archive& a) {
    a(documents);
    a(types);
    a(values);
  }
};

struct GroupStatistics {
  uint64_t documents = 0;
  uint64_t bytes = 0;
  NumberSketch characters;
  template <typename Archive>
  void archive(Archive& a) {
    a(documents);
    a(bytes);
    a(characters);
  }
};

struct DroppedStatistics {
  uint64_t documents = 0;
  uint64_t bytes = 0;
  Samples samples;
  template <typename Archive>
  void archive(Archive& a) {
    a(documents);
    a(bytes);
    a(samples);
  }
};

struct Statistics {
  uint64_t documents = 0, bytes = 0, characters = 0, words = 0, lines = 0;
  uint64_t dropped = 0, dropped_bytes = 0;
  NumberSketch length_bytes, length_characters, length_words;
  std::map<std::string, uint64_t> scripts;          // documents
  std::map<std::string, GroupStatistics> groups;    // by language or script
  FrequentTexts sources_by_documents{kMaxNames}, sources_by_bytes{kMaxNames};
  FrequentTexts hosts_by_documents{kMaxNames}, hosts_by_bytes{kMaxNames};
  std::map<std::string, NumberSketch> numbers;      // columns
  std::map<std::string, ValueCounts> texts;         // columns
  std::map<std::string, MetaField> meta;
  std::map<std::string, DroppedStatistics> reasons;
  Samples samples;
  std::vector<uint64_t> text_hashes;     // of the kept documents
  std::vector<uint64_t> cluster_hashes;  // of all rows that have a cluster
  NgramCounters ngrams = make_ngram_counters();

  void merge(Statistics&& next, size_t num_samples);
  template <typename Archive>
  void archive(Archive& a) {
    a(documents);
    a(bytes);
    a(characters);
    a(words);
    a(lines);
    a(dropped);
    a(dropped_bytes);
    a(length_bytes);
    a(length_characters);
    a(length_words);
    a(scripts);
    a(groups);
    a(sources_by_documents);
    a(sources_by_bytes);
    a(hosts_by_documents);
    a(hosts_by_bytes);
    a(numbers);
    a(texts);
    a(meta);
    a(reasons);
    a(samples);
    a(text_hashes);
    a(cluster_hashes);
    a(ngrams);
  }

  static constexpr size_t kMaxNames = 20'000;   // sources, hosts
  static constexpr size_t kMaxGroups = 300;     // the rest is "(others)"
  static constexpr size_t kMaxFields = 500;     // of meta
};

inline constexpr const char* kOthers = "(others)";

// {"count", "missing", "min", "max", "mean", "quantiles", "histogram": {"edges", "counts", "log"}}
nlohmann::json to_json(const NumberSketch& sketch, bool length);

// How many texts or clusters have how many members.
struct Repeats {
  uint64_t groups = 0;     // values with more than one member
  uint64_t members = 0;    // of these
  uint64_t largest = 0;
  uint64_t values = 0;
  std::map<uint64_t, uint64_t> sizes;  // 1, 2, 4, 8, ...: values with at least so many members and fewer than twice
};
Repeats count_repeats(std::vector<uint64_t>& hashes);  // sorts them

struct DescribeShape {
  std::string group_by;  // "language", "meta.language", "script"
  size_t top = 50;
};
// Everything, as statistics.json holds it (docs/formats/statistics.md).
nlohmann::json to_json(Statistics& statistics, const DescribeShape& shape);

}  // namespace athanor
