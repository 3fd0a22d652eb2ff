// The documents artifact: round trips, filters over filters, damage.
#include "athanor/data/documents/documents.h"

#include <gtest/gtest.h>

#include "athanor/base/hash.h"
#include "athanor/base/rng.h"
#include "athanor/data/documents/documents_shard.h"
#include "athanor/data/testing/test_scratch.h"

namespace athanor {
namespace {

Document sample(uint64_t i) {
  Document document;
  document.text = "文 " + std::to_string(i) + std::string(i % 97, 'x');
  document.source = "a/b.jsonl";
  document.span_begin = i * 100;
  document.span_end = i * 100 + document.text.size();
  document.meta = "{\"n\":" + std::to_string(i) + "}";
  document.id = document_id(document.source, document.span_begin, document.text);
  return document;
}

void write_samples(const fs::path& dir, uint64_t count, uint64_t shard_bytes) {
  DocumentWriter writer(dir, shard_bytes);
  for (uint64_t i = 0; i < count; ++i) {
    writer.add(sample(i));
  }
  writer.finish();
}

std::vector<Document> read_all(const Documents& documents) {
  std::vector<Document> all;
  documents.for_each([&](uint64_t, Document&& document) { all.push_back(std::move(document)); });
  return all;
}

TEST(Document, IdIsTheFirstHalfOfSha256) {
  const std::string digest("\xc5\xa6\x4e\xff\xf9\x22\x4e\x39\x26\x80\x52\x56\x87\xaa\xc7\xc5", 16);  // xxhsum -H2 of "text"
  const std::string hashed = std::string("s\0", 2) + std::string("7\0", 2) + digest;
  EXPECT_EQ(document_id("s", 7, "text"), sha256_hex(hashed).substr(0, 32));
  EXPECT_NE(document_id("s", 7, "text"), document_id("s", 8, "text"));
  EXPECT_NE(document_id("s", 7, "text"), document_id("s", 7, "texT"));
}

TEST(Documents, EveryPageCodecIsRead) {
  const fs::path dir = scratch("codecs");
  std::vector<std::string> names;
  for (const char* name : {"zstd", "lz4", "snappy"}) {
    TextShardWriter writer(dir / name, page_codec(name, "pages"));
    for (uint64_t i = 0; i < 2000; ++i) {
      writer.add({"", "the same words again " + std::to_string(i), "s", i, i + 1, "{}"});
    }
    writer.finish();
    uint64_t rows = 0;
    ParquetFile(dir / name).for_each_batch({{"text", ColumnType::kString}}, [&](uint64_t, std::vector<ColumnValues>&& batch) {
      for (const std::string& text : std::get<std::vector<std::string>>(batch[0])) {
        EXPECT_EQ(text, "the same words again " + std::to_string(rows++));
      }
    });
    EXPECT_EQ(rows, 2000u);
    EXPECT_LT(fs::file_size(dir / name), 110'000u) << name;  // 54,000 bytes of text alone, and 64,000 of ids
  }
  EXPECT_NE(read_file(dir / "lz4"), read_file(dir / "snappy"));
  EXPECT_EQ(error_of([] { page_codec("gzip", "pages"); }).kind(), ErrorKind::kInput);
}

TEST(Documents, WhatWasWrittenIsRead) {
  const fs::path dir = scratch("roundtrip");
  write_samples(dir, 5000, 50'000);
  const Documents documents = Documents::open(dir);
  EXPECT_EQ(documents.num_documents(), 5000u);
  EXPECT_GT(documents.manifest().shards.size(), 3u);
  const std::vector<Document> all = read_all(documents);
  ASSERT_EQ(all.size(), 5000u);
  uint64_t bytes = 0;
  for (uint64_t i = 0; i < all.size(); ++i) {
    const Document want = sample(i);
    EXPECT_EQ(all[i].id, want.id);
    EXPECT_EQ(all[i].text, want.text);
    EXPECT_EQ(all[i].source, want.source);
    EXPECT_EQ(all[i].span_begin, want.span_begin);
    EXPECT_EQ(all[i].span_end, want.span_end);
    EXPECT_EQ(all[i].meta, want.meta);
    bytes += want.text.size();
  }
  EXPECT_EQ(documents.text_bytes(), bytes);
}

TEST(Documents, SameDocumentsGiveTheSameBytes) {
  const fs::path a = scratch("same-a"), b = scratch("same-b");
  write_samples(a, 1000, 20'000);
  write_samples(b, 1000, 20'000);
  for (const auto& entry : fs::directory_iterator(a)) {
    EXPECT_EQ(sha256_file(entry.path()), sha256_file(b / entry.path().filename())) << entry.path();
  }
}

TEST(Documents, NoDocumentsIsAnArtifactToo) {
  const fs::path dir = scratch("empty");
  write_samples(dir, 0, 1000);
  EXPECT_EQ(Documents::open(dir).num_documents(), 0u);
  EXPECT_TRUE(read_all(Documents::open(dir)).empty());
  write_filtered(dir / "f", Documents::open(dir), {}, {});
  EXPECT_EQ(Documents::open(dir / "f").num_rows(), 0u);
}

TEST(Documents, FilterOverFilterCopiesNoText) {
  const fs::path root = scratch("filter");
  write_samples(root / "collect-1/out", 1000, 10'000);
  const Documents base = Documents::open(root / "collect-1/out");
  std::vector<bool> even(1000), third(1000);
  std::vector<double> score(1000);
  std::vector<int64_t> cluster(1000);
  std::vector<std::string> lang(1000);
  for (size_t i = 0; i < 1000; ++i) {
    even[i] = i % 2 == 0;
    third[i] = i % 3 == 0;
    score[i] = static_cast<double>(i) / 8;
    cluster[i] = static_cast<int64_t>(i / 4);
    lang[i] = i % 5 == 0 ? "zh" : "en";
  }
  write_filtered(root / "clean-2/out.tmp", base, even, std::vector<Column>{{"score", score}, {"lang", lang}});
  fs::rename(root / "clean-2/out.tmp", root / "clean-2/out");
  const Documents clean = Documents::open(root / "clean-2/out");
  EXPECT_EQ(clean.num_documents(), 500u);
  for (double& value : score) {
    value = -value;
  }
  write_filtered(root / "dedup-3/out", clean, third, std::vector<Column>{{"cluster_id", cluster}, {"score", score}});
  for (const auto& entry : fs::recursive_directory_iterator(root / "dedup-3")) {
    EXPECT_EQ(entry.path().filename().string().find("part-"), std::string::npos);
  }
  const Documents dedup = Documents::open(root / "dedup-3/out");
  const std::vector<Document> all = read_all(dedup);
  const auto scores = dedup.float_column("score");
  const auto clusters = dedup.int_column("cluster_id");
  const auto langs = dedup.string_column("lang");
  ASSERT_EQ(all.size(), 167u);
  ASSERT_EQ(dedup.num_documents(), 167u);
  ASSERT_EQ(scores.size(), 167u);
  uint64_t bytes = 0;
  for (size_t k = 0; k < all.size(); ++k) {
    const size_t i = 6 * k;
    EXPECT_EQ(all[k].text, sample(i).text);
    EXPECT_EQ(scores[k], -static_cast<double>(i) / 8);
    EXPECT_EQ(clusters[k], static_cast<int64_t>(i / 4));
    EXPECT_EQ(langs[k], lang[i]);
    EXPECT_EQ(dedup.ids()[k], all[k].id);
    bytes += all[k].text.size();
  }
  EXPECT_EQ(dedup.text_bytes(), bytes);
  EXPECT_EQ(dedup.float_column("cluster_id")[1], 1.0);
  EXPECT_NE(error_of([&] { dedup.int_column("perplexity"); }).hint().find("cluster_id"), std::string::npos);
  EXPECT_EQ(error_of([&] { dedup.int_column("lang"); }).kind(), ErrorKind::kInput);

  materialise(root / "copy/out", dedup, 1000);
  fs::remove_all(root / "collect-1");
  const Documents copy = Documents::open(root / "copy/out");
  EXPECT_EQ(copy.num_rows(), 167u);
  EXPECT_EQ(copy.ids(), std::vector<std::string>([&] {
    std::vector<std::string> ids;
    for (const Document& document : all) {
      ids.push_back(document.id);
    }
    return ids;
  }()));
  EXPECT_EQ(copy.float_column("score"), scores);
  EXPECT_EQ(copy.string_column("lang"), langs);

  const Error missing = error_of([&] { Documents::open(root / "dedup-3/out"); });
  EXPECT_EQ(missing.kind(), ErrorKind::kInput);
  EXPECT_NE(missing.where().find("collect-1/out/part-00000.parquet"), std::string::npos);
}

TEST(Documents, OddManifestsAreRefused) {
  const fs::path dir = scratch("manifest");
  write_samples(dir, 10, 1000);
  const std::string good = read_file(dir / "documents.json");
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    put_file(dir / "documents.json", text);
    const Error error = error_of([&] { Documents::open(dir); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput) << to;
    EXPECT_FALSE(error.where().empty()) << to;
  };
  refused("\"part-00000.parquet\"", "\"/etc/passwd\"");
  refused("\"part-00000.parquet\"", "\"\"");
  refused("\"part-00000.parquet\"", "\"nowhere.parquet\"");
  refused("\"part-00000.parquet\"", "7");
  refused("\"rows\": 10", "\"rows\": 11");
  refused("\"rows\": 10", "\"rows\": -1");
  refused("\"rows\": 10", "\"rows\": 18446744073709551615");
  refused("\"num_rows\": 10", "\"num_rows\": 9");
  refused("\"num_documents\": 10", "\"num_documents\": 9");
  refused("\"schema\": 1", "\"schema\": 2");
  refused("\"shards\"", "\"shard\"");
  for (size_t cut = 0; cut + 2 < good.size(); cut += 7) {
    put_file(dir / "documents.json", good.substr(0, cut));
    EXPECT_EQ(error_of([&] { Documents::open(dir); }).kind(), ErrorKind::kInput) << cut;
  }
  fs::remove(dir / "documents.json");
  EXPECT_EQ(error_of([&] { Documents::open(dir); }).kind(), ErrorKind::kInput);
}

TEST(Documents, KeepBitmapIsChecked) {
  std::vector<bool> keep(19);
  keep[0] = keep[7] = keep[18] = true;
  const std::string packed = pack_keep(keep);
  EXPECT_EQ(packed.size(), 8u + 3u);
  EXPECT_EQ(unpack_keep(packed, "keep.bin"), keep);
  for (size_t cut = 0; cut < packed.size(); ++cut) {
    EXPECT_EQ(error_of([&] { unpack_keep(packed.substr(0, cut), "keep.bin"); }).where(), "keep.bin");
  }
  std::string tail = packed;
  tail.back() |= '\x08';
  EXPECT_EQ(error_of([&] { unpack_keep(tail, "keep.bin"); }).kind(), ErrorKind::kInput);
  std::string huge = packed;
  huge[7] = '\xff';
  EXPECT_EQ(error_of([&] { unpack_keep(huge, "keep.bin"); }).kind(), ErrorKind::kInput);
}

// Any cut and any flipped byte: an Error that names the file, or (a flip in unused bytes) the same documents.
TEST(Documents, DamagedShardsNeverCrash) {
  const fs::path dir = scratch("damage");
  write_samples(dir, 300, 1 << 20);
  const fs::path shard = dir / "part-00000.parquet";
  const std::string good = read_file(shard);
  const std::vector<Document> want = read_all(Documents::open(dir));
  Rng rng(7);
  int noticed = 0;
  for (int i = 0; i < 250; ++i) {
    std::string bad = good;
    if (i % 2 == 0) {
      bad.resize(rng.below(good.size()));
    } else {
      bad[rng.below(good.size())] ^= static_cast<char>(1 + rng.below(255));
    }
    put_file(shard, bad);
    try {
      const std::vector<Document> got = read_all(Documents::open(dir));
      ASSERT_EQ(got.size(), want.size());
      for (size_t k = 0; k < got.size(); ++k) {
        ASSERT_EQ(got[k].text, want[k].text);
      }
    } catch (const Error& error) {
      EXPECT_NE(error.where().find("part-00000.parquet"), std::string::npos) << error.what();
      EXPECT_FALSE(error.hint().empty());
      ++noticed;
    }
  }
  EXPECT_GT(noticed, 200);
}

}  // namespace
}  // namespace athanor
