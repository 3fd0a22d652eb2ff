#include "athanor/feature/saved.h"

#include <gtest/gtest.h>

#include "athanor/base/error.h"
#include "athanor/data/testing/test_scratch.h"

namespace athanor {
namespace {

TEST(Saved, PartsKeepTheirNamesApart) {
  const fs::path dir = scratch("saved_parts");
  SavedWriter out;
  out.json()["kind"] = "pipeline";
  out.put("mean", std::vector<double>{1.5, -2});
  SavedWriter part = out.part("steps").part("0");
  part.json()["by"] = "a/b.c~d";
  part.put("mean", std::vector<double>{7});
  part.put("codes", std::vector<int32_t>{3, 4, 5});
  part.put("names", std::vector<std::string>{"", "学习", "x"});
  out.write(dir);

  const SavedReader in = SavedReader::open(dir);
  EXPECT_EQ(in.get<std::string>("kind"), "pipeline");
  EXPECT_EQ(in.doubles("mean", 2)[1], -2);
  const SavedReader inner = in.part("steps").part("0");
  EXPECT_EQ(inner.get<std::string>("by"), "a/b.c~d");
  EXPECT_EQ(inner.doubles("mean", 1)[0], 7);
  EXPECT_EQ(inner.int32s("codes")[2], 5);
  EXPECT_EQ(inner.strings("names"), (std::vector<std::string>{"", "学习", "x"}));
  EXPECT_FALSE(inner.has("kind"));
}

TEST(Saved, WhatDoesNotFitIsNamed) {
  const fs::path dir = scratch("saved_parts");
  SavedWriter out;
  out.part("model").put("mean", std::vector<double>{1, 2});
  out.write(dir);
  const SavedReader in = SavedReader::open(dir);
  const auto message = [](const auto& act) -> std::string {
    try {
      act();
    } catch (const Error& error) {
      return error.message() + " @ " + error.where();
    }
    return "";
  };
  EXPECT_NE(message([&] {
              in.part("model").doubles("mean", 3);
            }).find("part 'model': the array 'mean' holds 2 values, not 3"),
            std::string::npos);
  EXPECT_NE(message([&] { in.part("model").floats("mean"); }).find("holds F64, not F32"),
            std::string::npos);
  EXPECT_NE(message([&] { in.part("modal"); }).find("part 'modal' is missing"), std::string::npos);
  EXPECT_NE(message([&] { in.get<int64_t>("trees"); }).find("saved.json"), std::string::npos);

  fs::resize_file(dir / "arrays.safetensors", 20);
  EXPECT_NE(message([&] { SavedReader::open(dir); }).find("arrays.safetensors"), std::string::npos);
  write_file_atomic(dir / "saved.json", "{\"schema\": 99}");
  EXPECT_NE(message([&] { SavedReader::open(dir); }).find("newer Athanor"), std::string::npos);
  write_file_atomic(dir / "saved.json", "{\"schema\": 1, \"x\": " + std::string(1'000'000, '['));
  EXPECT_NE(message([&] { SavedReader::open(dir); }).find("nested deeper than"), std::string::npos);
}

}  // namespace
}  // namespace athanor
