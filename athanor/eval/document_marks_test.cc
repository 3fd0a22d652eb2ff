#include "athanor/eval/document_marks.h"

#include <ATen/ops/from_blob.h>
#include <gtest/gtest.h>

namespace athanor {
namespace {

std::vector<int32_t> marks_of(std::vector<int64_t> inputs, int64_t rows, int32_t end_of_text) {
  const auto length = static_cast<int64_t>(inputs.size()) / rows;
  const at::Tensor marks = document_marks(at::from_blob(inputs.data(), {rows, length}, at::kLong), end_of_text);
  if (!marks.defined()) {
    return {};
  }
  return {marks.const_data_ptr<int32_t>(), marks.const_data_ptr<int32_t>() + marks.numel()};
}

TEST(DocumentMarks, EndOfTextOpensTheNextDocument) {
  EXPECT_EQ(marks_of({0, 1, 9, 2, 9, 3, 4, 9}, 1, 9), (std::vector<int32_t>{0, 0, 1, 1, 2, 2, 2, 3}));
  EXPECT_EQ(marks_of({9, 1, 2, 9, 9, 4}, 2, 9), (std::vector<int32_t>{0, 0, 0, 0, 1, 1}));
}

TEST(DocumentMarks, OneDocumentARowNeedsNone) {
  EXPECT_TRUE(marks_of({9, 1, 2, 3, 4, 5}, 2, 9).empty());
  EXPECT_TRUE(marks_of({9, 1, 9, 3, 4, 5}, 1, -1).empty());
}

}  // namespace
}  // namespace athanor
