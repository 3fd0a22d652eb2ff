#include "athanor/tensor/gradient_hook.h"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <memory>
#include <utility>

namespace athanor {

namespace {

class Hook : public torch::autograd::PostAccumulateGradHook {
 public:
  explicit Hook(std::function<void()> function) : function_(std::move(function)) {}
  void operator()(const torch::autograd::Variable& /*leaf*/) override { function_(); }

 private:
  std::function<void()> function_;
};

}  // namespace

void on_gradient(const at::Tensor& leaf, std::function<void()> function) {
  torch::autograd::impl::set_post_acc_grad_hooks(leaf, function ? std::make_unique<Hook>(std::move(function)) : nullptr);
}

}  // namespace athanor
