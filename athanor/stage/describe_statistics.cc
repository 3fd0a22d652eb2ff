#include "athanor/stage/describe_statistics.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/unicode.h"

namespace athanor {

namespace {

constexpr size_t kMaxValues = 200;
constexpr size_t kMaxValueBytes = 200;
constexpr double kQuantiles[] = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};
constexpr const char* kQuantileNames[] = {"0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99"};
constexpr int kHistogramBins = 30;

template <class Map, class Merge>
void merge_bounded(Map& into, Map& from, size_t most, const Merge& merge) {
  for (auto& [name, value] : from) {
    const auto found = into.find(name);
    merge(found != into.end() ? found->second : into[into.size() < most ? name : kOthers], value);
  }
}

// Numbers of a report: no more digits than mean something.
double rounded(double value) {
  if (value == 0 || !std::isfinite(value)) {
    return 0;
  }
  const double scale = std::pow(10.0, 5 - std::floor(std::log10(std::abs(value))));
  return std::isfinite(scale) && scale > 0 ? std::round(value * scale) / scale : value;
}

nlohmann::json top_json(const FrequentTexts& texts, size_t count, const char* what) {
  auto list = nlohmann::json::array();
  for (const auto& item : texts.top(count)) {
    list.push_back({{"name", repair_utf8(item.text)}, {what, item.count}});
  }
  return list;
}

nlohmann::json names_json(const FrequentTexts& documents, const FrequentTexts& bytes, size_t top) {
  return {{"different", documents.num_counters()},
          {"different_is_exact", documents.error() == 0},
          {"by_documents", top_json(documents, top, "documents")},
          {"by_documents_error", documents.error()},
          {"by_bytes", top_json(bytes, top, "bytes")},
          {"by_bytes_error", bytes.error()}};
}

nlohmann::json sample_json(const DescribedSample& sample) {
  return {{"id", sample.id}, {"source", sample.source}, {"text", sample.text}, {"bytes", sample.bytes}};
}

nlohmann::json repeats_json(const Repeats& repeats) {
  auto sizes = nlohmann::json::array();
  for (const auto& [size, count] : repeats.sizes) {
    sizes.push_back({{"from", size}, {"below", 2 * size}, {"count", count}});
  }
  return {{"different", repeats.values}, {"repeated", repeats.groups}, {"members_of_repeated", repeats.members},
          {"largest", repeats.largest},  {"sizes", sizes}};
}

nlohmann::json ngrams_json(const std::array<FrequentTexts, kMaxNgram>& counters, size_t top) {
  auto all = nlohmann::json::object();
  for (size_t n = 0; n < kMaxNgram; ++n) {
    if (counters[n].total() == 0) {
      continue;
    }
    auto list = nlohmann::json::array();
    for (const auto& item : counters[n].top(top)) {
      list.push_back({{"text", item.text}, {"count", item.count}});
    }
    all[std::to_string(n + 1)] = {{"total", counters[n].total()}, {"error", counters[n].error()}, {"top", list}};
  }
  return all;
}

}  // namespace

void ValueCounts::add(const std::string& value, uint64_t count) {
  if (many_) {
    return;
  }
  counts_[value] += count;
  if (counts_.size() > kMaxValues || value.size() > kMaxValueBytes) {
    many_ = true;
    counts_.clear();
  }
}

void ValueCounts::merge(const ValueCounts& other) {
  if (other.many_) {
    many_ = true;
    counts_.clear();
  }
  for (const auto& [value, count] : other.counts_) {
    add(value, count);
  }
}

nlohmann::json ValueCounts::to_json() const {
  if (many_) {
    return {{"values", "more than " + std::to_string(kMaxValues) + ", or long ones"}};
  }
  auto values = nlohmann::json::object();
  for (const auto& [value, count] : counts_) {
    values[repair_utf8(value)] = count;
  }
  return {{"values", values}};
}

void Samples::add(DescribedSample sample, size_t most) {
  const auto after = [](const DescribedSample& a, const DescribedSample& b) {
    return std::tie(a.order, a.id) < std::tie(b.order, b.id);
  };
  const auto place = std::upper_bound(list_.begin(), list_.end(), sample, after);
  if (place != list_.begin() && std::prev(place)->id == sample.id) {
    return;  // another copy of a document that a mixture repeats
  }
  list_.insert(place, std::move(sample));
  if (list_.size() > most) {
    list_.pop_back();
  }
}

void Samples::merge(const Samples& other, size_t most) {
  for (const DescribedSample& sample : other.list_) {
    add(sample, most);
  }
}

void Statistics::merge(Statistics&& next, size_t num_samples) {
  documents += next.documents, bytes += next.bytes, characters += next.characters;
  words += next.words, lines += next.lines;
  dropped += next.dropped, dropped_bytes += next.dropped_bytes;
  length_bytes.merge(next.length_bytes);
  length_characters.merge(next.length_characters);
  length_words.merge(next.length_words);
  for (const auto& [script, count] : next.scripts) {
    scripts[script] += count;
  }
  merge_bounded(groups, next.groups, kMaxGroups, [](GroupStatistics& into, const GroupStatistics& from) {
    into.documents += from.documents;
    into.bytes += from.bytes;
    into.characters.merge(from.characters);
  });
  sources_by_documents.merge(next.sources_by_documents);
  sources_by_bytes.merge(next.sources_by_bytes);
  hosts_by_documents.merge(next.hosts_by_documents);
  hosts_by_bytes.merge(next.hosts_by_bytes);
  for (const auto& [name, sketch] : next.numbers) {
    numbers[name].merge(sketch);
  }
  for (const auto& [name, counts] : next.texts) {
    texts[name].merge(counts);
  }
  merge_bounded(meta, next.meta, kMaxFields, [](MetaField& into, const MetaField& from) {
    into.documents += from.documents;
    for (const auto& [type, count] : from.types) {
      into.types[type] += count;
    }
    into.values.merge(from.values);
  });
  merge_bounded(reasons, next.reasons, kMaxFields, [&](DroppedStatistics& into, const DroppedStatistics& from) {
    into.documents += from.documents;
    into.bytes += from.bytes;
    into.samples.merge(from.samples, num_samples);
  });
  samples.merge(next.samples, num_samples);
  text_hashes.insert(text_hashes.end(), next.text_hashes.begin(), next.text_hashes.end());
  cluster_hashes.insert(cluster_hashes.end(), next.cluster_hashes.begin(), next.cluster_hashes.end());
  for (size_t kind = 0; kind < kNumNgramKinds; ++kind) {
    for (size_t n = 0; n < kMaxNgram; ++n) {
      ngrams[kind][n].merge(next.ngrams[kind][n]);
    }
  }
}

nlohmann::json to_json(const NumberSketch& sketch, bool length) {
  nlohmann::json all{{"count", sketch.count()}, {"missing", sketch.num_missing()}};
  if (sketch.count() == 0) {
    return all;
  }
  all["min"] = rounded(sketch.min());
  all["max"] = rounded(sketch.max());
  all["mean"] = rounded(sketch.mean());
  for (size_t i = 0; i < std::size(kQuantiles); ++i) {
    all["quantiles"][kQuantileNames[i]] = rounded(sketch.quantile(kQuantiles[i]));
  }
  all["relative_error"] = NumberSketch::kRelativeError;
  // Scores have far outliers: the bins cover all but the outermost two hundredths, which the end bins hold.
  const double low = length ? sketch.min() : sketch.quantile(0.01);
  const double high = length ? sketch.max() : sketch.quantile(0.99);
  const auto edges = length ? decade_edges(low, high) : round_edges(low, high, kHistogramBins);
  all["histogram"] = {{"edges", edges}, {"counts", sketch.histogram(edges)}, {"log", length}};
  return all;
}

Repeats count_repeats(std::vector<uint64_t>& hashes) {
  Repeats repeats;
  std::sort(hashes.begin(), hashes.end());
  for (size_t begin = 0; begin < hashes.size();) {
    size_t end = begin;
    while (end < hashes.size() && hashes[end] == hashes[begin]) {
      ++end;
    }
    const uint64_t size = end - begin;
    ++repeats.values;
    repeats.groups += size > 1;
    repeats.members += size > 1 ? size : 0;
    repeats.largest = std::max(repeats.largest, size);
    uint64_t floor = 1;
    while (2 * floor <= size) {
      floor *= 2;
    }
    ++repeats.sizes[floor];
    begin = end;
  }
  return repeats;
}

nlohmann::json to_json(Statistics& all, const DescribeShape& shape) {
  nlohmann::json out{{"schema", 1},
                     {"documents", all.documents},
                     {"text_bytes", all.bytes},
                     {"characters", all.characters},
                     {"words", all.words},
                     {"lines", all.lines},
                     {"dropped_documents", all.dropped},
                     {"dropped_text_bytes", all.dropped_bytes}};
  out["lengths"] = {{"characters", to_json(all.length_characters, true)},
                    {"words", to_json(all.length_words, true)},
                    {"bytes", to_json(all.length_bytes, true)}};
  out["scripts"] = all.scripts;
  out["group_by"] = shape.group_by;
  out["groups"] = nlohmann::json::array();
  for (const auto& [name, group] : all.groups) {
    out["groups"].push_back({{"name", repair_utf8(name)},
                             {"documents", group.documents},
                             {"text_bytes", group.bytes},
                             {"characters", to_json(group.characters, true)}});
  }
  std::stable_sort(out["groups"].begin(), out["groups"].end(), [](const auto& a, const auto& b) {
    return a["documents"].template get<uint64_t>() > b["documents"].template get<uint64_t>();
  });
  out["sources"] = names_json(all.sources_by_documents, all.sources_by_bytes, shape.top);
  out["hosts"] = names_json(all.hosts_by_documents, all.hosts_by_bytes, shape.top);
  out["columns"] = nlohmann::json::object();
  for (const auto& [name, sketch] : all.numbers) {
    out["columns"][name] = to_json(sketch, false);
  }
  for (const auto& [name, counts] : all.texts) {
    out["columns"][name] = counts.to_json();
  }
  out["meta"] = nlohmann::json::object();
  for (const auto& [name, field] : all.meta) {
    auto& entry = out["meta"][repair_utf8(name)] = field.values.to_json();
    entry["documents"] = field.documents;
    entry["types"] = field.types;
  }
  out["ngrams"] = {{"words", ngrams_json(all.ngrams[kWordNgrams], shape.top)},
                   {"characters", ngrams_json(all.ngrams[kCharacterNgrams], shape.top)}};
  out["duplicates"]["equal_texts"] = repeats_json(count_repeats(all.text_hashes));
  if (!all.cluster_hashes.empty()) {
    out["duplicates"]["clusters"] = repeats_json(count_repeats(all.cluster_hashes));
  }
  out["samples"] = nlohmann::json::array();
  for (const DescribedSample& sample : all.samples.list()) {
    out["samples"].push_back(sample_json(sample));
  }
  out["dropped"] = nlohmann::json::array();
  for (const auto& [reason, dropped] : all.reasons) {
    nlohmann::json entry{{"reason", repair_utf8(reason)}, {"documents", dropped.documents}, {"text_bytes", dropped.bytes}};
    entry["samples"] = nlohmann::json::array();
    for (const DescribedSample& sample : dropped.samples.list()) {
      entry["samples"].push_back(sample_json(sample));
    }
    out["dropped"].push_back(std::move(entry));
  }
  std::stable_sort(out["dropped"].begin(), out["dropped"].end(), [](const auto& a, const auto& b) {
    return a["documents"].template get<uint64_t>() > b["documents"].template get<uint64_t>();
  });
  return out;
}

}  // namespace athanor
