#include "athanor/data/images/image.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "athanor/base/base64.h"
#include "athanor/base/error.h"
#include "athanor/data/readers/readers.h"

namespace athanor {
namespace {

const fs::path kFixtures = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/data/images";

std::string bytes_of(const std::string& name) { return read_file(kFixtures / name, 1 << 20); }

Image decoded(const std::string& name) {
  Image image;
  std::string reason;
  EXPECT_TRUE(decode_image(bytes_of(name), image, reason)) << name << ": " << reason;
  return image;
}

struct Read {
  std::vector<Document> documents;
  std::vector<Rejected> rejected;
  int skipped = 0;
};

Read read_all_of(const fs::path& path, const std::string& source) {
  Read found;
  ReadSink sink;
  sink.on_document = [&](Document&& document) { found.documents.push_back(std::move(document)); };
  sink.on_rejected = [&](Rejected&& row) { found.rejected.push_back(std::move(row)); };
  sink.on_skipped = [&](const char*) { ++found.skipped; };
  read_documents(path, source, {}, sink);
  return found;
}

TEST(Image, PngOfEveryKind) {
  EXPECT_EQ(decoded("grey.png").pixels, (std::vector<uint8_t>{0, 128, 255, 10, 20, 30}));
  const Image rgb = decoded("rgb.png");
  EXPECT_EQ(rgb.channels, 3);
  EXPECT_EQ(rgb.pixels, (std::vector<uint8_t>{255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7}));
  EXPECT_EQ(decoded("rgba.png").pixels, (std::vector<uint8_t>{200, 100, 50, 0, 0, 0}));  // nothing over black
  EXPECT_EQ(decoded("palette.png").pixels, (std::vector<uint8_t>{1, 2, 3, 40, 50, 60, 70, 80, 90, 250, 251, 252}));
  const Image deep = decoded("grey16.png");
  EXPECT_EQ(deep.channels, 1);
  EXPECT_EQ(deep.pixels[1], 255);
}

TEST(Image, JpegAndItsCuts) {
  const std::string whole = bytes_of("cifar.jpg");
  Image image;
  std::string reason;
  ASSERT_TRUE(decode_image(whole, image, reason));
  EXPECT_EQ(image.width, 32);
  EXPECT_EQ(image.channels, 3);
  for (size_t size = 0; size + 2 < whole.size(); size += 7) {
    EXPECT_FALSE(decode_image(whole.substr(0, size), image, reason)) << size;
    EXPECT_FALSE(reason.empty());
  }
}

TEST(Image, ABombIsRefusedBeforeItsMemoryIsTaken) {
  Image image;
  std::string reason;
  EXPECT_FALSE(decode_image(bytes_of("bomb.png"), image, reason));
  EXPECT_EQ(reason, "too many pixels");
  EXPECT_TRUE(image.pixels.empty());
}

TEST(Image, ResizingKeepsTheMeanAndTheCorners) {
  Image image{4, 4, 1, {}};
  for (uint8_t i = 0; i < 16; ++i) {
    image.pixels.push_back(static_cast<uint8_t>(10 * i));
  }
  EXPECT_EQ(resized(image, 2, 2).pixels, (std::vector<uint8_t>{25, 45, 105, 125}));  // means of four
  EXPECT_EQ(resized(image, 1, 1).pixels, (std::vector<uint8_t>{75}));
  const Image large = resized(image, 8, 8);
  EXPECT_EQ(large.pixels.front(), 0);
  EXPECT_EQ(large.pixels.back(), 150);
  EXPECT_EQ(with_channels(Image{1, 1, 3, {255, 0, 0}}, 1).pixels[0], 76);
  EXPECT_EQ(with_channels(Image{1, 1, 1, {7}}, 3).pixels, (std::vector<uint8_t>{7, 7, 7}));
}

TEST(Image, InMeta) {
  Image image;
  std::string reason;
  const std::string png = bytes_of("rgb.png");
  const nlohmann::json meta{{"image", image_json(png, "png", decoded("rgb.png"))}};
  ASSERT_TRUE(image_of_meta(meta.dump(), image, reason));
  EXPECT_EQ(image.pixels, decoded("rgb.png").pixels);
  const auto raw = [](int64_t width, int64_t height, const std::string& bytes) {
    return nlohmann::json{{"image", {{"format", "raw"}, {"width", width}, {"height", height}, {"channels", 1}, {"bytes", to_base64(bytes)}}}}.dump();
  };
  EXPECT_TRUE(image_of_meta(raw(2, 1, "ab"), image, reason));
  for (const std::string& bad : {raw(3, 1, "ab"), raw(-2, -1, "ab"), raw(int64_t{1} << 40, int64_t{1} << 40, "ab"), raw(0, 0, ""),
                                 std::string("{}"), std::string("[]"), std::string("{\"image\": {\"bytes\": \"?\"}}")}) {
    EXPECT_FALSE(image_of_meta(bad, image, reason)) << bad;
  }
}

TEST(ImageReaders, IdxWithItsLabels) {
  const Read found = read_all_of(kFixtures / "two-images-idx3-ubyte", "two");
  ASSERT_EQ(found.documents.size(), 2);
  const auto meta = nlohmann::json::parse(found.documents[1].meta);
  EXPECT_EQ(meta["label"], 3);
  EXPECT_EQ(meta["image"]["width"], 3);
  Image image;
  std::string reason;
  ASSERT_TRUE(image_of_meta(found.documents[1].meta, image, reason));
  EXPECT_EQ(image.pixels, (std::vector<uint8_t>{6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(read_all_of(kFixtures / "two-labels-idx1-ubyte", "labels").skipped, 1);
}

TEST(ImageReaders, ArchiveOfImagesKeepsTheGoodOnes) {
  const Read found = read_all_of(kFixtures / "set.tar", "set.tar");
  ASSERT_EQ(found.documents.size(), 2);
  EXPECT_EQ(found.documents[0].source, "set.tar/set/cat/1.png");
  EXPECT_EQ(found.documents[0].text, "set.tar/set/cat/1.png");
  ASSERT_EQ(found.rejected.size(), 1);
  EXPECT_EQ(found.rejected[0].reason, "damaged JPEG");
  EXPECT_EQ(found.rejected[0].source, "set.tar/set/dog/broken.jpg");
  EXPECT_EQ(found.skipped, 1);
}

TEST(ImageReaders, RealFiles) {
  const char* data = std::getenv("ATHANOR_DATA");
  if (data == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const Read samples = read_all_of(fs::path(data) / "images/skimage-samples.tar", "samples.tar");
  EXPECT_GT(samples.documents.size(), 8);
  bool truncated = false;
  for (const Rejected& row : samples.rejected) {
    truncated = truncated || row.source.find("truncated") != std::string::npos;
  }
  EXPECT_TRUE(truncated);
}

}  // namespace
}  // namespace athanor
