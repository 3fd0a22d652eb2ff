// split: documents -> documents/{train,valid,test}.
#include "athanor/data/mix/split.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/hash.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/tables/table_cleaner.h"
#include "athanor/data/documents/document_values.h"
#include "athanor/data/documents/documents.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

namespace {

struct SplitRecipe {
  double valid = 0.05;
  double test = 0.05;
  std::string by = "hash";
  std::string group = "cluster_id";
  std::string stratify;
  int64_t seed = 1;
  static void fields(Fields<SplitRecipe>& f) {
    f.add("valid", &SplitRecipe::valid, "share for validation").range(0, 1);
    f.add("test", &SplitRecipe::test, "share for the final test").range(0, 1);
    f.add("by", &SplitRecipe::by,
          "hash: each document for itself, and it keeps its part when others come; fraction: exact shares, in the order of "
          "the hash (one or two texts, too few for the parts: tail); tail: the end of the text, in order (cuts documents, "
          "never a row of a table)")
        .choices({"hash", "fraction", "tail"});
    f.add("group", &SplitRecipe::group,
          "documents with equal values stay together: a column, source or meta.FIELD; an empty value stands alone. "
          "cluster_id, where the documents have it, holds besides");
    f.add("stratify", &SplitRecipe::stratify, "a column, source or meta.FIELD: each of its values gets its shares");
    f.add("seed", &SplitRecipe::seed, "of the hash").range(0, 9e15);
  }
};

constexpr std::array<const char*, 3> kNames{"train", "valid", "test"};
constexpr const char* kCluster = "cluster_id";
constexpr size_t kMaxStrataTold = 1000;
constexpr size_t kStratumNameBytes = 120;

void prepare_split(nlohmann::json& resolved) {
  const auto recipe = load_options<SplitRecipe>(resolved);
  if (recipe.valid + recipe.test >= 1) {
    throw Error(ErrorKind::kUsage, "valid and test take everything: nothing is left to train on");
  }
  if (recipe.by == "tail" && !recipe.stratify.empty()) {
    throw Error(ErrorKind::kUsage, "by: tail keeps the texts in order and cannot stratify", "split.stratify",
                "take by: fraction");
  }
}

struct PartCount {
  uint64_t documents = 0;
  uint64_t bytes = 0;
};

// What the documents are told apart by; any of them may be missing.
struct Keys {
  std::optional<DocumentValues> group;
  std::optional<DocumentValues> cluster;  // besides another group
  std::optional<DocumentValues> stratum;
  std::string group_name;
};

Keys keys_of(const SplitRecipe& recipe, const Documents& input) {
  Keys keys;
  const bool by_default = recipe.group == kCluster;
  if (!recipe.group.empty() && (!by_default || input.has_column(kCluster))) {
    keys.group.emplace(input, recipe.group, "split.group");
    keys.group_name = recipe.group;
  }
  if (!by_default && input.has_column(kCluster)) {
    (keys.group ? keys.cluster : keys.group).emplace(input, kCluster, "split.group");
    keys.group_name += (keys.group_name.empty() ? "" : ", ") + std::string(kCluster);
  }
  if (!recipe.stratify.empty()) {
    keys.stratum.emplace(input, recipe.stratify, "split.stratify");
  }
  return keys;
}

std::vector<std::string> shard_values(const std::optional<DocumentValues>& values, size_t shard) {
  std::vector<std::string> all;
  if (values) {
    values->for_each_in(shard, [&](uint64_t, std::string_view value) { all.emplace_back(value); });
  }
  return all;
}

// No value of a grouping may have documents in two parts. parts: of the kept documents.
nlohmann::json check_sides(const Documents& input, const Keys& keys, const std::vector<Part>& parts) {
  uint64_t both = 0;
  uint64_t values = 0;
  for (const auto* key : {&keys.group, &keys.cluster}) {
    if (!*key) {
      continue;
    }
    SideCheck check;
    size_t at = 0;
    (*key)->for_each([&](uint64_t, std::string_view value) {
      if (!value.empty()) {
        check.add(value, parts.at(at));
      }
      ++at;
    });
    both += check.count_on_both_sides();
    values += check.num_values();
  }
  if (both > 0) {
    throw Error(ErrorKind::kInternal, std::to_string(both) + " groups have documents in two parts", input.dir().string());
  }
  return {{"by", keys.group_name}, {"values", values}, {"in_two_parts", both}};
}

std::vector<PartCount> write_parts(const Documents& input, const std::vector<Part>& parts, const fs::path& out) {
  std::vector<PartCount> counts;
  for (size_t part = 0; part < kNames.size(); ++part) {
    check_interrupt();
    std::vector<bool> keep(input.num_rows(), false);
    size_t at = 0;
    for (size_t row = 0; row < keep.size(); ++row) {
      if (input.keep()[row]) {
        keep[row] = static_cast<size_t>(parts[at++]) == part;
      }
    }
    write_filtered(out / kNames[part], input, keep, {});
    const Documents written = Documents::open(out / kNames[part]);
    counts.push_back({written.num_documents(), written.text_bytes()});
  }
  return counts;
}

std::vector<Part> parts_by_hash(const SplitRecipe& recipe, const Documents& input, const Keys& keys,
                                nlohmann::json& result) {
  const SplitFractions fractions{1 - recipe.valid - recipe.test, recipe.valid, recipe.test};
  Splitter splitter(recipe.by == "hash" ? SplitBy::kHash : SplitBy::kFraction, fractions,
                    static_cast<uint64_t>(recipe.seed));
  const DocumentValues ids(input, "id", "split");
  for (size_t shard = 0; shard < input.num_shards(); ++shard) {
    check_interrupt();
    const auto groups = shard_values(keys.group, shard);
    const auto clusters = shard_values(keys.cluster, shard);
    const auto strata = shard_values(keys.stratum, shard);
    size_t at = 0;
    ids.for_each_in(shard, [&](uint64_t, std::string_view id) {
      const std::string_view group = groups.empty() || groups[at].empty() ? id : std::string_view(groups[at]);
      splitter.add(group, strata.empty() ? "" : std::string_view(strata[at]),
                   clusters.empty() ? "" : std::string_view(clusters[at]));
      ++at;
    });
  }
  const std::vector<Part> parts = splitter.finish();
  if (keys.group) {
    result["groups"] = check_sides(input, keys, parts);
    result["groups"]["units"] = splitter.num_units();
    result["groups"]["units_of_several_documents"] = splitter.num_grouped();
  }
  if (keys.stratum) {
    auto& strata = result["strata"] = nlohmann::json::object();
    for (const auto& [name, counts] : splitter.strata()) {
      if (strata.size() >= kMaxStrataTold) {
        break;
      }
      strata[std::string(utf8_prefix(repair_utf8(name), kStratumNameBytes))] = {{"train", counts[0]}, {"valid", counts[1]}, {"test", counts[2]}};
    }
    result["num_strata"] = splitter.strata().size();
  }
  return parts;
}

// Where groups of several documents must stay whole: nothing is cut, a group lies where its first document's middle does.
std::vector<PartCount> split_by_tail_whole(const Documents& input, const Keys& keys, const fs::path& out,
                                           const std::vector<uint64_t>& ends, nlohmann::json& result) {
  std::vector<Part> parts;
  std::unordered_map<uint64_t, Part> part_of;  // by hash of the group
  const std::vector<int64_t> bytes = input.row_bytes();
  uint64_t begin = 0;
  keys.group->for_each([&](uint64_t row, std::string_view value) {
    const auto size = static_cast<uint64_t>(bytes[static_cast<size_t>(row)]);
    size_t part = 0;
    while (part + 1 < kNames.size() && begin + size / 2 >= ends[part]) {
      ++part;
    }
    begin += size;
    const auto here = static_cast<Part>(part);
    parts.push_back(value.empty() ? here : part_of.emplace(xxh3_64(value), here).first->second);
  });
  result["groups"] = check_sides(input, keys, parts);
  return write_parts(input, parts, out);
}

bool has_repeated_value(const DocumentValues& values) {
  std::vector<uint64_t> hashes;
  values.for_each([&](uint64_t, std::string_view value) {
    if (!value.empty()) {
      hashes.push_back(xxh3_64(value));
    }
  });
  std::sort(hashes.begin(), hashes.end());
  return std::adjacent_find(hashes.begin(), hashes.end()) != hashes.end();
}

// The texts in order, cut at two places of the whole: what nanoGPT and others do with one long text.
std::vector<PartCount> split_by_tail(const SplitRecipe& recipe, const Documents& input, const Keys& keys,
                                     const fs::path& out, nlohmann::json& result) {
  const double all = static_cast<double>(input.text_bytes());
  const std::vector<uint64_t> ends{static_cast<uint64_t>(all * (1 - recipe.valid - recipe.test)),
                                   static_cast<uint64_t>(all * (1 - recipe.test)), input.text_bytes()};
  if (keys.cluster && has_repeated_value(*keys.cluster)) {
    throw Error(ErrorKind::kUsage, "by: tail keeps one grouping whole, and the documents have cluster_id besides '" +
                                       recipe.group + "'", "split.group", "take by: fraction, or group: cluster_id");
  }
  if (keys.group && has_repeated_value(*keys.group)) {
    return split_by_tail_whole(input, keys, out, ends, result);
  }
  std::vector<std::unique_ptr<DocumentWriter>> writers;
  for (const char* name : kNames) {
    make_dirs(out / name);
    writers.push_back(std::make_unique<DocumentWriter>(out / name));
  }
  uint64_t begin = 0;  // of the document in the whole
  size_t part = 0;
  input.for_each([&](uint64_t, Document&& document) {
    size_t at = 0;
    if (is_row_text(document.text, document.meta)) {  // either half would be the whole row: its cells stand in meta
      while (part + 1 < kNames.size() && begin + document.text.size() / 2 >= ends[part]) {
        ++part;
      }
      writers[part]->add(document);
      at = document.text.size();
    }
    while (at < document.text.size()) {
      while (part + 1 < kNames.size() && begin + at >= ends[part]) {
        ++part;
      }
      size_t cut = document.text.size();
      if (part + 1 < kNames.size()) {
        cut = std::min<size_t>(cut, ends[part] - begin);
      }
      while (cut < document.text.size() && (static_cast<unsigned char>(document.text[cut]) & 0xC0) == 0x80) {
        ++cut;  // never inside a character
      }
      Document piece = document;
      piece.text = document.text.substr(at, cut - at);
      piece.span_begin = document.span_begin + at;
      piece.span_end = document.span_begin + cut;
      piece.id = cut - at == document.text.size() ? document.id : "";
      writers[part]->add(piece);
      at = cut;
    }
    begin += document.text.size();
  });
  std::vector<PartCount> counts;
  for (auto& writer : writers) {
    writer->finish();
    counts.push_back({writer->num_documents(), writer->text_bytes()});
  }
  return counts;
}

// One long text (or two) is whole in one part, and another that was asked for gets nothing: then its end is cut off, so that
// one file is enough to train, validate and test on. Three documents and more are never cut: each part has one (mix/split.h).
bool must_be_cut(const SplitRecipe& recipe, const Documents& input, const Keys& keys, const std::vector<Part>& parts) {
  const double shares[] = {1, recipe.valid, recipe.test};
  bool lacks = false;
  for (size_t part = 0; part < kNames.size(); ++part) {
    lacks = lacks || (shares[part] > 0 && std::find(parts.begin(), parts.end(), static_cast<Part>(part)) == parts.end());
  }
  if (!lacks || parts.empty() || parts.size() >= kNames.size() || keys.stratum) {
    return false;
  }
  for (const auto* key : {&keys.group, &keys.cluster}) {
    if (*key && has_repeated_value(**key)) {
      return false;
    }
  }
  bool texts = true;
  input.for_each([&](uint64_t, Document&& document) {
    texts = texts && !document.text.empty() && !is_row_text(document.text, document.meta);
  });
  return texts;
}

std::vector<PartCount> split_documents(StageContext& context, const SplitRecipe& recipe, const Documents& input,
                                       nlohmann::json& result) {
  const Keys keys = keys_of(recipe, input);
  const fs::path out = context.run.out_tmp();
  if (recipe.by == "tail") {
    return split_by_tail(recipe, input, keys, out, result);
  }
  const std::vector<Part> parts = parts_by_hash(recipe, input, keys, result);
  if (!must_be_cut(recipe, input, keys, parts)) {
    return write_parts(input, parts, out);
  }
  context.warn(std::string(parts.size() == 1 ? "one document is" : "two documents are") +
               " too few to part by " + recipe.by + ": the end of the text is cut off, as by: tail does");
  result = {{"by", "tail"}};
  return split_by_tail(recipe, input, keys, out, result);
}

nlohmann::json execute_split(StageContext& context) {
  const auto recipe = load_options<SplitRecipe>(context.options);
  const Documents input = Documents::open(context.input("documents").path);
  nlohmann::json result = nlohmann::json::object();
  const auto counts = split_documents(context, recipe, input, result);
  nlohmann::json parts;
  std::string summary;
  for (size_t i = 0; i < counts.size(); ++i) {
    parts[kNames[i]] = {{"documents", counts[i].documents}, {"text_bytes", counts[i].bytes}};
    summary += (i == 0 ? "" : ", ") + std::string(kNames[i]) + " " +
               grouped_integer(static_cast<int64_t>(counts[i].documents));
  }
  if (counts[0].documents == 0) {
    throw Error(ErrorKind::kInput, "nothing is left to train on: there are only " +
                                       std::to_string(input.num_documents()) + " documents");
  }
  const double shares[] = {1, recipe.valid, recipe.test};
  for (size_t i = 1; i < counts.size(); ++i) {
    if (shares[i] > 0 && counts[i].documents == 0) {
      context.warn(std::string(kNames[i]) + " got no documents: " +
                   (recipe.by == "tail" && result.contains("groups") ? "by: tail puts a group where its first document lies, so take by: fraction"
                                                      : "there are too few for its share"));
    }
  }
  result["parts"] = parts;
  result["summary"] = summary + " documents";
  return result;
}

}  // namespace

Verb split_verb() {
  Verb verb;
  verb.name = "split";
  verb.revision = 3;
  verb.summary = "part documents into train, valid and test";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "what to part"}};
  verb.output = ArtifactKind::kDocuments;
  verb.parts = {"train", "valid", "test"};
  verb.schema = schema_of<SplitRecipe>();
  verb.prepare = prepare_split;
  verb.execute = execute_split;
  verb.example = "athanor split from=dedup-1a2b3c4d valid=0.02 test=0.02 by=fraction stratify=meta.language";
  return verb;
}

}  // namespace athanor
