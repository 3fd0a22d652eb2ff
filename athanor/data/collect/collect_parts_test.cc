// Collecting in parts: the same bytes whatever the threads, the breaks and the shards.
#include "athanor/data/collect/collect_parts.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <atomic>

#include "athanor/base/rng.h"
#include "athanor/data/documents/documents.h"
#include "athanor/data/documents/parquet.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/data/testing/test_tar.h"

namespace athanor {
namespace {

constexpr uint64_t kSmallPart = 24 << 10;

std::string row_text(uint64_t i) {
  std::string text = "row " + std::to_string(i);
  for (uint64_t n = mix64(i) % 40; n > 0; --n) {
    text += " word" + std::to_string(mix64(i + n) % 1000);
  }
  return text;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string warc_record(uint64_t i) {
  const std::string body = row_text(i);
  return "WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: http://x/" + std::to_string(i) +
         "\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body + "\r\n\r\n";
}

// One folder with a file of many kinds, each of several parts.
fs::path make_sources(const fs::path& dir) {
  std::string jsonl, csv = "id,text\n", lines, mbox, warc, frames, array = "[";
  for (uint64_t i = 0; i < 600; ++i) {
    jsonl += i % 97 == 5 ? "broken\n" : "{\"text\":\"" + row_text(i) + "\",\"n\":" + std::to_string(i) + "}\n";
    csv += std::to_string(i) + ",\"" + row_text(i) + "\n" + (i % 3 == 0 ? "two\"\"\"\n" : "\"\n");
    mbox += "From a@b Thu Jan  1 00:00:00 1970\nSubject: s" + std::to_string(i) + "\n\n" + row_text(i) + "\n\n";
    warc += gzip(warc_record(i));
    array += (i > 0 ? ", " : "") + std::string("{\"text\":\"") + row_text(i) + "\"}";
    lines += row_text(i) + "\n" + (i % 5 == 0 ? "\n" : "");
  }
  std::string packed;
  for (size_t at = 0; at < jsonl.size(); at += 5000) {
    frames += zstd(jsonl.substr(at, 5000));
    packed += gzip(jsonl.substr(at, 5000));
  }
  make_dirs(dir);
  put_file(dir / "a.jsonl", jsonl);
  put_file(dir / "b.jsonl.zst", frames);
  put_file(dir / "c.jsonl.gz", packed);
  put_file(dir / "c2.jsonl.gz", gzip(jsonl));
  put_file(dir / "d.csv", csv);
  put_file(dir / "e.mbox", mbox);
  put_file(dir / "f.warc.gz", warc);
  put_file(dir / "g.md", lines);
  put_file(dir / "i.json", array + "]");
  put_file(dir / "i2.json.gz", gzip(array + "]"));
  ParquetWriter writer(dir / "h.parquet", {{"text", ColumnType::kString}});
  for (uint64_t group = 0; group < 6; ++group) {
    std::vector<std::string> texts;
    for (uint64_t i = 0; i < 100; ++i) {
      texts.push_back(row_text(group * 100 + i));
    }
    writer.write_row_group({texts});
  }
  writer.finish();
  for (int i = 0; i < 40; ++i) {
    put_file(dir / ("small-" + std::to_string(100 + i) + ".txt"), row_text(static_cast<uint64_t>(i)));
  }
  return dir;
}

class CollectParts : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    root_ = scratch("collect-parts");
    make_sources(root_ / "texts");
  }
  static void TearDownTestSuite() { fs::remove_all(root_); }

  SourceContext context() { return {root_ / "cache", &digests_}; }

  CollectJob job(const std::string& name, const ReadOptions& read = {}) {
    CollectJob job;
    SourceContext context = this->context();
    job.sources.push_back(resolve_source({(root_ / "texts").string(), "", "", read}, context));
    job.part_bytes = kSmallPart;
    job.max_rejected = 0.2;
    job.threads = 1;
    job.state = root_ / name / "state";
    job.out = root_ / name / "out";
    job.rejected = root_ / name / "rejected";
    return job;
  }

  // Every byte that a run leaves.
  static std::map<std::string, std::string> bytes_of(const CollectJob& job) {
    std::map<std::string, std::string> files;
    for (const fs::path& dir : {job.out, job.rejected}) {
      for (const auto& entry : fs::directory_iterator(dir)) {
        files[entry.path().filename().string()] = read_file(entry.path());
      }
    }
    return files;
  }

  static fs::path root_;
  DigestCache digests_{root_ / "digests.jsonl"};
};

fs::path CollectParts::root_;

TEST_F(CollectParts, TheTextsOfTheReadersInTheirOrder) {
  for (const auto split : {ReadOptions::Split::kFile, ReadOptions::Split::kLines, ReadOptions::Split::kParagraphs}) {
    ReadOptions read;
    read.split = split;
    const CollectJob job = this->job("order-" + std::to_string(static_cast<int>(split)), read);
    SourceContext context = this->context();
    const CollectResult result = collect_documents(job, context);
    ASSERT_TRUE(result.complete);
    std::vector<std::string> want, got;
    uint64_t rejected = 0;
    for (const SourceFile& file : job.sources[0].files) {
      ReadSink sink;
      sink.on_document = [&](Document&& document) { want.push_back(document.id + document.meta); };
      sink.on_rejected = [&](Rejected&&) { ++rejected; };
      read_documents(file.path, file.source, read, sink);
    }
    const Documents documents = Documents::open(job.out);
    documents.for_each([&](uint64_t, Document&& document) {
      EXPECT_EQ(document.id, document_id(document.source, document.span_begin, document.text));
      got.push_back(document.id + document.meta);
    });
    EXPECT_EQ(got, want);
    EXPECT_EQ(result.rejected, rejected);
    EXPECT_GT(documents.manifest().shards.size(), 15u);
  }
}

TEST_F(CollectParts, ThreadsBreaksAndShardsChangeNothing) {
  const CollectJob whole = job("whole");
  SourceContext context = this->context();
  ASSERT_TRUE(collect_documents(whole, context).complete);
  const auto want = bytes_of(whole);

  CollectJob two = job("two");
  two.threads = 2;
  collect_documents(two, context);
  EXPECT_EQ(bytes_of(two), want);

  CollectJob broken = job("broken");
  Rng rng(3);
  int breaks = 0;
  for (bool done = false; !done;) {
    std::atomic<int64_t> calls = static_cast<int64_t>(rng.below(40)) + 3;
    broken.threads = static_cast<int>(rng.below(2)) + 1;
    broken.on_progress = [&](uint64_t, uint64_t, uint64_t) {
      if (--calls == 0) {
        throw Error(ErrorKind::kInterrupted, "stopped");
      }
    };
    try {
      fs::remove_all(broken.out);
      done = collect_documents(broken, context).complete;
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::kInterrupted) << error.what();
      ASSERT_LT(++breaks, 1000);
    }
  }
  EXPECT_GT(breaks, 0);
  EXPECT_EQ(bytes_of(broken), want);

  CollectJob shards = job("shards");
  for (uint64_t i = 0; i < 3; ++i) {
    shards.shard = {i, 3};
    EXPECT_EQ(collect_documents(shards, context).complete, i == 2);
  }
  shards.shard = {};
  EXPECT_TRUE(collect_documents(shards, context).complete);
  EXPECT_EQ(bytes_of(shards), want);
}

TEST_F(CollectParts, TooManyBadRowsEndTheRunWithTheirFile) {
  CollectJob strict = job("strict");
  strict.max_rejected = 0.001;
  SourceContext context = this->context();
  const Error error = error_of([&] { collect_documents(strict, context); });
  EXPECT_NE(error.message().find("broken JSON"), std::string::npos) << error.message();
  EXPECT_TRUE(fs::exists(strict.rejected / RejectLog::kFileName));
}

TEST_F(CollectParts, OtherSourcesThrowOldPartsAway) {
  const fs::path dir = root_ / "changing";
  make_dirs(dir);
  put_file(dir / "a.txt", "one");
  SourceContext context = this->context();
  CollectJob job = this->job("changed");
  job.sources = {resolve_source({dir.string()}, context)};
  collect_documents(job, context);
  put_file(dir / "a.txt", "other");
  job.sources = {resolve_source({dir.string()}, context)};
  fs::remove_all(job.out);
  collect_documents(job, context);
  std::string text;
  Documents::open(job.out).for_each([&](uint64_t, Document&& document) { text = document.text; });
  EXPECT_EQ(text, "other");
}

}  // namespace
}  // namespace athanor
