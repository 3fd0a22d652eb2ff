#include "athanor/model/nets/net.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>

#include "athanor/base/error.h"

namespace athanor {

namespace {

struct NetMaker {
  const char* family;
  std::unique_ptr<Net> (*make)(const NetConfig&);
};

constexpr NetMaker kMakers[] = {
    {"mlp", &make_mlp},         {"rnn", &make_rnn}, {"lstm", &make_rnn}, {"gru", &make_rnn},
    {"textcnn", &make_textcnn}, {"tcn", &make_tcn}, {"cnn", &make_cnn},  {"resnet", &make_resnet},
};

// Lengths, and the longest of them.
int64_t put_lengths(const Examples& examples, std::span<const uint64_t> rows, NetBatch& batch) {
  batch.lengths_B = at::zeros({static_cast<int64_t>(rows.size())}, at::kLong);
  auto* lengths = batch.lengths_B.mutable_data_ptr<int64_t>();
  int64_t longest = 1;
  for (size_t i = 0; i < rows.size(); ++i) {
    lengths[i] = examples.length(rows[i]);
    longest = std::max(longest, lengths[i]);
  }
  return longest;
}

void put_text(const Examples& examples, std::span<const uint64_t> rows, NetBatch& batch) {
  const int64_t longest = put_lengths(examples, rows, batch);
  batch.tokens_BT = at::zeros({static_cast<int64_t>(rows.size()), longest}, at::kLong);
  auto* out = batch.tokens_BT.mutable_data_ptr<int64_t>();
  for (const uint64_t row : rows) {
    std::copy(examples.ids.begin() + static_cast<std::ptrdiff_t>(examples.offsets[row]),
              examples.ids.begin() + static_cast<std::ptrdiff_t>(examples.offsets[row + 1]), out);
    out += longest;
  }
  if (examples.values.empty()) {
    return;
  }
  batch.types_BT = at::zeros_like(batch.tokens_BT);
  auto* types = batch.types_BT.mutable_data_ptr<int64_t>();
  for (const uint64_t row : rows) {
    const auto begin = static_cast<int64_t>(examples.values[row]);
    std::fill(types + std::min(begin, examples.length(row)), types + examples.length(row), 1);
    types += longest;
  }
}

void put_series(const Examples& examples, std::span<const uint64_t> rows, int64_t values, NetBatch& batch) {
  const int64_t longest = put_lengths(examples, rows, batch);
  batch.values_BTF = at::zeros({static_cast<int64_t>(rows.size()), longest, values});
  auto* out = batch.values_BTF.mutable_data_ptr<float>();
  for (const uint64_t row : rows) {
    const auto width = static_cast<std::ptrdiff_t>(values);
    std::copy(examples.values.begin() + static_cast<std::ptrdiff_t>(examples.offsets[row]) * width,
              examples.values.begin() + static_cast<std::ptrdiff_t>(examples.offsets[row + 1]) * width, out);
    out += longest * values;
  }
}

void put_table(const Examples& examples, std::span<const uint64_t> rows, const InputShape& shape, NetBatch& batch) {
  const auto count = static_cast<int64_t>(rows.size());
  const auto categories = static_cast<int64_t>(shape.categories.size());
  batch.values_BF = at::zeros({count, shape.num_values});
  batch.categories_BK = at::zeros({count, categories}, at::kLong);
  auto* values = batch.values_BF.mutable_data_ptr<float>();
  auto* indices = batch.categories_BK.mutable_data_ptr<int64_t>();
  for (const uint64_t row : rows) {
    const auto at = static_cast<int64_t>(row);
    values = std::copy_n(examples.values.data() + at * shape.num_values, shape.num_values, values);
    indices = std::copy_n(examples.ids.data() + at * categories, categories, indices);
  }
}

void put_images(const Examples& examples, std::span<const uint64_t> rows, const InputShape& shape, NetBatch& batch) {
  batch.pixels_BCHW = at::zeros({static_cast<int64_t>(rows.size()), shape.channels, shape.size, shape.size});
  auto* out = batch.pixels_BCHW.mutable_data_ptr<float>();
  const auto plane = static_cast<uint64_t>(shape.size * shape.size);
  for (const uint64_t row : rows) {
    const uint8_t* pixels = examples.pixels.data() + row * plane * static_cast<uint64_t>(shape.channels);
    for (size_t c = 0; c < static_cast<size_t>(shape.channels); ++c) {
      const auto scale = static_cast<float>(1.0 / (255.0 * shape.deviation.at(c)));
      const auto shift = static_cast<float>(shape.mean.at(c) / shape.deviation.at(c));
      for (uint64_t i = 0; i < plane; ++i) {
        *out++ = static_cast<float>(*pixels++) * scale - shift;
      }
    }
  }
}

}  // namespace

at::Tensor Net::enter(const at::Tensor& x) const { return x.to(scalar_type(precision_)); }

std::unique_ptr<Net> make_net(const NetConfig& config, uint64_t seed) {
  const NetFamily& family = net_family(config.options.family);
  check_reads(family, config.shape.kind);
  if (family.encoder) {
    return make_encoder_net(config, seed);
  }
  for (const NetMaker& maker : kMakers) {
    if (config.options.family == maker.family) {
      std::unique_ptr<Net> net = maker.make(config);
      initialise_net(*net, net->inits(), seed);
      return net;
    }
  }
  throw Error(ErrorKind::kInternal, "the family '" + config.options.family + "' has no maker");
}

NetBatch make_net_batch(const Examples& examples, std::span<const uint64_t> rows, const InputShape& shape) {
  NetBatch batch;
  switch (shape.kind) {
    case InputKind::kText:
      put_text(examples, rows, batch);
      break;
    case InputKind::kSeries:
      put_series(examples, rows, shape.num_values, batch);
      break;
    case InputKind::kTable:
      put_table(examples, rows, shape, batch);
      break;
    case InputKind::kImage:
      put_images(examples, rows, shape, batch);
      break;
  }
  return batch;
}

NetBatch on_device(NetBatch batch, at::Device device) {
  for (at::Tensor* tensor : {&batch.values_BTF, &batch.pixels_BCHW, &batch.values_BF}) {
    *tensor = tensor->defined() ? tensor->to(device) : *tensor;
  }
  return batch;
}

}  // namespace athanor
