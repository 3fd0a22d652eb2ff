// The keeper's rule, the rows of an index, SimHash, and what may not change the result.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <set>

#include "athanor/base/rng.h"
#include "athanor/clean/near/dedup.h"
#include "athanor/clean/near/union_find.h"

namespace athanor {
namespace {

struct Doc {
  std::string id, text;
  double quality = 0;
  uint32_t source = 0;
};

class Folder {
 public:
  Folder() {
    std::string path = (fs::temp_directory_path() / "athanor-keep-XXXXXX").string();
    path_ = ::mkdtemp(path.data());
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

fs::path sign(const std::vector<Doc>& docs, const DedupOptions& options, const fs::path& path) {
  ThreadPool pool(2);
  Signer signer(options, pool);
  SignedPartWriter writer(dedup_num_keys(options), dedup_signature(options));
  std::vector<TextRow> rows;
  for (const Doc& doc : docs) {
    rows.push_back({doc.id, doc.text, doc.quality, doc.source});
  }
  signer.sign(rows, writer);
  writer.finish(path);
  return path;
}

std::string words(uint64_t seed, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += "w" + std::to_string(random_at(seed, i) % 5000) + " ";
  }
  return text;
}

std::string kept_by(const std::vector<Doc>& docs, std::vector<KeepRule::By> order) {
  DedupOptions options;
  options.keep.order = std::move(order);
  ThreadPool pool(1);
  Deduper deduper(options, pool);
  for (const Doc& doc : docs) {
    deduper.add({doc.id, doc.text, doc.quality, doc.source});
  }
  const Duplicates found = deduper.finish();
  std::string kept;
  for (size_t row = 0; row < docs.size(); ++row) {
    kept += found.keep(row) ? docs[row].id : "";
    EXPECT_EQ(found.cluster_size[row], docs.size());
  }
  return kept;
}

TEST(KeepRule, TheFirstDifferenceDecides) {
  using By = KeepRule::By;
  const std::string text = words(1, 100);
  const double none = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Doc> docs = {{"d", text, 0.5, 1}, {"c", text + "x", 0.9, 2}, {"b", text, 0.9, 1}, {"a", text, none, 0}};
  EXPECT_EQ(kept_by(docs, {By::kId}), "a");
  EXPECT_EQ(kept_by(docs, {}), "a");
  EXPECT_EQ(kept_by(docs, {By::kLongest, By::kId}), "c");
  EXPECT_EQ(kept_by(docs, {By::kQuality, By::kId}), "b");
  EXPECT_EQ(kept_by(docs, {By::kQuality, By::kLongest}), "c");
  EXPECT_EQ(kept_by(docs, {By::kQuality, By::kSource}), "b");
  EXPECT_EQ(kept_by(docs, {By::kSource}), "a");
  EXPECT_EQ(kept_by({docs[3], docs[1]}, {By::kQuality}), "c");  // no quality is below all
}

TEST(HeldRows, AreNeverDroppedAndStandForTheirClusters) {
  const Folder folder;
  const DedupOptions options;
  const std::string text = words(1, 100);
  const fs::path held = sign({{"old", text}, {"other", words(2, 100)}}, options, folder / "held");
  const std::vector<Doc> docs = {{"a-longer", text + " and a word more"}, {"b", text}, {"c", words(3, 100)}};
  const fs::path part = sign(docs, options, folder / "part");
  ThreadPool pool(2);
  const PartSet parts({held}, {part});
  const Duplicates found = find_duplicates(parts, options, pool);
  EXPECT_EQ(found.num_held, 2u);
  ASSERT_EQ(found.reason.size(), 3u);
  EXPECT_EQ(found.reason[0], DropReason::kHeldNear);
  EXPECT_EQ(found.reason[1], DropReason::kHeldExact);
  EXPECT_EQ(found.reason[2], DropReason::kKept);
  EXPECT_EQ(parts.id(found.keeper[0]), "old");
  EXPECT_EQ(parts.id(found.keeper[2]), "c");
  EXPECT_EQ(found.cluster_size[0], 3u);
  // Add, then ask again: the new index drops all three.
  SignedPartWriter writer(dedup_num_keys(options), dedup_signature(options));
  copy_rows(SignedPart(part), [&](uint64_t row) { return found.keep(row); }, writer);
  EXPECT_EQ(writer.num_rows(), 1u);
  writer.finish(folder / "added");
  const Duplicates again = find_duplicates(PartSet({held, folder / "added"}, {part}), options, pool);
  EXPECT_EQ(again.counts[0], 0u);
  EXPECT_EQ(again.reason[2], DropReason::kHeldExact);
}

// Families of edited texts; the kept ids and all counts must not depend on order, cut into parts, threads or memory.
TEST(DedupProperty, PartsOrderThreadsAndMemoryDoNotMatter) {
  std::vector<Doc> docs;
  for (uint64_t family = 0; docs.size() < 1200; ++family) {
    const std::string base = words(family, 120);
    for (uint64_t k = 0; k < 1 + random_at(9, family) % 4; ++k) {
      std::string text = base;
      for (uint64_t edit = 0; edit < k * 2; ++edit) {
        text[random_at(family, k, edit) % text.size()] = 'q';
      }
      docs.push_back({std::to_string(mix64(docs.size())), text, static_cast<double>(random_at(3, docs.size()) % 5), 0});
    }
  }
  for (const std::string method : {"exact", "minhash", "simhash"}) {
    DedupOptions options;
    options.method = method;
    options.keep.order = {KeepRule::By::kQuality, KeepRule::By::kId};
    std::map<std::string, std::pair<std::string, uint32_t>> expected;
    uint64_t compared = 0;
    for (int variant = 0; variant < 4; ++variant) {
      const Folder folder;
      std::vector<Doc> order;
      for (size_t i = 0; i < docs.size(); ++i) {
        order.push_back(docs[variant == 0 ? i : permute(i, docs.size(), static_cast<uint64_t>(variant))]);
      }
      std::vector<fs::path> files;
      const size_t size = variant == 0 ? order.size() : static_cast<size_t>(97 * variant);
      for (size_t first = 0; first < order.size(); first += size) {
        const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(order.size(), first + size));
        files.push_back(sign({order.begin() + static_cast<std::ptrdiff_t>(first), end}, options,
                             folder / std::to_string(first)));
      }
      options.memory_bytes = variant % 2 == 0 ? uint64_t{1} << 30 : 0;
      ThreadPool pool(1 + variant);
      const PartSet parts({}, files);
      const Duplicates found = find_duplicates(parts, options, pool);
      std::map<std::string, std::pair<std::string, uint32_t>> got;
      for (size_t row = 0; row < order.size(); ++row) {
        got[order[row].id] = {parts.id(found.keeper[row]), found.cluster_size[row]};
        EXPECT_EQ(found.keep(row), parts.id(found.keeper[row]) == order[row].id);
      }
      if (variant == 0) {
        expected = got;
        compared = found.compared;
        EXPECT_EQ(found.num_clusters, found.counts[0]);
        EXPECT_TRUE(method != "minhash" || found.counts[1] + found.counts[2] > 100);
      }
      EXPECT_EQ(got, expected) << method << " " << variant;
      EXPECT_EQ(found.compared, compared) << method << " " << variant;
    }
  }
}

TEST(SimHashDedup, FindsAllWithinItsBits) {
  std::vector<Doc> docs;
  const std::string text = words(1, 2000);
  docs.push_back({"a", text});
  docs.push_back({"b", text + "one"});
  docs.push_back({"c", words(2, 2000)});
  ThreadPool pool(2);
  DedupOptions options;
  options.method = "simhash";
  Deduper deduper(options, pool);
  for (const Doc& doc : docs) {
    deduper.add({doc.id, doc.text});
  }
  const Duplicates found = deduper.finish();
  EXPECT_EQ(found.keeper[0], found.keeper[1]);
  EXPECT_NE(found.keeper[0], found.keeper[2]);
}

TEST(DedupProperty, RandomSimHashesAsByExhaustiveSearch) {
  // Hashes within 3 bits by an exhaustive search over all pairs, against the tables: the same clusters.
  const Folder folder;
  DedupOptions options;
  options.method = "simhash";
  SignedPartWriter writer(1, dedup_signature(options));
  std::vector<uint64_t> hashes;
  for (uint64_t i = 0; i < 3000; ++i) {
    uint64_t hash = random_at(1, i / 3);
    for (uint64_t bit = 0; bit < i % 3 * 2; ++bit) {
      hash ^= uint64_t{1} << random_at(2, i, bit) % 64;
    }
    hashes.push_back(hash);
    const uint64_t key[1] = {hash};
    const uint32_t any[1] = {0};
    writer.add({{i + 1, i}, {0, 1, 0, 0}, key, any, std::to_string(i)});
  }
  writer.finish(folder / "part");
  ThreadPool pool(2);
  const Duplicates found = find_duplicates(PartSet({}, {folder / "part"}), options, pool);
  UnionFind clusters(hashes.size());
  for (uint32_t i = 0; i < hashes.size(); ++i) {
    for (uint32_t j = 0; j < i; ++j) {
      if (std::popcount(hashes[i] ^ hashes[j]) <= 3) {
        clusters.join(i, j);
      }
    }
  }
  std::map<uint32_t, uint32_t> root_of;
  for (uint32_t i = 0; i < hashes.size(); ++i) {
    EXPECT_EQ(root_of.try_emplace(found.keeper[i], clusters.find(i)).first->second, clusters.find(i));
  }
  std::set<uint32_t> roots;
  for (uint32_t i = 0; i < hashes.size(); ++i) {
    roots.insert(clusters.find(i));
  }
  EXPECT_EQ(root_of.size(), roots.size());
}

}  // namespace
}  // namespace athanor
