#include "athanor/stage/describe_pass.h"

#include <algorithm>
#include <atomic>
#include <memory>

#include "athanor/base/error.h"
#include "athanor/base/hash.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/unicode.h"
#include "athanor/data/documents/document_values.h"
#include "athanor/stage/describe_parts.h"

namespace athanor {

namespace {

constexpr size_t kSampleBytes = 1000;
constexpr const char* kScript = "script";
constexpr const char* kDroppedBy = "dropped_by";
constexpr const char* kClusterId = "cluster_id";
constexpr const char* kUnknown = "(none)";

// "https://en.example.org:80/a" -> "en.example.org"; empty when it is no URL.
std::string_view host_of(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos || !url.starts_with("http")) {
    return {};
  }
  std::string_view host = url.substr(scheme + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (const size_t at = host.rfind('@'); at != std::string_view::npos) {
    host.remove_prefix(at + 1);
  }
  return host.substr(0, host.find(':'));
}

const char* type_name(const nlohmann::json& value) {
  return value.is_number() ? "number" : value.is_boolean() ? "true or false" : value.type_name();
}

std::string value_text(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Everything about one shard.
class ShardPass {
 public:
  ShardPass(const Documents& documents, const DescribeOptions& options, const std::string& group, size_t shard)
      : documents_(documents), options_(options), group_(group), shard_(shard), first_(documents.first_row(shard)) {
    if (group_.starts_with("meta.")) {
      group_field_ = group_.substr(5);
    }
  }

  Statistics run() {
    read_columns();
    const fs::path path = documents_.dir() / documents_.manifest().shards[shard_].path;
    const ParquetFile file(path);
    const std::vector<ColumnInfo> wanted{{"id", ColumnType::kString},
                                         {"text", ColumnType::kString},
                                         {"source", ColumnType::kString},
                                         {"meta", ColumnType::kString}};
    file.for_each_batch(wanted, [&](uint64_t begin, std::vector<ColumnValues>&& batch) {
      check_interrupt();
      const auto& ids = std::get<std::vector<std::string>>(batch[0]);
      const auto& texts = std::get<std::vector<std::string>>(batch[1]);
      const auto& sources = std::get<std::vector<std::string>>(batch[2]);
      const auto& metas = std::get<std::vector<std::string>>(batch[3]);
      for (size_t i = 0; i < ids.size(); ++i) {
        const auto row = static_cast<size_t>(begin) + i;
        if (documents_.keep()[static_cast<size_t>(first_) + row]) {
          add_kept(row, ids[i], texts[i], sources[i], metas[i]);
        } else {
          add_dropped(row, ids[i], texts[i], sources[i]);
        }
      }
    });
    describer_.flush(all_.ngrams);
    return std::move(all_);
  }

 private:
  bool kept(size_t row) const { return documents_.keep()[static_cast<size_t>(first_) + row]; }

  void read_columns() {
    for (const ColumnInfo& info : documents_.manifest().columns) {
      ColumnValues values = documents_.shard_column(shard_, info.name);
      add_column(info.name, values);
      const bool needed = info.name == kDroppedBy || info.name == kClusterId || info.name == group_;
      if (needed && info.type != ColumnType::kFloat64) {
        if (auto* whole = std::get_if<std::vector<int64_t>>(&values)) {
          for (const int64_t value : *whole) {
            columns_[info.name].push_back(std::to_string(value));
          }
        } else {
          columns_[info.name] = std::move(std::get<std::vector<std::string>>(values));
        }
      }
    }
  }

  void add_column(const std::string& name, const ColumnValues& values) {
    if (const auto* texts = std::get_if<std::vector<std::string>>(&values)) {
      // Reasons are told of the dropped ones too.
      const bool of_all = name == kDroppedBy || name.ends_with("_reason");
      for (size_t row = 0; row < texts->size(); ++row) {
        if (name == kClusterId && !(*texts)[row].empty()) {
          all_.cluster_hashes.push_back(xxh3_64((*texts)[row]));
        }
        if ((of_all && !(*texts)[row].empty()) || (!of_all && kept(row))) {
          all_.texts[name].add((*texts)[row]);
        }
      }
      all_.texts[name];
      return;
    }
    NumberSketch& sketch = all_.numbers[name];
    for (size_t row = 0; row < size_of(values); ++row) {
      if (!kept(row)) {
        continue;
      }
      const auto* doubles = std::get_if<std::vector<double>>(&values);
      sketch.add(doubles != nullptr ? (*doubles)[row]
                                    : static_cast<double>(std::get<std::vector<int64_t>>(values)[row]));
    }
  }

  const std::string* column_value(const char* name, size_t row) const {
    const auto found = columns_.find(name);
    return found == columns_.end() ? nullptr : &found->second[row];
  }

  DescribedSample sample_of(uint64_t order, const std::string& id, const std::string& text, const std::string& source) {
    return {order, id, repair_utf8(source), std::string(utf8_prefix(text, kSampleBytes)), text.size(), ""};
  }

  void add_kept(size_t row, const std::string& id, const std::string& text, const std::string& source,
                const std::string& meta) {
    if (describer_.full()) {
      describer_.flush(all_.ngrams);
    }
    const TextFacts facts = describer_.add(text);
    ++all_.documents;
    all_.bytes += text.size();
    all_.characters += facts.characters;
    all_.words += facts.words;
    all_.lines += facts.lines;
    all_.length_bytes.add(static_cast<double>(text.size()));
    all_.length_characters.add(static_cast<double>(facts.characters));
    all_.length_words.add(static_cast<double>(facts.words));
    ++all_.scripts[facts.script];
    all_.text_hashes.push_back(xxh3_64(text));
    std::string group = facts.script;
    if (const std::string* value = column_value(group_.c_str(), row)) {
      group = value->empty() ? kUnknown : *value;
    }
    add_meta(meta, source, text.size(), group);
    GroupStatistics& of =
        all_.groups.size() < Statistics::kMaxGroups || all_.groups.contains(group) ? all_.groups[group] : all_.groups[kOthers];
    ++of.documents;
    of.bytes += text.size();
    of.characters.add(static_cast<double>(facts.characters));
    if (const uint64_t order = xxh3_64(id, options_.seed); all_.samples.wants(order, options_.num_samples)) {
      all_.samples.add(sample_of(order, id, text, source), options_.num_samples);
    }
  }

  // Fields, hosts, and the group where a field is one.
  void add_meta(const std::string& meta, const std::string& source, size_t bytes, std::string& group) {
    std::string url(source.starts_with("http") ? source : "");
    if (!group_field_.empty()) {
      group = kUnknown;
    }
    if (meta.size() > 2) {
      const auto object = nlohmann::json::parse(meta, nullptr, false);
      if (object.is_object()) {
        for (const auto& [name, value] : object.items()) {
          add_field(name, value);
        }
        if (const auto found = object.find("url"); found != object.end() && found->is_string()) {
          url = found->get<std::string>();
        }
        if (!group_field_.empty()) {
          const std::string value = meta_value(meta, group_field_);
          group = value.empty() ? kUnknown : value;
        }
      }
    }
    const std::string_view host = host_of(url);
    if (!host.empty()) {
      all_.hosts_by_documents.add(host);
      all_.hosts_by_bytes.add(host, bytes);
    }
    // A page is its own source: then the hosts say more.
    const std::string_view source_host = host_of(source);
    const std::string_view name = source_host.empty() ? std::string_view(source) : source_host;
    all_.sources_by_documents.add(name);
    all_.sources_by_bytes.add(name, bytes);
  }

  void add_field(const std::string& name, const nlohmann::json& value) {
    MetaField& field =
        all_.meta.size() < Statistics::kMaxFields || all_.meta.contains(name) ? all_.meta[name] : all_.meta[kOthers];
    ++field.documents;
    ++field.types[type_name(value)];
    if (!field.values.many() && value.is_primitive()) {
      field.values.add(value_text(value));
    }
  }

  void add_dropped(size_t row, const std::string& id, const std::string& text, const std::string& source) {
    ++all_.dropped;
    all_.dropped_bytes += text.size();
    std::string reason = "no reason is written down";
    if (const std::string* why = column_value(kDroppedBy, row); why != nullptr && !why->empty()) {
      reason = *why;
    } else if (const std::string* cluster = column_value(kClusterId, row); cluster != nullptr && !cluster->empty()) {
      reason = *cluster == id ? "after dedup" : "duplicate of another document";
    }
    DroppedStatistics& of = all_.reasons.size() < Statistics::kMaxFields || all_.reasons.contains(reason)
                                ? all_.reasons[reason]
                                : all_.reasons[kOthers];
    ++of.documents;
    of.bytes += text.size();
    if (const uint64_t order = xxh3_64(id, options_.seed); of.samples.wants(order, options_.num_samples)) {
      of.samples.add(sample_of(order, id, text, source), options_.num_samples);
    }
  }

  const Documents& documents_;
  const DescribeOptions& options_;
  const std::string& group_;
  std::string group_field_;
  size_t shard_;
  uint64_t first_;
  TextDescriber describer_;
  std::map<std::string, std::vector<std::string>> columns_;
  Statistics all_;
};

constexpr const char* kPartFile = "statistics.bin";

std::string part_key(size_t shard) {
  char key[32];
  std::snprintf(key, sizeof key, "shard-%06zu", shard);
  return key;
}

}  // namespace

std::string group_name(const Documents& documents, const std::string& by) {
  if (!by.empty()) {
    if (by != kScript) {
      DocumentValues(documents, by, "describe.by");  // says what is wrong with the name
    }
    return by;
  }
  for (const char* name : {"language", "lang", "language_label", "language_language"}) {
    for (const ColumnInfo& info : documents.manifest().columns) {
      if (info.name == name && info.type == ColumnType::kString) {
        return name;
      }
    }
  }
  std::string found = kScript;
  if (documents.num_shards() > 0) {
    const ParquetFile file(documents.dir() / documents.manifest().shards[0].path);
    bool first = true;
    file.for_each_batch({{"meta", ColumnType::kString}}, [&](uint64_t, std::vector<ColumnValues>&& batch) {
      const auto& metas = std::get<std::vector<std::string>>(batch[0]);
      for (size_t i = 0; first && found == kScript && i < std::min<size_t>(metas.size(), 100); ++i) {
        for (const char* name : {"language", "lang"}) {
          if (found == kScript && !meta_value(metas[i], name).empty()) {
            found = std::string("meta.") + name;
          }
        }
      }
      first = false;
    });
  }
  return found;
}

void describe_shards(const Documents& documents, const DescribeOptions& options, ThreadPool& pool,
                     const PartJournal& journal, ShardOf shard, const std::function<void(double)>& done) {
  const std::string group = group_name(documents, options.by);
  std::atomic<size_t> finished{0};
  pool.parallel_for(documents.num_shards(), [&](size_t i) {
    if (shard.mine(i) && !journal.has(part_key(i))) {
      journal.write(part_key(i), [&](const fs::path& folder) {
        Statistics part = std::make_unique<ShardPass>(documents, options, group, i)->run();
        save_statistics(folder / kPartFile, part);
      });
    }
    done(static_cast<double>(++finished) / static_cast<double>(documents.num_shards()));
  });
}

Statistics gather_statistics(const Documents& documents, const DescribeOptions& options, const PartJournal& journal) {
  Statistics all;
  size_t missing = 0;
  for (size_t i = 0; i < documents.num_shards(); ++i) {
    missing += journal.has(part_key(i)) ? 0 : 1;
  }
  if (missing > 0) {
    throw Error(ErrorKind::kInput, std::to_string(missing) + " of " + std::to_string(documents.num_shards()) +
                                       " parts are not done", "describe", "run the recipe with shard=i/n for every i");
  }
  for (size_t i = 0; i < documents.num_shards(); ++i) {
    all.merge(load_statistics(journal.path(part_key(i)) / kPartFile), options.num_samples);
  }
  return all;
}

}  // namespace athanor
