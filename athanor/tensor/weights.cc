#include "athanor/tensor/weights.h"

#include <ATen/ops/from_blob.h>

#include <utility>

#include "athanor/base/error.h"

namespace athanor {
namespace {

struct DtypeName {
  const char* name;
  at::ScalarType type;
};
constexpr DtypeName kDtypes[] = {{"F32", at::kFloat}, {"BF16", at::kBFloat16}, {"F16", at::kHalf}, {"F64", at::kDouble},
                                 {"I64", at::kLong},  {"I32", at::kInt},       {"U8", at::kByte},  {"BOOL", at::kBool}};

}  // namespace

at::Tensor as_tensor(const TensorView& view, const std::string& where) {
  for (const DtypeName& dtype : kDtypes) {
    if (view.dtype != dtype.name) {
      continue;
    }
    uint64_t bytes = c10::elementSize(dtype.type);
    for (const int64_t size : view.shape) {
      if (size < 0 || (size > 0 && bytes > view.bytes.size() / static_cast<uint64_t>(size) * 2 + 8)) {
        bytes = view.bytes.size() + 1;  // too large, or nonsense: caught below
        break;
      }
      bytes *= static_cast<uint64_t>(size);
    }
    if (bytes != view.bytes.size()) {
      throw Error(ErrorKind::kInput, "tensor '" + view.name + "' holds " + std::to_string(view.bytes.size()) +
                                         " bytes, which is not what its shape needs",
                  where);
    }
    return at::from_blob(const_cast<uint8_t*>(view.bytes.data()), view.shape, at::TensorOptions().dtype(dtype.type));
  }
  throw Error(ErrorKind::kInput, "tensor '" + view.name + "' has the unsupported type " + view.dtype, where);
}

TensorView as_view(const std::string& name, const at::Tensor& tensor) {
  for (const DtypeName& dtype : kDtypes) {
    if (tensor.scalar_type() == dtype.type) {
      return {name, dtype.name, tensor.sizes().vec(),
              {static_cast<const uint8_t*>(tensor.const_data_ptr()), tensor.nbytes()}};
    }
  }
  throw Error(ErrorKind::kInternal, "tensor '" + name + "' has a type that safetensors files do not hold here");
}

void write_tensors(const fs::path& path, const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                   const std::map<std::string, std::string>& metadata) {
  std::vector<at::Tensor> alive;
  std::vector<TensorView> views;
  for (const auto& [name, tensor] : tensors) {
    alive.push_back(tensor.detach().contiguous());
    views.push_back(as_view(name, alive.back()));
  }
  write_safetensors(path, views, metadata);
}

}  // namespace athanor
