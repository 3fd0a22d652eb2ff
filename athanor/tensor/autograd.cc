#include "athanor/tensor/autograd.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
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
    const at::Tensor grad = grads[0].contiguous(grads[0].suggest_memory_format());
    std::vector<at::Tensor> all = holder->function(context->get_saved_variables(), grad);
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

// The parameters that the operations of a forward pass were given, while one is watched on this thread.
thread_local std::vector<at::Tensor>* watched = nullptr;

struct Watch {
  explicit Watch(std::vector<at::Tensor>& into) : before(watched) { watched = &into; }
  ~Watch() { watched = before; }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  std::vector<at::Tensor>* before;
};

void note_parameters(const std::vector<at::Tensor>& inputs) {
  for (const at::Tensor& input : inputs) {
    if (input.defined() && input.requires_grad() && input.is_leaf() &&
        std::none_of(watched->begin(), watched->end(), [&](const at::Tensor& x) { return x.is_same(input); })) {
      watched->push_back(input);
    }
  }
}

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
  if (watched != nullptr) {
    note_parameters(inputs);
  }
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

at::Tensor recomputed(const at::Tensor& x, std::function<at::Tensor(const at::Tensor& x)> function) {
  if (!at::GradMode::is_enabled()) {
    return function(x);
  }
  std::vector<at::Tensor> inputs;
  at::Tensor y;
  {
    const Watch watch(inputs);
    at::NoGradGuard no_grad;
    y = function(x.detach());
  }
  inputs.insert(inputs.begin(), x);
  const std::vector<at::Tensor> parameters(inputs.begin() + 1, inputs.end());
  return custom_op(
      std::move(inputs),
      [&](std::vector<at::Tensor>& saved) {
        saved = {x};
        return y;
      },
      [function = std::move(function), parameters, x_grad = x.requires_grad()](
          const std::vector<at::Tensor>& saved, const at::Tensor& dy) {
        const at::AutoGradMode with_grad(true);
        const at::Tensor again = saved[0].detach().requires_grad_(x_grad);
        std::vector<at::Tensor> wanted = parameters;
        if (x_grad) {
          wanted.insert(wanted.begin(), again);
        }
        std::vector<at::Tensor> grads = torch::autograd::grad({function(again)}, wanted, {dy}, false, false, true);
        if (!x_grad) {
          grads.insert(grads.begin(), at::Tensor());
        }
        return grads;
      });
}

void backward(const at::Tensor& loss) { loss.backward(); }

}  // namespace athanor
