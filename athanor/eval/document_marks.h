// Which positions of a packed row belong to one document: the one rule that training and evaluation share.
//
// An end_of_text token closes a document and opens the next: as an input it belongs to the document it opens. So,
// with attention kept inside documents, the first token of a text is predicted from end_of_text alone, which is how
// generation starts.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace athanor {

// inputs_BT (int64) -> int32 [B, T]: 0 for the row's first document, then one more at each end_of_text after the
// first position. Undefined when no row holds more than one document, or end_of_text is -1.
at::Tensor document_marks(const at::Tensor& inputs_BT, int32_t end_of_text);

}  // namespace athanor
