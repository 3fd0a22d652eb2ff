// The optimiser's arrays in checkpoints: written as one process has them, whatever the number of ranks.
#include <ATen/ops/empty.h>

#include <map>

#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/data/containers/safetensors.h"
#include "athanor/tensor/device/device.h"
#include "athanor/train/optimizer.h"
#include "athanor/train/parallel.h"

namespace athanor {

namespace {

// "exp_avg.model.norm.weight" -> "exp_avg", "model.norm.weight": an array's name holds no dot.
std::pair<std::string, std::string> array_and_parameter(const std::string& name) {
  const size_t dot = name.find('.');
  return {name.substr(0, dot), name.substr(dot + 1)};
}

std::map<std::string, size_t> index_by_name(const std::vector<NamedParameter>& parameters) {
  std::map<std::string, size_t> result;
  for (size_t i = 0; i < parameters.size(); ++i) {
    result[parameters[i].name] = i;
  }
  return result;
}

struct Entry {
  size_t parameter;
  std::string array;
  int64_t begin;
  at::Tensor tensor;
};

std::string key_of_rank(int rank) { return "optimizer state/" + std::to_string(rank); }

}  // namespace

NamedTensors Parallel::gather_state(const Optimizer& optimizer) {
  const NamedTensors state = optimizer.state();
  if (!sharded_) {
    return leads() ? state : NamedTensors{};
  }
  std::vector<Entry> entries;
  const auto index = index_by_name(own_);
  for (const auto& [name, tensor] : state) {
    const auto [array, parameter] = array_and_parameter(name);
    const Piece& piece = pieces_[index.at(parameter)];
    entries.push_back({piece.parameter, array, piece.begin, tensor});
  }
  if (!leads()) {
    auto list = nlohmann::json::array();
    for (const Entry& entry : entries) {
      list.push_back({entry.parameter, entry.array, entry.begin, entry.tensor.numel(), entry.tensor.scalar_type() == at::kBFloat16});
    }
    group_->store().set(key_of_rank(rank()), list.dump());
    for (const Entry& entry : entries) {
      group_->send(entry.tensor.contiguous().view(-1).to(at::kCPU), 0, "optimiser state to rank 0");
    }
    return {};
  }
  std::map<std::pair<size_t, std::string>, at::Tensor> whole;
  const auto part = [&](size_t parameter, const std::string& array, int64_t begin, int64_t count, at::ScalarType type) {
    at::Tensor& tensor = whole[{parameter, array}];
    if (!tensor.defined()) {
      tensor = at::empty(parameters_[parameter].tensor.sizes(), type);  // on the host: no one GPU need hold them all
    }
    return tensor.view(-1).narrow(0, begin, count);
  };
  for (const Entry& entry : entries) {
    part(entry.parameter, entry.array, entry.begin, entry.tensor.numel(), entry.tensor.scalar_type())
        .copy_(entry.tensor.view(-1));
  }
  for (int other = 1; other < world(); ++other) {
    const auto list = nlohmann::json::parse(group_->store().wait(key_of_rank(other), "optimiser state to rank 0"));
    group_->store().remove(key_of_rank(other));
    for (const auto& item : list) {
      group_->receive(part(item[0], item[1], item[2], item[3], item[4].get<bool>() ? at::kBFloat16 : at::kFloat), other,
                      "optimiser state to rank 0");
    }
  }
  NamedTensors result;
  for (const auto& [key, tensor] : whole) {
    result.emplace_back(key.second + "." + parameters_[key.first].name, tensor);
  }
  return result;
}

void Parallel::load_state(const fs::path& path, Optimizer& optimizer, const NamedTensors& more) {
  NamedTensors state = optimizer.state();
  if (!sharded_) {
    state.insert(state.end(), more.begin(), more.end());
    load_tensors(path, state);
    return;
  }
  const SafetensorsFile file = SafetensorsFile::open(path);
  const auto fill = [&](const std::string& name, const at::Tensor& into, at::IntArrayRef shape, int64_t begin) {
    const auto* const view = file.find(name);
    const char* const wanted = into.scalar_type() == at::kBFloat16 ? "BF16" : "F32";
    if (view == nullptr || view->dtype != wanted || at::IntArrayRef(view->shape) != shape) {
      throw Error(ErrorKind::kInput, "has no tensor '" + name + "' of type " + wanted + " and the parameter's shape",
                  path.string());
    }
    copy_bytes_in(view->bytes.data() + static_cast<size_t>(begin) * into.element_size(), into);
  };
  const auto index = index_by_name(own_);
  for (const auto& [name, tensor] : state) {
    const Piece& piece = pieces_[index.at(array_and_parameter(name).second)];
    fill(name, tensor, parameters_[piece.parameter].tensor.sizes(), piece.begin);
  }
  for (const auto& [name, tensor] : more) {
    fill(name, tensor, tensor.sizes(), 0);
  }
}

}  // namespace athanor
