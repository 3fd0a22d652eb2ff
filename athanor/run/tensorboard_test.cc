// Event files byte for byte as TensorBoard's own writer makes them, and rebuilt from events.jsonl.
#include "athanor/run/tensorboard.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <limits>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/run/tensorboard_crc32c.h"

namespace athanor {
namespace {

constexpr double kTime = 1700000000.25;

fs::path scratch(const std::string& name) {
  const fs::path dir =
      fs::temp_directory_path() / ("athanor-tensorboard-" + name + "-" + std::to_string(::getpid()));
  fs::remove_all(dir);
  fs::create_directories(dir);
  return dir;
}

// Records of a file, every CRC checked.
std::vector<std::string> records(const std::string& bytes) {
  std::vector<std::string> out;
  const auto number = [&](size_t at, int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; ++i) {
      value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes.at(at + i))) << (8 * i);
    }
    return value;
  };
  for (size_t at = 0; at < bytes.size();) {
    const uint64_t length = number(at, 8);
    EXPECT_EQ(number(at + 8, 4), masked_crc32c(crc32c_by_table(bytes.substr(at, 8))));
    out.push_back(bytes.substr(at + 12, length));
    EXPECT_EQ(number(at + 12 + length, 4), masked_crc32c(crc32c_by_table(out.back())));
    at += length + 16;
  }
  return out;
}

TEST(Crc32c, KnownValuesAndBothForms) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720 B.4
  Rng rng(3);
  for (int round = 0; round < 300; ++round) {
    std::string bytes(rng.below(100), '\0');
    for (char& c : bytes) {
      c = static_cast<char>(rng.below(256));
    }
    EXPECT_EQ(crc32c(bytes), crc32c_by_table(bytes));
  }
}

TEST(TensorBoard, SameBytesAsTheirWriter) {
  const fs::path dir = scratch("bytes");
  TensorBoardWriter writer(dir, kTime);
  writer.scalar("train/loss", 0, 9.125, 1700000001.0);
  writer.scalar("train/loss", 300, 3.214, 1700000002.5);
  writer.scalar("valid/loss", 70000000000, std::numeric_limits<double>::max(), 1700000003.0);
  writer.text("samples", 300, "**To be** 炼丹\n");
  writer.scalar("train/lr", -1, 0.0, 1700000004.0);
  writer.close();
  EXPECT_TRUE(writer.path().filename().string().starts_with("events.out.tfevents.1700000000."));
  EXPECT_TRUE(writer.path().filename().string().ends_with("." + std::to_string(::getpid())));
  const std::string expected =
      read_file(fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/run/report_tensorboard.tfevents");
  EXPECT_EQ(read_file(writer.path()), expected);
}

TEST(TensorBoard, AppendsWithoutASecondHeader) {
  const fs::path dir = scratch("append");
  fs::path path;
  for (int i = 0; i < 2; ++i) {
    TensorBoardWriter writer(dir, kTime);
    writer.scalar("a", i, i, kTime);
    writer.close();
    path = writer.path();
  }
  EXPECT_EQ(records(read_file(path)).size(), 3u);
}

TEST(TensorBoard, RebuildsFromEvents) {
  const fs::path dir = scratch("rebuild");
  write_file_atomic(
      dir / "events.jsonl",
      "{\"type\":\"start\",\"step\":0}\n"
      "{\"type\":\"step\",\"step\":2,\"t\":1700000002,\"loss\":3.5,\"note\":\"x\",\"ok\":true}\n"
      "{\"type\":\"step\",\"step\":1,\"loss\":9,\"parts\":{\"aux\":0.5}}\n"
      "{\"type\":\"eval\",\"step\":2,\"loss\":3.75}\n"
      "{\"type\":\"step\",\"step\":2,\"t\":1700000005,\"loss\":3.25,\"lr\":null}\n"
      "\n"
      "not json\n"
      "[1]\n"
      "{\"type\":\"step\",\"step\":\"one\"}\n"
      "{\"type\":\"step\",\"step\":3,\"lo");
  fs::create_directories(dir / "tb");
  write_file_atomic(dir / "tb" / "events.out.tfevents.0000000001.old.1", "stale");
  const TensorBoardRebuild result = rebuild_tensorboard(dir / "events.jsonl", dir / "tb", kTime);
  EXPECT_EQ(result.events, 3u);
  EXPECT_EQ(result.scalars, 4u);
  EXPECT_EQ(result.superseded, 1u);
  EXPECT_EQ(result.bad_lines, 4u);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir / "tb"), fs::directory_iterator()), 1);
  TensorBoardWriter expected(dir / "expected", kTime);
  expected.scalar("train/loss", 1, 9, kTime);
  expected.scalar("train/parts/aux", 1, 0.5, kTime);
  expected.scalar("train/loss", 2, 3.25, 1700000005);
  expected.scalar("valid/loss", 2, 3.75, kTime);
  expected.close();
  EXPECT_EQ(read_file(result.path), read_file(expected.path()));
}

TEST(TensorBoard, LooksAtParametersAndLayersAreScalars) {
  const fs::path dir = scratch("watch");
  write_file_atomic(dir / "events.jsonl",
                    "{\"type\":\"watch\",\"step\":3,\"parameters\":{\"a.w\":{\"weight\":0.5,\"gradient\":2,\"ratio\":null},\"b\":7},"
                    "\"activations\":{\"layers.0\":{\"rms\":1.5,\"dead\":0}}}\n"
                    "{\"type\":\"step\",\"step\":3,\"loss\":4}\n"
                    "{\"type\":\"decision\",\"step\":3,\"rule\":1}\n"
                    "{\"type\":5,\"step\":3,\"rule\":1}\n");
  const TensorBoardRebuild result = rebuild_tensorboard(dir / "events.jsonl", dir / "tb", kTime);
  TensorBoardWriter expected(dir / "expected", kTime);
  expected.scalar("train/loss", 3, 4, kTime);
  expected.scalar("weight/a.w", 3, 0.5, kTime);
  expected.scalar("gradient/a.w", 3, 2, kTime);
  expected.scalar("activation/layers.0/dead", 3, 0, kTime);
  expected.scalar("activation/layers.0/rms", 3, 1.5, kTime);
  expected.close();
  EXPECT_EQ(result.events, 2u);
  EXPECT_EQ(read_file(result.path), read_file(expected.path()));
}

TEST(TensorBoard, UnwritableFolderIsAnError) {
  EXPECT_THROW(TensorBoardWriter("/proc/nowhere", kTime), Error);
  EXPECT_THROW(rebuild_tensorboard("/nowhere/events.jsonl", scratch("none"), kTime), Error);
}

}  // namespace
}  // namespace athanor
