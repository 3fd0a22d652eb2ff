#include "athanor/tensor/autograd.h"

#include <torch/csrc/autograd/custom_function.h>

#include <utility>

#include "athanor/base/error.h"

namespace athanor {
namespace {

// Carries the closure through AutogradContext::saved_data.
struct BackwardHolder : torch::CustomClassHolder {
  BackwardHolder(BackwardFunction function, std::vector<bool> defined)
      : function(std::move(function)), defined(std::move(defined)) {}
  BackwardFunction function;
  std::vector<bool> defined;  // which of the caller's inputs autograd was given
};

struct ErasedFunction : torch::autograd::Function<ErasedFunction> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, at::TensorList inputs,
                            const ForwardFunction* forward, BackwardHolder* backward) {
    std::vector<at::Tensor> saved;
    at::Tensor y;
    {
      at::NoGradGuard no_grad;
      y = (*forward)(saved);
    }
    context->save_for_backward(std::move(saved));
    (void)inputs;
    context->saved_data["backward"] = at::IValue::make_capsule(
        c10::make_intrusive<BackwardHolder>(std::move(backward->function), std::move(backward->defined)));
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const auto capsule = context->saved_data["backward"].toCapsule();
    const auto* holder = static_cast<const BackwardHolder*>(capsule.get());
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> all = holder->function(context->get_saved_variables(), grads[0].contiguous());
    if (all.size() != holder->defined.size()) {
      throw Error(ErrorKind::kInternal, "a hand-written gradient returned the wrong number of tensors");
    }
    torch::autograd::variable_list result;
    for (size_t i = 0; i < all.size(); ++i) {
      if (holder->defined[i]) {
        result.push_back(std::move(all[i]));
      }
    }
    result.resize(result.size() + 2);  // the two closures have no gradient
    return result;
  }
};

}  // namespace

bool needs_grad(const std::vector<at::Tensor>& inputs) {
  if (!at::GradMode::is_enabled()) {
    return false;
  }
  for (const at::Tensor& input : inputs) {
    if (input.defined() && input.requires_grad()) {
      return true;
    }
  }
  return false;
}

at::Tensor custom_op(std::vector<at::Tensor> inputs, const ForwardFunction& forward, BackwardFunction backward) {
  if (!needs_grad(inputs)) {
    std::vector<at::Tensor> dropped;
    at::NoGradGuard no_grad;
    return forward(dropped);
  }
  std::vector<bool> defined;
  std::vector<at::Tensor> given;
  for (at::Tensor& input : inputs) {
    defined.push_back(input.defined());
    if (input.defined()) {
      given.push_back(std::move(input));
    }
  }
  BackwardHolder holder(std::move(backward), std::move(defined));
  return ErasedFunction::apply(at::TensorList(given), &forward, &holder);
}

void backward(const at::Tensor& loss) { loss.backward(); }

}  // namespace athanor
