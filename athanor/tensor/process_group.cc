#include "athanor/tensor/process_group.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#define USE_C10D_GLOO 1
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include <cstdlib>

#include "athanor/tensor/simd.h"

namespace athanor {

namespace {

// The sum of one part a rank, in rank order; out may be one of them.
ATHANOR_SIMD void sum_in_order(float* out, const std::vector<const float*>& parts, int64_t count) {
  constexpr int64_t kBlock = 4096;  // stays in the first cache from rank to rank
  std::vector<float> total(static_cast<size_t>(std::min(count, kBlock)));
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t size = std::min(kBlock, count - begin);
    std::copy_n(parts[0] + begin, size, total.data());
    for (size_t rank = 1; rank < parts.size(); ++rank) {
      const float* const other = parts[rank] + begin;
      for (int64_t i = 0; i < size; ++i) {
        total[static_cast<size_t>(i)] += other[i];
      }
    }
    std::copy_n(total.data(), size, out + begin);
  }
}

std::shared_ptr<gloo::transport::Device> device_for(const Launch& launch) {
  using Gloo = c10d::ProcessGroupGloo;
  const char* const interface = std::getenv("GLOO_SOCKET_IFNAME");
  if (interface != nullptr && *interface != '\0') {
    return Gloo::createDeviceForInterface(interface);
  }
  return launch.local_world == launch.world ? Gloo::createDeviceForHostname("127.0.0.1") : Gloo::createDefaultDevice();
}

}  // namespace

PartBounds even_parts(int64_t count, int world) {
  PartBounds bounds;
  const int64_t size = (count + world - 1) / world;
  for (int rank = 0; rank <= world; ++rank) {
    bounds.push_back(std::min(count, rank * size));
  }
  return bounds;
}

struct ProcessGroup::Impl {
  c10::intrusive_ptr<c10d::ProcessGroupGloo> backend;
};

ProcessGroup::ProcessGroup(RankStore& store) : store_(store), impl_(std::make_unique<Impl>()) {
  const Launch& launch = store.launch();
  store.enter(0, "connecting the processes");
  try {
    const auto timeout = std::chrono::milliseconds(static_cast<int64_t>(1000 * store.timeout_seconds()));
    auto options = c10d::ProcessGroupGloo::Options::create(timeout);
    options->devices.push_back(device_for(launch));
    options->threads = 1;  // calls come one after another
    impl_->backend = c10::make_intrusive<c10d::ProcessGroupGloo>(store.for_group(), launch.rank, launch.world, options);
  } catch (const std::exception& error) {
    store.blame(error.what());
  }
}

ProcessGroup::~ProcessGroup() = default;

int ProcessGroup::rank() const { return store_.launch().rank; }
int ProcessGroup::world() const { return store_.launch().world; }

template <typename Call>
void ProcessGroup::collective(const std::string& name, const Call& call, bool together) {
  store_.enter(step_, name, together);
  try {
    call(*impl_->backend)->wait();
  } catch (const std::exception& error) {
    store_.blame(error.what());
  }
}

void ProcessGroup::open_gpu(at::Device device) {
  if (gpu_ == nullptr) {
    gpu_ = std::make_unique<GpuGroup>(store_, device);
  } else if (gpu_->device() != device) {
    throw Error(ErrorKind::kInternal, "a process has one GPU, and was given a tensor on another");
  }
}

GpuGroup* ProcessGroup::gpu_for(const at::Tensor& tensor, const std::string& name) {
  if (tensor.is_cpu()) {
    return nullptr;
  }
  open_gpu(tensor.device());
  store_.enter(step_, name);
  return gpu_.get();
}

void ProcessGroup::begin_reduce_scatter(const at::Tensor& flat, const PartBounds& parts, const std::string& name) {
  gpu_for(flat, name)->reduce_scatter(flat, parts);
}

void ProcessGroup::begin_all_reduce(const at::Tensor& flat, const std::string& name) { gpu_for(flat, name)->all_reduce(flat); }

bool ProcessGroup::gpu_done() { return gpu_->done(); }

void ProcessGroup::wait_for_gpu() { gpu_->wait(); }

SharedBlock* ProcessGroup::block_of(const at::Tensor& flat) const {
  for (const auto& block : blocks_) {
    if (block->holds(flat.const_data_ptr())) {
      return block.get();
    }
  }
  return nullptr;
}

at::Tensor ProcessGroup::shared_floats(int64_t count, const std::string& name) {
  const Launch& launch = store_.launch();
  std::shared_ptr<SharedBlock> block;
  if (launch.local_world == launch.world && launch.world > 1 && count > 0) {
    try {
      block = std::make_shared<SharedBlock>(rank(), world(), static_cast<size_t>(count) * sizeof(float));
    } catch (const std::exception&) {
      block = nullptr;  // the numbers go through sockets then
    }
  }
  const std::string key = "shared/" + std::to_string(num_shared_++) + "/";
  store_.set(key + std::to_string(rank()), block ? block->address() : "none");
  std::vector<std::string> addresses;
  for (int other = 0; other < world(); ++other) {
    addresses.push_back(store_.wait(key + std::to_string(other), name));
  }
  const bool open = block && block->open(addresses);
  const bool all = sum({open ? 1.0 : 0.0}, name).at(0) == world();
  store_.remove(key + std::to_string(rank()));
  if (!all) {
    return at::empty({count}, at::kFloat);
  }
  block->seal();
  blocks_.push_back(block);
  return at::from_blob(block->data(), {count}, [block](void*) {}, at::kFloat);
}

const float* ProcessGroup::numbers_of(const at::Tensor& flat, int rank) const {
  const SharedBlock* const block = block_of(flat);
  if (block == nullptr) {
    return nullptr;
  }
  const auto offset = flat.const_data_ptr<float>() - static_cast<const float*>(block->data());
  return static_cast<const float*>(block->of(rank)) + offset;
}

void ProcessGroup::meet_over(const at::Tensor& flat, const std::string& name, bool leaving) {
  if (!leaving) {
    store_.enter(step_, name);
  }
  try {
    block_of(flat)->meet(store_.timeout_seconds());
  } catch (const std::exception& error) {
    store_.blame(error.what());
  }
}

void ProcessGroup::reduce_scatter(const at::Tensor& flat, const PartBounds& parts, const std::string& name) {
  if (GpuGroup* const gpu = gpu_for(flat, name)) {
    gpu->reduce_scatter(flat, parts);
    return gpu->wait();
  }
  const auto self = static_cast<size_t>(rank());
  const int64_t own = parts[self + 1] - parts[self];
  if (block_of(flat) != nullptr) {
    meet_over(flat, name);
    std::vector<const float*> theirs;
    for (int other = 0; other < world(); ++other) {
      theirs.push_back(numbers_of(flat, other) + parts[self]);
    }
    sum_in_order(flat.mutable_data_ptr<float>() + parts[self], theirs, own);
    return meet_over(flat, name, true);
  }
  std::vector<int64_t> given;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    given.push_back(parts[i + 1] - parts[i]);
  }
  std::vector<int64_t> taken(given.size(), own);
  at::Tensor received = at::empty({own * world()}, flat.options());
  at::Tensor source = flat;
  collective(name, [&](c10d::ProcessGroupGloo& gloo) { return gloo.alltoall_base(received, source, taken, given); });
  std::vector<const float*> arrived;
  for (int other = 0; other < world(); ++other) {
    arrived.push_back(received.const_data_ptr<float>() + other * own);
  }
  sum_in_order(flat.mutable_data_ptr<float>() + parts[self], arrived, own);
}

void ProcessGroup::all_gather(const at::Tensor& flat, const PartBounds& parts, const std::string& name) {
  if (GpuGroup* const gpu = gpu_for(flat, name)) {
    gpu->all_gather(flat, parts);
    return gpu->wait();
  }
  if (block_of(flat) != nullptr) {
    meet_over(flat, name);
    for (int other = 0; other < world(); ++other) {
      const int64_t begin = parts[static_cast<size_t>(other)];
      const auto count = static_cast<size_t>(parts[static_cast<size_t>(other) + 1] - begin);
      if (other != rank()) {
        std::memcpy(flat.mutable_data_ptr<float>() + begin, numbers_of(flat, other) + begin, count * sizeof(float));
      }
    }
    return meet_over(flat, name, true);
  }
  int64_t widest = 0;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    widest = std::max(widest, parts[i + 1] - parts[i]);
  }
  const auto self = static_cast<size_t>(rank());
  at::Tensor given = at::empty({widest}, flat.options());
  given.narrow(0, 0, parts[self + 1] - parts[self]).copy_(flat.narrow(0, parts[self], parts[self + 1] - parts[self]));
  at::Tensor all = at::empty({widest * world()}, flat.options());
  collective(name, [&](c10d::ProcessGroupGloo& gloo) { return gloo._allgather_base(all, given); });
  const size_t width = flat.element_size();
  auto* const out = static_cast<char*>(flat.mutable_data_ptr());
  const auto* const in = static_cast<const char*>(all.const_data_ptr());
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    std::memcpy(out + static_cast<size_t>(parts[i]) * width, in + i * static_cast<size_t>(widest) * width,
                static_cast<size_t>(parts[i + 1] - parts[i]) * width);
  }
}

void ProcessGroup::all_reduce(const at::Tensor& flat, const std::string& name) {
  if (GpuGroup* const gpu = gpu_for(flat, name)) {
    gpu->all_reduce(flat);
    return gpu->wait();
  }
  const PartBounds parts = even_parts(flat.numel(), world());
  reduce_scatter(flat, parts, name);
  all_gather(flat, parts, name);
}

std::vector<double> ProcessGroup::sum(const std::vector<double>& values, const std::string& name) {
  const auto count = static_cast<int64_t>(values.size());
  at::Tensor given = at::empty({count}, at::kDouble);
  std::copy(values.begin(), values.end(), given.mutable_data_ptr<double>());
  at::Tensor all = at::empty({count * world()}, at::kDouble);
  collective(name, [&](c10d::ProcessGroupGloo& gloo) { return gloo._allgather_base(all, given); });
  const auto* const parts = all.const_data_ptr<double>();
  std::vector<double> total(parts, parts + count);
  for (int rank = 1; rank < world(); ++rank) {
    for (size_t i = 0; i < total.size(); ++i) {
      total[i] += parts[static_cast<size_t>(rank) * total.size() + i];
    }
  }
  return total;
}

void ProcessGroup::broadcast(const at::Tensor& tensor, int from, const std::string& name) {
  if (GpuGroup* const gpu = gpu_for(tensor, name)) {
    gpu->broadcast(tensor, from);
    return gpu->wait();
  }
  std::vector<at::Tensor> tensors{tensor};
  c10d::BroadcastOptions options;
  options.rootRank = from;
  collective(name, [&](c10d::ProcessGroupGloo& gloo) { return gloo.broadcast(tensors, options); });
}

void ProcessGroup::send(const at::Tensor& tensor, int to, const std::string& name) {
  std::vector<at::Tensor> tensors{tensor};
  collective(name, [&](c10d::ProcessGroupGloo& gloo) { return gloo.send(tensors, to, 0); }, false);
}

void ProcessGroup::receive(const at::Tensor& tensor, int from, const std::string& name) {
  std::vector<at::Tensor> tensors{tensor};
  collective(name, [&](c10d::ProcessGroupGloo& gloo) { return gloo.recv(tensors, from, 0); }, false);
}

}  // namespace athanor
