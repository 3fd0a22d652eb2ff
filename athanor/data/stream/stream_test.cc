// Streams and lines: every cut of a gzip or zstd file, members and frames, offsets, long lines.
#include "athanor/data/stream/stream.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"
#include "athanor/data/readers/rejected.h"
#include "athanor/data/stream/line_reader.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/data/testing/test_tar.h"

namespace athanor {
namespace {

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  out.resize(ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return out;
}

std::string text_of(size_t lines) {
  std::string text;
  for (size_t i = 0; i < lines; ++i) {
    text += "line " + std::to_string(mix64(i)) + "\n";
  }
  return text;
}

struct Got {
  std::string text;
  std::optional<StreamFault> fault;
};

Got read_file_stream(const fs::path& path) {
  const auto stream = open_stream(path);
  Got got;
  got.text = *read_all(*stream, 1 << 30);
  got.fault = stream->fault();
  return got;
}

TEST(Stream, PlainGzipAndZstdByTheirMagic) {
  const fs::path path = scratch("stream") / "named.txt";
  const std::string text = text_of(50'000);
  for (const std::string& bytes : {text, gzip(text), zstd(text), gzip("") + gzip(text) + std::string(512, '\0'),
                                   zstd(text.substr(0, 1000)) + zstd(text.substr(1000)),
                                   std::string("\x50\x2a\x4d\x18\x03\0\0\0abc", 11) + zstd(text)}) {
    put_file(path, bytes);
    const Got got = read_file_stream(path);
    EXPECT_EQ(got.text, text);
    EXPECT_FALSE(got.fault) << got.fault->reason;
  }
  for (const char* tiny : {"", "\x1f", "\x1f\x8b", "\x28\xb5\x2f"}) {
    put_file(path, tiny);
    EXPECT_EQ(read_file_stream(path).text, tiny);
  }
  EXPECT_EQ(error_of([] { open_stream("/nowhere/a.gz"); }).kind(), ErrorKind::kInput);
}

TEST(Stream, EveryCutGivesAPrefixAndAReason) {
  const fs::path path = scratch("stream-cut") / "a";
  const std::string text = text_of(100);
  for (const bool is_gzip : {true, false}) {
    const std::string good = is_gzip ? gzip(text) : zstd(text);
    for (size_t cut = 4; cut < good.size(); ++cut) {
      put_file(path, good.substr(0, cut));
      const Got got = read_file_stream(path);
      ASSERT_TRUE(got.fault) << cut;
      EXPECT_EQ(got.fault->reason, is_gzip ? "truncated gzip" : "truncated zstd");
      EXPECT_EQ(got.fault->offset, got.text.size());
      EXPECT_TRUE(text.starts_with(got.text));
    }
  }
}

TEST(Stream, FlippedBytesAreNoticed) {
  const fs::path path = scratch("stream-flip") / "a";
  const std::string text = text_of(3000);
  Rng rng(11);
  int noticed = 0;
  for (int i = 0; i < 300; ++i) {
    std::string bad = i % 2 == 0 ? gzip(text) : zstd(text);
    bad[18 + rng.below(bad.size() - 18)] ^= static_cast<char>(1 + rng.below(255));
    put_file(path, bad);
    const Got got = read_file_stream(path);
    noticed += got.fault.has_value();
    EXPECT_TRUE(got.fault || got.text == text);
  }
  EXPECT_GT(noticed, 290);
  put_file(path, gzip(text) + "garbage");
  EXPECT_EQ(read_file_stream(path).fault->reason, "corrupt gzip");
  EXPECT_EQ(read_file_stream(path).text, text);
}

struct OwnLine {
  std::string text;
  uint64_t begin, end;
  bool too_long;
};

std::vector<OwnLine> lines_of(const std::string& bytes, uint64_t max = LineReader::kMaxLineBytes) {
  static const fs::path path = scratch("lines") / "a";
  put_file(path, bytes);
  const auto stream = open_stream(path);
  LineReader reader(*stream, max);
  std::vector<OwnLine> lines;
  Line line;
  while (reader.next(line)) {
    lines.push_back({std::string(line.text), line.begin, line.end, line.too_long});
  }
  return lines;
}

TEST(LineReader, OffsetsPointAtTheBytes) {
  const std::string bytes = "a\n\nbb\r\nlast";
  const auto lines = lines_of(bytes);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[2].text, "bb\r");
  EXPECT_EQ(lines[3].text, "last");
  for (const OwnLine& line : lines) {
    EXPECT_EQ(bytes.substr(line.begin, line.text.size()), line.text);
  }
  EXPECT_EQ(lines[3].end, bytes.size());
  EXPECT_TRUE(lines_of("").empty());
  EXPECT_EQ(lines_of("\xef\xbb\xbfx\n")[0].text, "x");
  EXPECT_EQ(lines_of("\xef\xbb\xbfx\n")[0].begin, 3u);
  EXPECT_TRUE(lines_of("\xef\xbb\xbf").empty());
}

TEST(LineReader, LongLinesAreToldAndPassed) {
  for (const size_t size : {101u, 5000u, 300'000u, 2'000'000u}) {
    const auto lines = lines_of("first\n" + std::string(size, 'x') + "\nafter\n" + std::string(size, 'y'), 100);
    ASSERT_EQ(lines.size(), 4u) << size;
    EXPECT_TRUE(lines[1].too_long);
    EXPECT_EQ(lines[1].begin, 6u);
    EXPECT_EQ(lines[1].end, 6 + size + 1);
    EXPECT_EQ(lines[2].text, "after");
    EXPECT_EQ(lines[2].begin, 6 + size + 1);
    EXPECT_TRUE(lines[3].too_long);
  }
}

TEST(LineReader, ManyLinesAgainstASimpleSplit) {
  Rng rng(5);
  std::string bytes;
  std::vector<std::string> want(1);
  for (int i = 0; i < 600'000; ++i) {
    const char c = rng.below(40) == 0 ? '\n' : static_cast<char>('a' + rng.below(26));
    bytes += c;
    if (c == '\n') {
      want.emplace_back();
    } else {
      want.back() += c;
    }
  }
  if (want.back().empty()) {
    want.pop_back();
  }
  const auto lines = lines_of(zstd(bytes));
  ASSERT_EQ(lines.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_EQ(lines[i].text, want[i]);
  }
}

TEST(LineReader, AHalfLineBeforeAFaultIsNotDelivered) {
  const std::string text = text_of(5000);
  const std::string packed = gzip(text);
  const auto lines = lines_of(packed.substr(0, packed.size() / 2));
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(text[lines.back().end - 1], '\n');
}

TEST(Utf8Check, FindsTheFirstBadByte) {
  EXPECT_EQ(find_invalid_utf8("aé文😀"), std::string_view::npos);
  const std::pair<std::string, size_t> bad[] = {{"ab\xff", 2},         {"\xc0\x80", 0},         {"文\xed\xa0\x80", 3},
                                                {"a\xf4\x90\x80\x80", 1}, {"a\xe6\x96", 1},        {"\xf0\x80\x80\x80", 0},
                                                {"é\x80", 2},           {"x\xf8\x88\x80\x80\x80", 1}};
  for (const auto& [text, at] : bad) {
    EXPECT_EQ(find_invalid_utf8(text), at);
    EXPECT_EQ(find_invalid_utf8(repair_utf8(text)), std::string_view::npos);
  }
  EXPECT_EQ(repair_utf8("a\xe6\x96z"), "a\xef\xbf\xbdz");
  EXPECT_EQ(repair_utf8("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(utf8_prefix("a文文", 4), "a文");
  EXPECT_EQ(utf8_prefix("a文文", 6), "a文");
  EXPECT_EQ(utf8_prefix("文", 2), "");
}

TEST(RejectLog, CountsKeepsAndStops) {
  const fs::path dir = scratch("rejected");
  RejectLog log(dir / "rejected");
  log.check(0, 0.01, true);
  EXPECT_FALSE(fs::exists(dir / "rejected"));
  log.add({"broken JSON", "a.jsonl", 12, std::string(150, 'a') + std::string(200, '\xff')});
  log.add({"broken JSON", "a.jsonl", 99, "{"});
  log.add({"empty", "b\xff.txt", 0, ""});
  log.check(10, 0.01);  // too few rows to judge
  log.check(297, 0.01);
  const Error error = error_of([&] { log.check(296, 0.01); });
  EXPECT_EQ(error.kind(), ErrorKind::kInput);
  EXPECT_NE(error.message().find("2 broken JSON, 1 empty"), std::string::npos);
  EXPECT_EQ(error_of([&] { log.check(10, 0.01, true); }).kind(), ErrorKind::kInput);
  EXPECT_EQ(log.counts().at("broken JSON"), 2u);
  EXPECT_EQ(log.total(), 3u);
  const std::string kept = read_file(dir / "rejected/rejected.jsonl");
  EXPECT_EQ(std::count(kept.begin(), kept.end(), '\n'), 3);
  EXPECT_EQ(find_invalid_utf8(kept), std::string::npos);
  EXPECT_LT(kept.find('\n'), 300u);
}

}  // namespace
}  // namespace athanor
