#include "athanor/feature/image/filters.h"
#include "athanor/feature/test_fixture.h"

namespace athanor {
namespace {

Image image_of(const nlohmann::json& rows) {
  Image image;
  image.height = static_cast<int64_t>(rows.size());
  image.width = static_cast<int64_t>(rows[0].size());
  image.channels = 1;
  for (const auto& row : rows) {
    for (const auto& pixel : row) {
      image.pixels.push_back(pixel.get<uint8_t>());
    }
  }
  return image;
}

TEST(ImageFeatures, AsScikitImage) {
  const nlohmann::json fixture = read_fixture("images.json");
  const Image image = image_of(fixture["image"]);
  const Plane plane = plane_of(image, 1), unit = plane_of(image, 255);
  const Plane gradient = sobel(unit), edges = canny(unit);
  const auto patterns = local_binary_patterns(plane);
  size_t other_edges = 0, other_patterns = 0;
  for (int64_t r = 0; r < 40; ++r) {
    for (int64_t c = 0; c < 40; ++c) {
      const auto row = static_cast<size_t>(r), column = static_cast<size_t>(c);
      ASSERT_NEAR(gradient.at(r, c), fixture["sobel"][row][column].get<double>(), 1e-9);
      other_edges += edges.at(r, c) != fixture["canny"][row][column].get<double>() ? 1 : 0;
      other_patterns +=
          patterns[row * 40 + column] != fixture["lbp"][row][column].get<int>() ? 1 : 0;
    }
  }
  EXPECT_EQ(other_edges, 0u);
  EXPECT_EQ(other_patterns, 0u);
  const std::vector<double> gradients = hog(plane, 9, 8, 3);
  ASSERT_EQ(gradients.size(), fixture["hog"].size());
  for (size_t i = 0; i < gradients.size(); ++i) {
    ASSERT_NEAR(gradients[i], fixture["hog"][i].get<double>(), 1e-6) << i;
  }
}

TEST(ImageFeatures, EncodersReadImagesOfDocuments) {
  const nlohmann::json fixture = read_fixture("images.json");
  const Image image = image_of(fixture["image"]);
  const std::string pixels(image.pixels.begin(), image.pixels.end());
  TableColumn column;
  column.name = "image";
  column.kind = ColumnKind::kImage;
  column.texts = {image_json(pixels, "raw", image).dump(), "",
                  "{\"format\":\"png\",\"bytes\":\"AAAA\"}"};
  const TableColumn* columns[] = {&column};
  ThreadPool pool(2);
  FitContext context{pool};
  for (const char* kind : {"colors", "hog", "edges", "texture", "pixels"}) {
    auto encoder = make_encoder(kind, nlohmann::json::object(), "test");
    const Matrix x = encoder->fit(columns, nullptr, context);
    ASSERT_EQ(x.names.size(), x.columns) << kind;
    double sum = 0;
    for (uint64_t i = 0; i < x.columns; ++i) {
      ASSERT_TRUE(std::isfinite(x.at(0, i))) << kind;
      ASSERT_TRUE(std::isnan(x.at(1, i))) << kind;  // no image, and one that is damaged
      ASSERT_TRUE(std::isnan(x.at(2, i))) << kind;
      sum += x.at(0, i);
    }
    if (kind == std::string("colors")) {
      EXPECT_NEAR(sum, 3, 1e-9);
    } else if (kind == std::string("texture")) {
      EXPECT_NEAR(sum, 4, 1e-9);
    }
  }
  EXPECT_THROW(make_encoder("hog", {{"size", 16}}, ""), Error);
}

}  // namespace
}  // namespace athanor
