// Told when backward has a parameter's gradient ready: what lets its transfer begin while backward goes on.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

namespace athanor {

// After each backward pass that reaches the leaf: called once, in the thread that runs backward, with tensor.grad() added
// up and in place; it may put another tensor there. It stays until the next call; an empty function takes it away.
void on_gradient(const at::Tensor& leaf, std::function<void()> function);

}  // namespace athanor
