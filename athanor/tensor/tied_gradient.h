// The gradient of a table that is the output head as well, on its way from the head to the look-up. The look-up's rows are
// added to it where it lies: a table of their own, and the sum of the two, would be the largest temporaries of a step.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

namespace athanor {

// One a forward pass. The head's gradient is made before the look-up's; where it was not made here, the look-up makes its own.
struct TiedGradient {
  at::Tensor dw_VC;  // fp32
};

}  // namespace athanor
