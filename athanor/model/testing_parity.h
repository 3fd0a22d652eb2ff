// Fixtures of tests/parity/make_model_fixtures.py, for tests.
#pragma once

#include <gtest/gtest.h>

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <string>

#include "athanor/model/nn/module.h"
#include "athanor/tensor/weights.h"

namespace athanor {

inline const fs::path& parity_fixtures() {
  static const fs::path folder = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/model";
  return folder;
}

constexpr double kParityTolerance = 1e-4;

struct Expected {
  explicit Expected(const std::string& name)
      : path(parity_fixtures() / name / "expected.safetensors"), file(SafetensorsFile::open(path)) {}
  bool has(const std::string& tensor) const { return file.find(tensor) != nullptr; }
  at::Tensor get(const std::string& tensor) const { return as_tensor(*file.find(tensor), path.string()).clone(); }

  fs::path path;
  SafetensorsFile file;
};

inline double max_difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return a.sub(b).abs().max().item<double>();
}

// The same tensors under the same names in the same shapes as transformers wrote.
inline void expect_same_tensors(const fs::path& theirs_path, const fs::path& ours_path) {
  const auto theirs = SafetensorsFile::open(theirs_path);
  const auto ours = SafetensorsFile::open(ours_path);
  EXPECT_EQ(theirs.tensors().size(), ours.tensors().size());
  for (const TensorView& view : theirs.tensors()) {
    ASSERT_NE(ours.find(view.name), nullptr) << view.name;
    EXPECT_EQ(ours.find(view.name)->shape, view.shape) << view.name;
  }
}

}  // namespace athanor
