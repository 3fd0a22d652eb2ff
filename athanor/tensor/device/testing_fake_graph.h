// The fake GPU's CUDA graphs (testing_fake_gpu.h). While one is captured, operators, copies and kernels do on the host what they
// must for the shapes of their results, and are noted with the places of their arguments, which nothing keeps alive. When it ends
// all memory is as it was before, and what the capture took is filled with NaN: as on a GPU, nothing has run. What CUDA
// would refuse is refused, and the capture is lost. A replay does what was noted, in that order, at those places.
#pragma once

#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/TensorImpl.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "athanor/tensor/autograd.h"
#include "athanor/tensor/device/testing_fake_kernels.h"
#include "athanor/tensor/device/unit.h"

namespace athanor::fake_gpu {

constexpr c10::DispatchKeySet kKeys(c10::DispatchKey::HPU);
constexpr int kSpoiled = 901;  // a code of error_text
constexpr int kNoCapture = 902;
inline bool refuse_captures = false;  // for tests

struct CapturedGraph {
  CapturedGraph(std::shared_ptr<Memory::Pool> pool) : pool(std::move(pool)) {}
  ~CapturedGraph() {
    if (pool.use_count() == 1) {
      Memory::the().release(*pool);
    }
  }
  CapturedGraph(const CapturedGraph&) = delete;
  CapturedGraph& operator=(const CapturedGraph&) = delete;

  std::shared_ptr<Memory::Pool> pool;
  std::mutex mutex;
  std::vector<std::function<void()>> steps;
  std::vector<char> before;  // the memory
  std::string spoiled_by;    // empty: nothing
};

inline std::atomic<CapturedGraph*> captured_now{nullptr};
inline bool capturing() { return captured_now != nullptr; }
inline thread_local int inside_operator = 0;  // whose own copies are no copies of the caller's
struct InsideOperator {
  InsideOperator() { ++inside_operator; }
  ~InsideOperator() { --inside_operator; }
  InsideOperator(const InsideOperator&) = delete;
  InsideOperator& operator=(const InsideOperator&) = delete;
};

inline int spoil(const char* what) {
  CapturedGraph& graph = *captured_now;
  const std::lock_guard lock(graph.mutex);
  graph.spoiled_by = what;
  return kSpoiled;
}
[[noreturn]] inline void refuse(const std::string& what) {
  spoil(what.c_str());
  throw std::runtime_error(what + " is not permitted while the GPU's work is captured");
}
inline void note(std::function<void()> step) {
  CapturedGraph& graph = *captured_now;
  const std::lock_guard lock(graph.mutex);
  graph.steps.push_back(std::move(step));
}

// ---- tensors -----------------------------------------------------------------------------------------------------------

// The same memory as the host sees it, while it is open.
inline at::Tensor as_host(const at::Tensor& tensor) {
  if (tensor.is_cpu()) {
    return tensor;
  }
  return at::from_blob(const_cast<void*>(tensor.const_data_ptr()), tensor.sizes(), tensor.strides(),
                       at::TensorOptions().dtype(tensor.scalar_type()));
}

// The place and shape of a tensor; a host's scalar by its value.
inline at::Tensor by_place(const at::Tensor& tensor) {
  if (!tensor.defined()) {
    return tensor;
  }
  if (tensor.is_cpu()) {
    if (tensor.dim() > 0) {
      refuse("an operator that reads the host's memory");
    }
    const at::Tensor value = tensor.detach().clone();
    value.unsafeGetTensorImpl()->set_wrapped_number(tensor.unsafeGetTensorImpl()->is_wrapped_number());
    return value;
  }
  void* const place = const_cast<void*>(tensor.const_data_ptr());
  size_t elements = tensor.numel() > 0 ? 1 : 0;
  for (int64_t d = 0; elements > 0 && d < tensor.dim(); ++d) {
    elements += static_cast<size_t>((tensor.size(d) - 1) * tensor.stride(d));
  }
  c10::Storage storage(c10::Storage::use_byte_size_t(), elements * tensor.element_size(), c10::DataPtr(place, tensor.device()), nullptr, false);
  at::Tensor alias = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), kKeys, tensor.dtype());
  alias.unsafeGetTensorImpl()->set_sizes_and_strides(tensor.sizes(), tensor.strides());
  return alias;
}

inline c10::IValue by_place(const c10::IValue& value) {
  if (value.isTensor()) {
    return by_place(value.toTensor());
  }
  if (value.isTensorList()) {
    c10::List<at::Tensor> list;
    for (const at::Tensor& tensor : value.toTensorVector()) {
      list.push_back(by_place(tensor));
    }
    return list;
  }
  if (value.isOptionalTensorList()) {
    c10::List<std::optional<at::Tensor>> list;
    for (const auto& tensor : value.toOptionalTensorVector()) {
      list.push_back(tensor ? std::optional(by_place(*tensor)) : std::nullopt);
    }
    return list;
  }
  return value;
}

inline std::vector<c10::IValue> by_place(const std::vector<c10::IValue>& values) {
  std::vector<c10::IValue> places;
  for (const c10::IValue& value : values) {
    places.push_back(by_place(value));
  }
  return places;
}

inline void copy_over(const at::Tensor& from, const at::Tensor& to) {
  if (to.defined() && to.numel() > 0 && from.const_data_ptr() != to.const_data_ptr()) {
    const Open open;
    as_host(to).copy_(as_host(from));
  }
}

inline void copy_over(const std::vector<c10::IValue>& from, const std::vector<c10::IValue>& to) {
  for (size_t i = 0; i < to.size(); ++i) {
    if (to[i].isTensor()) {
      copy_over(from[i].toTensor(), to[i].toTensor());
      continue;
    }
    const std::vector<at::Tensor> results = from[i].toTensorVector();
    const std::vector<at::Tensor> wanted = to[i].toTensorVector();
    for (size_t j = 0; j < wanted.size(); ++j) {
      copy_over(results[j], wanted[j]);
    }
  }
}

// Before a copy; one inside an operator is that operator's.
inline void note_copy(const at::Tensor& from, const at::Tensor& to) {
  if (!capturing() || inside_operator > 0) {
    return;
  }
  if (from.is_cpu() || to.is_cpu()) {
    refuse("a copy between the host and the GPU");
  }
  note([from = by_place(from), to = by_place(to)] { copy_over(from, to); });
}

// An operator whose results' shapes or values the host must wait for.
inline bool waits(const c10::OperatorHandle& op, const std::vector<c10::IValue>& results) {
  for (const char* name : {"aten::nonzero", "aten::masked_select", "aten::_unique"}) {
    if (op.schema().name().starts_with(name)) {
      return true;
    }
  }
  for (const c10::IValue& result : results) {
    if (!result.isTensor() && !result.isTensorList()) {
      return true;
    }
  }
  return false;
}

inline void captured_operator(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const size_t count = op.schema().arguments().size();
  const std::vector<c10::IValue> arguments = by_place(std::vector<c10::IValue>(stack->end() - static_cast<std::ptrdiff_t>(count), stack->end()));
  {
    const InsideOperator inside;
    at::native::cpu_fallback(op, stack);
  }
  const size_t results = op.schema().returns().size();
  const std::vector<c10::IValue> made(stack->end() - static_cast<std::ptrdiff_t>(results), stack->end());
  if (waits(op, made)) {
    refuse("an operator that the host waits for, " + op.schema().name() + ",");
  }
  note([op, arguments, made = by_place(made)] {
    torch::jit::Stack again = arguments;
    at::native::cpu_fallback(op, &again);
    copy_over(again, made);
  });
}

// ---- kernels -----------------------------------------------------------------------------------------------------------

// A kernel's function that is noted with its arguments by value.
template <auto kKernel>
struct Captured;
template <class... Arguments, int (*kKernel)(Arguments...)>
struct Captured<kKernel> {
  static int run(Arguments... arguments) {
    if (capturing()) {
      note([=] { kKernel(arguments...); });
    }
    return kKernel(arguments...);
  }
};

// ---- the unit's calls --------------------------------------------------------------------------------------------------

inline int graph_begin(int, void* before, void** out) {
  if (capturing() || refuse_captures) {
    return kNoCapture;
  }
  auto* const graph = new CapturedGraph(before == nullptr ? std::make_shared<Memory::Pool>() : static_cast<CapturedGraph*>(before)->pool);
  {
    const Open open;
    graph->before = Memory::the().bytes();
  }
  Memory::the().begin_taking(graph->pool.get());
  captured_now = graph;
  *out = graph;
  return 0;
}

inline int graph_end(void* given) {
  auto* const graph = static_cast<CapturedGraph*>(given);
  captured_now = nullptr;
  const std::vector<Memory::Piece> taken = Memory::the().end_taking();
  const Open open;
  Memory::the().set_bytes(graph->before);
  graph->before = {};
  for (const Memory::Piece& piece : taken) {
    std::memset(piece.place, 0xFF, piece.size);
  }
  return graph->spoiled_by.empty() ? 0 : kSpoiled;
}

inline int graph_replay(void* given) {
  if (capturing()) {
    return spoil("a replay");
  }
  const NoGrad no_grad;
  const Open open;
  for (const auto& step : static_cast<CapturedGraph*>(given)->steps) {
    step();
  }
  return 0;
}

inline void graph_free(void* given) { delete static_cast<CapturedGraph*>(given); }

inline const char* graph_error_text(int code) {
  return code == kSpoiled ? "the capture was spoilt by an operation that is not permitted" : code == kNoCapture ? "no capture can begin" : "no error";
}

inline void add_graph_calls(GpuUnit& unit) {
  unit.graph_begin = graph_begin;
  unit.graph_end = graph_end;
  unit.graph_replay = graph_replay;
  unit.graph_free = graph_free;
}

}  // namespace athanor::fake_gpu
