#include "athanor/eval/document_marks.h"

#include <ATen/ops/empty.h>

namespace athanor {

at::Tensor document_marks(const at::Tensor& inputs_BT, int32_t end_of_text) {
  const int64_t rows = inputs_BT.size(0);
  const int64_t length = inputs_BT.size(1);
  const at::Tensor marks_BT = at::empty({rows, length}, inputs_BT.options().dtype(at::kInt));
  const auto* inputs = inputs_BT.const_data_ptr<int64_t>();
  auto* marks = marks_BT.mutable_data_ptr<int32_t>();
  bool several = false;
  for (int64_t row = 0; row < rows; ++row) {
    int32_t document = 0;
    for (int64_t t = 0; t < length; ++t) {
      document += t > 0 && inputs[row * length + t] == end_of_text ? 1 : 0;
      marks[row * length + t] = document;
    }
    several = several || document > 0;
  }
  return several ? marks_BT : at::Tensor();
}

}  // namespace athanor
