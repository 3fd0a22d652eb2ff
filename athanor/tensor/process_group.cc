#include "athanor/tensor/process_group.h"

#include <ATen/ops/empty.h>

#define USE_C10D_GLOO 1
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include <cstdlib>

#include "athanor/tensor/simd.h"

namespace athanor {

namespace {

// out = ((part 0 + part 1) + part 2) + ...; the parts lie behind one another.
ATHANOR_SIMD void sum_parts(float* out, const float* parts, int64_t count, int world) {
  for (int64_t i = 0; i < count; ++i) {
    out[i] = parts[i] + parts[count + i];
  }
  for (int part = 2; part < world; ++part) {
    const float* const other = parts + part * count;
    for (int64_t i = 0; i < count; ++i) {
      out[i] += other[i];
    }
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

void ProcessGroup::reduce_scatter(const at::Tensor& flat, const PartBounds& parts, const std::string& name) {
  const auto self = static_cast<size_t>(rank());
  const int64_t own = parts[self + 1] - parts[self];
  std::vector<int64_t> given;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    given.push_back(parts[i + 1] - parts[i]);
  }
  std::vector<int64_t> taken(given.size(), own);
  at::Tensor received = at::empty({own * world()}, flat.options());
  at::Tensor source = flat;
  collective(name, [&](c10d::ProcessGroupGloo& gloo) { return gloo.alltoall_base(received, source, taken, given); });
  sum_parts(flat.mutable_data_ptr<float>() + parts[self], received.const_data_ptr<float>(), own, world());
}

void ProcessGroup::all_gather(const at::Tensor& flat, const PartBounds& parts, const std::string& name) {
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
