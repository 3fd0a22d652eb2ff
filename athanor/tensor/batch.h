// What one step reads. B sequences, T positions.
#pragma once

#include <ATen/core/Tensor.h>

namespace athanor {

struct Batch {
  at::Tensor tokens_BT;    // int64, in [0, vocab_size)
  at::Tensor targets_BT;   // int64, the token each position must predict; -1 = ignored
  at::Tensor document_BT;  // int32, index of the document inside the row (0, 1, 2, ...: never decreasing);
                           // undefined = attention may cross documents and positions run over the row
};

}  // namespace athanor
