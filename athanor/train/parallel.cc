#include "athanor/train/parallel.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "athanor/base/error.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/gradient_hook.h"
#include "athanor/train/optimizer.h"

namespace athanor {

namespace {

std::vector<ParameterPlace> places_of(const std::vector<NamedParameter>& parameters) {
  std::vector<ParameterPlace> places;
  ParameterPlace next;
  for (const NamedParameter& parameter : parameters) {
    places.push_back(next);
    next.element += parameter.tensor.numel();
    next.chunk += Optimizer::num_chunks(parameter.tensor.numel());
  }
  return places;
}

}  // namespace

Parallel::Parallel(ProcessGroup* group, std::vector<NamedParameter> parameters, const ParallelOptions& options)
    : group_(group), parameters_(std::move(parameters)) {
  own_ = parameters_;
  own_places_ = places_of(parameters_);
  if (alone()) {
    return;
  }
  sharded_ = options.shard_optimizer;
  std::vector<bool> whole = options.whole;
  whole.resize(parameters_.size(), false);
  arrived_.assign(parameters_.size(), 0);
  used_.assign(parameters_.size(), 0);
  if (on_gpu()) {
    group_->open_gpu(parameters_[0].tensor.device());
  }
  make_buckets(options.bucket_bytes);
  if (sharded_) {
    cut_for_optimizer(whole);
    own_pieces(whole);
  }
  for (size_t i = 0; i < parameters_.size(); ++i) {
    on_gradient(parameters_[i].tensor, [this, i] { gradient_ready(i); });
  }
  thread_ = std::thread([this] { communicate(); });
}

Parallel::~Parallel() {
  if (alone()) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  thread_.join();
  for (const NamedParameter& parameter : parameters_) {
    on_gradient(parameter.tensor, {});
    parameter.tensor.mutable_grad().reset();
  }
}

// From the last parameter to the first, about the order in which backward makes gradients.
void Parallel::make_buckets(int64_t bucket_bytes) {
  place_.resize(parameters_.size());
  for (size_t i = parameters_.size(); i-- > 0;) {
    if (buckets_.empty() || buckets_.back().size * 4 >= bucket_bytes) {
      buckets_.emplace_back();
    }
    Bucket& bucket = buckets_.back();
    place_[i] = {buckets_.size() - 1, bucket.members.size()};
    bucket.members.push_back({i, bucket.size});
    bucket.size += parameters_[i].tensor.numel();
  }
  for (Bucket& bucket : buckets_) {
    bucket.memory = on_gpu() ? at::empty({bucket.size}, parameters_[0].tensor.options().requires_grad(false))
                             : group_->shared_floats(bucket.size, "memory for gradients");
    bucket.parts = even_parts(bucket.size, world());
  }
}

// Parts end where the optimiser's chunks do (or whole parameters), and each rank's parts over all buckets so far come
// near the same total.
void Parallel::cut_for_optimizer(const std::vector<bool>& whole) {
  const int ranks = world();
  std::vector<int64_t> load(static_cast<size_t>(ranks));
  int64_t total = 0;
  for (Bucket& bucket : buckets_) {
    total += bucket.size;
    int rank = 0;
    bucket.parts.assign(static_cast<size_t>(ranks) + 1, bucket.size);
    bucket.parts[0] = 0;
    for (const Member& member : bucket.members) {
      const int64_t count = parameters_[member.parameter].tensor.numel();
      const int64_t unit = whole[member.parameter] ? count : Optimizer::kChunk;
      for (int64_t begin = 0; begin < count; begin += unit) {
        const int64_t size = std::min(unit, count - begin);
        while (rank + 1 < ranks && load[static_cast<size_t>(rank)] + size / 2 >= total / ranks) {
          bucket.parts[static_cast<size_t>(++rank)] = member.offset + begin;
        }
        load[static_cast<size_t>(rank)] += size;
      }
    }
  }
}

void Parallel::own_pieces(const std::vector<bool>& whole) {
  const NoGrad no_grad;
  own_.clear();
  const std::vector<ParameterPlace> whole_places = std::exchange(own_places_, {});
  const auto self = static_cast<size_t>(rank());
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const auto [number, place] = place_[i];
    const Bucket& bucket = buckets_[number];
    const int64_t offset = bucket.members[place].offset;
    const int64_t begin = std::max(bucket.parts[self], offset);
    const int64_t end = std::min(bucket.parts[self + 1], offset + parameters_[i].tensor.numel());
    if (begin >= end) {
      continue;
    }
    pieces_.push_back({i, begin - offset, end - begin, number, begin});
    at::Tensor tensor = parameters_[i].tensor.detach();
    if (!whole[i]) {
      tensor = tensor.view(-1).narrow(0, begin - offset, end - begin);
    }
    own_.push_back({parameters_[i].name, tensor, parameters_[i].decay});
    own_places_.push_back({whole_places[i].element + begin - offset, whole_places[i].chunk + (begin - offset) / Optimizer::kChunk});
  }
}

Share Parallel::share_of(int64_t count) const {
  const int64_t begin = count * rank() / world();
  return {begin, count * (rank() + 1) / world() - begin};
}

std::vector<double> Parallel::sum(const std::vector<double>& values, const std::string& name) {
  return alone() ? values : group_->sum(values, name);
}

void Parallel::begin_step(int64_t step) {
  if (alone()) {
    return;
  }
  group_->at_step(step);
  std::fill(used_.begin(), used_.end(), 0);
  reduced_ = next_to_send_ = 0;
  last_ = false;
  for (Bucket& bucket : buckets_) {
    bucket.sent = false;
  }
}

void Parallel::begin_backward(bool last) {
  if (alone()) {
    return;
  }
  last_ = last;
  std::fill(arrived_.begin(), arrived_.end(), 0);
  for (Bucket& bucket : buckets_) {
    bucket.missing = bucket.members.size();
  }
}

at::Tensor Parallel::gradient_view(const Bucket& bucket, const Member& member) const {
  const at::Tensor& parameter = parameters_[member.parameter].tensor;
  return bucket.memory.narrow(0, member.offset, parameter.numel()).view(parameter.sizes());
}

// Moves the gradient into its bucket, where later pieces add to it; none counts as zero.
void Parallel::take_gradient(size_t parameter) {
  const NoGrad no_grad;
  const auto [number, place] = place_[parameter];
  const Bucket& bucket = buckets_[number];
  const Member& member = bucket.members[place];
  at::Tensor& grad = parameters_[parameter].tensor.mutable_grad();
  float* const home = bucket.memory.mutable_data_ptr<float>() + member.offset;
  if (grad.defined() && grad.const_data_ptr() == home) {
    return;
  }
  at::Tensor view = gradient_view(bucket, member);
  if (grad.defined()) {
    view.copy_(grad);
  } else {
    view.zero_();
  }
  grad = view;
}

// In the thread that runs backward.
void Parallel::gradient_ready(size_t parameter) {
  Bucket& bucket = buckets_[place_[parameter].first];
  if (bucket.sent) {
    throw Error(ErrorKind::kInternal, "a gradient came after its sum was on the way", parameters_[parameter].name);
  }
  take_gradient(parameter);
  used_[parameter] = 1;
  if (std::exchange(arrived_[parameter], 1) == 0 && --bucket.missing == 0 && last_) {
    send_ready_buckets();
  }
}

std::vector<double> Parallel::finish_backward(const std::vector<double>& numbers) {
  if (alone()) {
    return numbers;
  }
  for (Bucket& bucket : buckets_) {  // those that no backward pass reached, and gradients that came past the hooks
    if (!bucket.sent) {
      for (const Member& member : bucket.members) {
        used_[member.parameter] |= static_cast<char>(parameters_[member.parameter].tensor.grad().defined());
        take_gradient(member.parameter);
      }
      bucket.missing = 0;
    }
  }
  send_ready_buckets();
  wait_for_buckets();
  std::vector<double> values = numbers;
  values.insert(values.end(), used_.begin(), used_.end());
  values = group_->sum(values, "loss");
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (sharded_ || values[numbers.size() + i] == 0) {
      parameters_[i].tensor.mutable_grad().reset();
    }
  }
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    const bool used = values[numbers.size() + piece.parameter] > 0;
    own_[i].tensor.mutable_grad() =
        used ? buckets_[piece.bucket].memory.narrow(0, piece.offset, piece.count).view(own_[i].tensor.sizes()) : at::Tensor();
  }
  values.resize(numbers.size());
  return values;
}

double Parallel::grad_norm(const Optimizer& optimizer) {
  if (!sharded_) {
    return optimizer.grad_norm();
  }
  if (on_gpu()) {  // one number a parameter
    const std::vector<double> own = optimizer.chunk_squares();
    return std::sqrt(group_->sum({std::accumulate(own.begin(), own.end(), 0.0)}, "norm of the gradients").at(0));
  }
  int64_t total = 0;
  for (const NamedParameter& parameter : parameters_) {
    total += Optimizer::num_chunks(parameter.tensor.numel());
  }
  std::vector<double> squares(static_cast<size_t>(total));
  const std::vector<double> own = optimizer.chunk_squares();
  int64_t next = 0;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const int64_t chunks = Optimizer::num_chunks(pieces_[i].count);
    std::copy_n(own.begin() + next, chunks, squares.begin() + own_places_[i].chunk);
    next += chunks;
  }
  double sum = 0;
  for (const double value : group_->sum(squares, "norm of the gradients")) {  // one rank's number each, the rest zeros
    sum += value;
  }
  return std::sqrt(sum);
}

void Parallel::gather_gradients() {
  if (!sharded_) {
    return;
  }
  for (Bucket& bucket : buckets_) {
    group_->all_gather(bucket.memory, bucket.parts, "gradients to look at");
    for (const Member& member : bucket.members) {
      parameters_[member.parameter].tensor.mutable_grad() = gradient_view(bucket, member);
    }
  }
}

void Parallel::free_gradients(Optimizer& optimizer) {
  optimizer.zero_grad();
  for (const NamedParameter& parameter : parameters_) {
    parameter.tensor.mutable_grad().reset();
  }
}

void Parallel::share_weights() {
  if (!sharded_) {
    return;
  }
  const NoGrad no_grad;
  const auto self = static_cast<size_t>(rank());
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    buckets_[piece.bucket].memory.narrow(0, piece.offset, piece.count).copy_(own_[i].tensor.view(-1));
  }
  for (size_t number = 0; number < buckets_.size(); ++number) {
    Bucket& bucket = buckets_[number];
    const std::string name = "weights " + std::to_string(number + 1) + " of " + std::to_string(buckets_.size());
    if (group_->numbers_of(bucket.memory, rank()) != nullptr) {
      take_weights(bucket, name);
      continue;
    }
    group_->all_gather(bucket.memory, bucket.parts, name);
    for (const Member& member : bucket.members) {
      const at::Tensor& tensor = parameters_[member.parameter].tensor;
      const bool mine = bucket.parts[self] <= member.offset && member.offset + tensor.numel() <= bucket.parts[self + 1];
      if (!mine) {
        tensor.detach().copy_(gradient_view(bucket, member));
      }
    }
  }
}

// From where the other ranks have them, each piece once.
void Parallel::take_weights(const Bucket& bucket, const std::string& name) {
  group_->meet_over(bucket.memory, name);
  for (int other = 0; other < world(); ++other) {
    const float* const theirs = other == rank() ? nullptr : group_->numbers_of(bucket.memory, other);
    for (const Member& member : bucket.members) {
      const at::Tensor& tensor = parameters_[member.parameter].tensor;
      const int64_t begin = std::max(bucket.parts[static_cast<size_t>(other)], member.offset);
      const int64_t end = std::min(bucket.parts[static_cast<size_t>(other) + 1], member.offset + tensor.numel());
      if (theirs != nullptr && begin < end) {
        std::memcpy(tensor.mutable_data_ptr<float>() + (begin - member.offset), theirs + begin,
                    static_cast<size_t>(end - begin) * sizeof(float));
      }
    }
  }
  group_->meet_over(bucket.memory, name, true);
}

void Parallel::copy_from_leader(const NamedTensors& tensors) {
  const NoGrad no_grad;
  for (const auto& [name, tensor] : alone() ? NamedTensors{} : tensors) {
    group_->broadcast(tensor.detach(), 0, "rank 0's " + name);
  }
}

void Parallel::meet(const std::string& name) {
  if (!alone()) {
    group_->store().meet(name);
  }
}

nlohmann::json Parallel::from_leader(const std::string& what, const std::function<nlohmann::json()>& function) {
  if (alone()) {
    return function();
  }
  const std::string answer = group_->store().from_rank_0(what, [&] {
    const std::vector<uint8_t> bytes = nlohmann::json::to_msgpack(function());  // keeps NaN, which JSON has not
    return std::string(bytes.begin(), bytes.end());
  });
  return nlohmann::json::from_msgpack(answer);
}

}  // namespace athanor
