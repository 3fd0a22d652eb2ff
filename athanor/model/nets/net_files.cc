// A network's folder.
#include <ATen/ops/empty.h>

#include <set>

#include "athanor/base/error.h"
#include "athanor/model/nets/net.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/weights.h"

namespace athanor {

namespace {

std::vector<std::pair<std::string, at::Tensor>> all_tensors(const Net& net) {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const NamedParameter& parameter : net.named_parameters()) {
    tensors.emplace_back(parameter.name, parameter.tensor);
  }
  for (const auto& [name, tensor] : net.named_buffers()) {
    tensors.emplace_back(name, tensor);
  }
  return tensors;
}

std::string shape_text(at::IntArrayRef sizes) {
  std::string text;
  for (const int64_t size : sizes) {
    text += (text.empty() ? "" : ", ") + std::to_string(size);
  }
  return "[" + text + "]";
}

}  // namespace

void Net::save(const fs::path& folder) const {
  write_tensors(folder / "model.safetensors", all_tensors(*this), {{"format", "pt"}});
  write_file_atomic(folder / "config.json", to_json(config_).dump(2) + "\n");
}

void save_net(const Net& net, const fs::path& folder) {
  NoGrad no_grad;
  make_dirs(folder);
  net.save(folder);
}

std::unique_ptr<Net> load_net(const fs::path& folder, const NetConfig& config, uint64_t seed) {
  NoGrad no_grad;
  if (net_family(config.options.family).encoder) {
    return load_encoder_net(folder, config, seed);
  }
  std::unique_ptr<Net> net = make_net(config, 0);
  const fs::path path = folder / "model.safetensors";
  const SafetensorsFile file = SafetensorsFile::open(path);
  std::set<std::string> known;
  for (auto& [name, tensor] : all_tensors(*net)) {
    known.insert(name);
    const TensorView* view = file.find(name);
    if (view == nullptr) {
      throw Error(ErrorKind::kInput, "the weights lack the tensor '" + name + "' of shape " + shape_text(tensor.sizes()),
                  path.string(), "config.json describes another network than these weights");
    }
    const at::Tensor source = as_tensor(*view, path.string());
    if (source.sizes() != tensor.sizes() || source.is_floating_point() != tensor.is_floating_point()) {
      throw Error(ErrorKind::kInput,
                  "tensor '" + name + "' has shape " + shape_text(source.sizes()) + ", config.json asks for " +
                      shape_text(tensor.sizes()),
                  path.string());
    }
    tensor.copy_(source);
  }
  for (const TensorView& view : file.tensors()) {
    if (known.count(view.name) == 0) {
      throw Error(ErrorKind::kInput, "tensor '" + view.name + "' does not belong to this network", path.string());
    }
  }
  return net;
}

}  // namespace athanor
