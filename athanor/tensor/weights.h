// Between tensors and the safetensors container of the data room.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/data/containers/safetensors.h"

namespace athanor {

// The view's bytes as a tensor of its own dtype (F32, BF16, F16, F64, I64, I32, U8, BOOL), without a copy: valid while
// the file stays open. Error(kInput) with `where` for another dtype or a byte count that is not the shape's.
at::Tensor as_tensor(const TensorView& view, const std::string& where);

// A contiguous CPU tensor's bytes under a name: valid while the tensor lives.
TensorView as_view(const std::string& name, const at::Tensor& tensor);

// Writes the tensors (made contiguous) in this order, atomically: a temporary file beside it, fsync, rename.
void write_tensors(const fs::path& path, const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                   const std::map<std::string, std::string>& metadata);

}  // namespace athanor
