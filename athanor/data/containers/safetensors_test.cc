// The safetensors container: round trip, its exact bytes, and files that lie.
#include "athanor/data/containers/safetensors.h"

#include <gtest/gtest.h>

#include "athanor/base/hash.h"
#include "athanor/base/rng.h"
#include "athanor/data/testing/test_scratch.h"

namespace athanor {
namespace {

std::span<const uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string file_of(const std::string& header, const std::string& data) {
  std::string bytes(8, '\0');
  for (size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>((uint64_t{header.size()} >> (8 * i)) & 0xff);
  }
  return bytes + header + data;
}

TEST(Safetensors, RoundTripKeepsOrderAndBytes) {
  const fs::path path = scratch("safetensors") / "model.safetensors";
  const std::string a(24, 'a'), b(2, 'b'), scalar(8, 's');
  const TensorView tensors[] = {{"z.weight", "F32", {2, 3}, as_bytes(a)},
                                {"a.bias", "BF16", {1}, as_bytes(b)},
                                {"none", "I32", {0, 5}, {}},
                                {"step", "I64", {}, as_bytes(scalar)}};
  write_safetensors(path, tensors, {{"tie", "yes"}});
  const auto file = SafetensorsFile::open(path);
  ASSERT_EQ(file.tensors().size(), 4u);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.metadata().at("tie"), "yes");
  for (const TensorView& want : tensors) {
    const TensorView* got = file.find(want.name);
    ASSERT_NE(got, nullptr);
    EXPECT_EQ(got->dtype, want.dtype);
    EXPECT_EQ(got->shape, want.shape);
    EXPECT_TRUE(std::ranges::equal(got->bytes, want.bytes));
  }
  EXPECT_EQ(file.find("absent"), nullptr);
  const std::string bytes = read_file(path);
  EXPECT_EQ(static_cast<uint8_t>(bytes[0]) % 8, 0);
  const fs::path other = path.string() + ".other";
  const SafetensorsContent files[] = {{path, tensors, {{"tie", "yes"}}}, {other, {tensors, 1}, {}}};
  const std::vector<std::string> digests = write_safetensors_hashed(files);
  EXPECT_EQ(digests, (std::vector<std::string>{sha256_file(path), sha256_file(other)}));
  EXPECT_EQ(read_file(path), bytes);
  EXPECT_EQ(SafetensorsFile::open(other).tensors().size(), 1u);
}

TEST(Safetensors, LayoutIsTheFormatsOwn) {
  const fs::path path = scratch("safetensors-layout") / "m";
  const std::string data("\x00\x00\x80\x3f", 4);
  const TensorView one{"x", "F32", {1}, as_bytes(data)};
  write_safetensors(path, {&one, 1}, {});
  std::string header =
      R"({"__metadata__":{"format":"pt"},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  header.append((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(read_file(path), file_of(header, data));
}

TEST(Safetensors, WriterRefusesWhatDoesNotFit) {
  const fs::path path = scratch("safetensors-writer") / "m";
  const std::string data(8, 'x');
  const TensorView twice[] = {{"x", "F32", {2}, as_bytes(data)}, {"x", "F32", {2}, as_bytes(data)}};
  const TensorView shape[] = {{"x", "F32", {3}, as_bytes(data)}};
  const TensorView dtype[] = {{"x", "F31", {0}, {}}};
  const TensorView negative[] = {{"x", "F32", {-2}, as_bytes(data)}};
  EXPECT_EQ(error_of([&] { write_safetensors(path, twice, {}); }).kind(), ErrorKind::kInternal);
  EXPECT_EQ(error_of([&] { write_safetensors(path, shape, {}); }).kind(), ErrorKind::kInternal);
  EXPECT_EQ(error_of([&] { write_safetensors(path, dtype, {}); }).kind(), ErrorKind::kInternal);
  EXPECT_EQ(error_of([&] { write_safetensors(path, negative, {}); }).kind(), ErrorKind::kInternal);
}

TEST(Safetensors, HeadersThatLieAreRefused) {
  const fs::path path = scratch("safetensors-lies") / "m";
  const std::string data(8, 'd');
  const auto refused = [&](const std::string& header) {
    put_file(path, file_of(header, data));
    const Error error = error_of([&] { SafetensorsFile::open(path); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput) << header;
    EXPECT_EQ(error.where(), path.string());
  };
  refused(R"([])");
  refused(R"({})");  // 8 bytes belong to nothing
  refused(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}})");
  refused(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})");
  refused(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})");
  refused(R"({"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})");
  refused(R"({"x":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})");
  refused(R"({"x":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}})");
  refused(R"({"x":{"dtype":7,"shape":[2],"data_offsets":[0,8]}})");
  refused(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0]}})");
  refused(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1}})");
  refused(R"({"x":{"dtype":"U8","shape":[9223372036854775807,9223372036854775807,4],"data_offsets":[0,8]}})");
  refused(R"({"x":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"y":{"dtype":"U8","shape":[5],"data_offsets":[3,8]}})");
  refused(R"({"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"y":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})");
  refused(R"({"x":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"x":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})");
  refused(R"({"__metadata__":7,"x":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})");
  refused(R"({"__metadata__":{"a":1},"x":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})");
  refused(std::string(100'000, '['));
  refused("{\"x\":" + std::string(50'000, '[') + std::string(50'000, ']') + "}");
  put_file(path, std::string(8, '\xff') + "{}");
  EXPECT_EQ(error_of([&] { SafetensorsFile::open(path); }).kind(), ErrorKind::kInput);
}

TEST(Safetensors, EveryCutAndManyFlips) {
  const fs::path path = scratch("safetensors-cuts") / "m";
  const std::string a(24, 'a'), b(4, 'b');
  const TensorView tensors[] = {{"w", "F32", {2, 3}, as_bytes(a)}, {"b", "BF16", {2}, as_bytes(b)}};
  write_safetensors(path, tensors, {});
  const std::string good = read_file(path);
  for (size_t cut = 0; cut < good.size(); ++cut) {
    put_file(path, good.substr(0, cut));
    EXPECT_EQ(error_of([&] { SafetensorsFile::open(path); }).kind(), ErrorKind::kInput) << cut;
  }
  Rng rng(3);
  for (int i = 0; i < 500; ++i) {
    std::string bad = good;
    bad[rng.below(bad.size())] = static_cast<char>(rng.below(256));
    put_file(path, bad);
    try {
      const auto file = SafetensorsFile::open(path);
      uint64_t sum = 0;
      for (const TensorView& tensor : file.tensors()) {
        for (const uint8_t byte : tensor.bytes) {
          sum += byte;
        }
      }
      EXPECT_GT(sum, 0u);
    } catch (const Error& error) {
      EXPECT_EQ(error.where(), path.string());
    }
  }
}

}  // namespace
}  // namespace athanor
