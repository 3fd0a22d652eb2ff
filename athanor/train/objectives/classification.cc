#include "athanor/train/objectives/classification.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/hash.h"
#include "athanor/base/rng.h"
#include "athanor/metric/classification.h"
#include "athanor/tensor/autograd.h"
#include "athanor/train/document_names.h"

namespace athanor {

namespace {

constexpr uint64_t kPool = 1024;
constexpr uint64_t kRun = 16;
// Places for random_at, so that no two uses share a number.
constexpr uint64_t kOrderDraw = 11;
constexpr uint64_t kRunDraw = 12;
constexpr uint64_t kAugmentDraw = 13;
constexpr int64_t kSumReduction = 2;  // at::Reduction::Sum

std::vector<int64_t> lengths_of(const Examples& examples) {
  std::vector<int64_t> lengths;
  if (examples.offsets.size() > 1) {
    for (uint64_t i = 0; i < examples.size(); ++i) {
      lengths.push_back(examples.length(i));
    }
  }
  return lengths;
}

at::Tensor labels_of(const LabelledExamples& examples, std::span<const uint64_t> rows) {
  std::vector<int64_t> labels;
  for (const uint64_t row : rows) {
    labels.push_back(examples.labels[row]);
  }
  return at::tensor(labels, at::kLong);
}

at::Tensor targets_of(const LabelledExamples& examples, std::span<const uint64_t> rows) {
  std::vector<float> targets;
  for (const uint64_t row : rows) {
    targets.push_back(examples.targets[row]);
  }
  return at::tensor(targets, at::kFloat);
}

// So many of them (0: all), at even distances: a file is often sorted by label.
std::vector<uint64_t> spread_rows(uint64_t all, uint64_t most) {
  std::vector<uint64_t> rows(most > 0 ? std::min(most, all) : all);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    rows[i] = i * all / rows.size();
  }
  return rows;
}

// Calls fn(batch, rows, outputs) for the examples of `order` in this share, batch by batch, longest first where they have lengths.
template <class Fn>
void for_each_output(Net& net, const Examples& examples, int64_t batch_size, std::vector<uint64_t> order, const EvalShare& share,
                     const Fn& fn) {
  NoGrad no_grad;
  const bool training = net.training();
  const at::Device device = net.device();
  net.set_training(false);
  net.begin_step();
  const uint64_t count = order.size();
  std::stable_sort(order.begin(), order.end(),
                   [&](uint64_t a, uint64_t b) { return examples.length(a) > examples.length(b); });
  const auto size = static_cast<uint64_t>(batch_size);
  for (uint64_t batch = 0; batch * size < count; ++batch) {
    if (!share.mine(batch)) {
      continue;
    }
    const std::span<const uint64_t> rows(order.data() + batch * size, std::min(size, count - batch * size));
    fn(batch, rows, net.forward(on_device(make_net_batch(examples, rows, net.config().shape), device), 0).to(at::kCPU));
  }
  net.set_training(training);
}

// The bytes of what is trained on, so that a checkpoint of other data is refused.
std::string digest_of(const LabelledExamples& set) {
  uint64_t digest = 0;
  const auto add = [&](const auto& values) {
    const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0]));
    digest = mix64(digest ^ xxh3_64(bytes));
  };
  add(set.examples.ids);
  add(set.examples.values);
  add(set.examples.pixels);
  add(set.labels);
  add(set.targets);
  return std::to_string(digest);
}

}  // namespace

ExampleOrder::ExampleOrder(uint64_t count, std::vector<int64_t> lengths, int64_t seed)
    : count_(count), lengths_(std::move(lengths)), seed_(static_cast<uint64_t>(seed)) {
  if (count == 0) {
    throw Error(ErrorKind::kInput, "there is no example to train on");
  }
}

uint64_t ExampleOrder::at(uint64_t sample) {
  const uint64_t epoch = sample / count_;
  const uint64_t place = sample % count_;
  if (lengths_.empty()) {
    return permute(place, count_, random_at(seed_, epoch, kOrderDraw));
  }
  if (epoch != epoch_ || place / kPool != pool_) {
    fill_pool(epoch, place / kPool);
  }
  return order_[place % kPool];
}

void ExampleOrder::fill_pool(uint64_t epoch, uint64_t pool) {
  epoch_ = epoch;
  pool_ = pool;
  const uint64_t begin = pool * kPool;
  const uint64_t size = std::min(kPool, count_ - begin);
  std::vector<uint64_t> sorted(size);
  for (uint64_t i = 0; i < size; ++i) {
    sorted[i] = permute(begin + i, count_, random_at(seed_, epoch, kOrderDraw));
  }
  std::stable_sort(sorted.begin(), sorted.end(), [&](uint64_t a, uint64_t b) { return lengths_[a] < lengths_[b]; });
  order_.clear();
  const uint64_t runs = (size + kRun - 1) / kRun;
  for (uint64_t i = 0; i < runs; ++i) {
    const uint64_t run = permute(i, runs, random_at(seed_, epoch, kRunDraw, pool));
    for (uint64_t j = run * kRun; j < std::min(size, (run + 1) * kRun); ++j) {
      order_.push_back(sorted[j]);
    }
  }
}

nlohmann::json score_net(Net& net, const LabelledExamples& examples, int64_t batch_size, uint64_t max_examples,
                         const EvalShare& share) {
  const NetConfig& config = net.config();
  const uint64_t all = examples.examples.size();
  const std::vector<uint64_t> judged = spread_rows(all, max_examples);
  const uint64_t count = judged.size();
  const bool regression = config.task == "regression";
  const auto size = static_cast<uint64_t>(batch_size);
  // Each example's answer, then each batch's loss.
  std::vector<double> found(all + (count + size - 1) / size, 0);
  for_each_output(net, examples.examples, batch_size, judged, share,
                  [&](uint64_t batch, std::span<const uint64_t> rows, const at::Tensor& out) {
    const at::Tensor truth = regression ? targets_of(examples, rows) : labels_of(examples, rows);
    const at::Tensor answer = regression ? out.squeeze(1) : out.argmax(1);
    found[all + batch] = (regression ? at::mse_loss(answer, truth, kSumReduction)
                                       : at::cross_entropy_loss(out, truth, {}, kSumReduction)).item<double>();
    for (size_t i = 0; i < rows.size(); ++i) {
      found[rows[i]] = answer[static_cast<int64_t>(i)].item<double>();
    }
  });
  share.add_up(found);
  const double loss = std::accumulate(found.begin() + static_cast<std::ptrdiff_t>(all), found.end(), 0.0);
  ConfusionMatrix matrix(regression ? 0 : config.labels.size());
  RegressionScore numbers;
  const auto in_units = [&](double value) { return value * config.target_deviation + config.target_mean; };
  for (const uint64_t i : judged) {
    if (regression) {
      numbers.add(in_units(examples.targets[i]), in_units(found[i]));
    } else {
      matrix.add(static_cast<size_t>(examples.labels[i]), static_cast<size_t>(found[i]));
    }
  }
  nlohmann::json json{{"loss", loss / static_cast<double>(std::max<uint64_t>(1, count))}, {"num_samples", count}};
  if (regression) {
    json.update({{"rmse", numbers.rmse()}, {"mae", numbers.mae()}, {"r2", numbers.r2()}});
  } else {
    json.update({{"accuracy", matrix.accuracy()}, {"macro_f1", matrix.macro_f1()}});
  }
  return json;
}

std::vector<std::vector<double>> predict_net(Net& net, const Examples& examples, int64_t batch_size) {
  const NetConfig& config = net.config();
  const bool regression = config.task == "regression";
  std::vector<std::vector<double>> all(examples.size());
  for_each_output(net, examples, batch_size, spread_rows(examples.size(), 0), {},
                  [&](uint64_t, std::span<const uint64_t> rows, const at::Tensor& out) {
    const at::Tensor values =
        regression ? out.to(at::kDouble).mul(config.target_deviation).add(config.target_mean) : at::softmax(out.to(at::kDouble), 1);
    const at::Tensor dense = values.contiguous();
    const double* row = dense.const_data_ptr<double>();
    for (const uint64_t index : rows) {
      all[index].assign(row, row + dense.size(1));
      row += dense.size(1);
    }
  });
  return all;
}

ClassificationObjective::ClassificationObjective(Net& net, const LabelledExamples& train, const LabelledExamples* valid,
                                                 const TrainOptions& options, ClassificationSettings settings)
    : net_(net),
      train_(train),
      valid_(valid),
      options_(options),
      settings_(std::move(settings)),
      order_(train.examples.size(), lengths_of(train.examples), options.seed) {
  const int64_t size = net.config().shape.size;
  if (net.config().shape.kind == InputKind::kImage && settings_.crop >= size) {
    throw Error(ErrorKind::kUsage, "must be smaller than the images, which are " + std::to_string(size) + " pixels wide, not " +
                                       std::to_string(settings_.crop),
                "crop", "it shifts an image by up to so many pixels: an eighth of its width is much");
  }
  if (!settings_.class_weights.empty()) {
    weights_ = at::tensor(settings_.class_weights, at::kFloat);
  }
}

nlohmann::json ClassificationObjective::fingerprint() const {
  return {{"model", dump_options(net_.config().options, true)},
          {"data", {{"num_samples", train_.examples.size()}, {"digest", digest_of(train_)}}}};
}

int64_t ClassificationObjective::load(uint64_t first, int64_t count) {
  first_ = first;
  device_ = net_.device();
  rows_.clear();
  for (int64_t i = 0; i < count; ++i) {
    rows_.push_back(order_.at(first + static_cast<uint64_t>(i)));
  }
  return count;
}

int64_t ClassificationObjective::longest_row() const {
  int64_t longest = 0;
  for (const uint64_t row : rows_) {
    longest = std::max(longest, train_.examples.length(row));
  }
  return longest;
}

void ClassificationObjective::augment(at::Tensor& pixels_BCHW, int64_t begin) const {
  const at::Tensor source = pixels_BCHW;
  pixels_BCHW = source.clone();
  const int64_t size = source.size(2);
  for (int64_t row = 0; row < source.size(0); ++row) {
    const uint64_t sample = first_ + static_cast<uint64_t>(begin + row);
    const auto draw = [&](uint64_t which) {
      return random_at(static_cast<uint64_t>(options_.seed), kAugmentDraw, sample, which);
    };
    at::Tensor image = source[row];
    if (settings_.flip && draw(0) % 2 == 1) {
      image = image.flip({2});
    }
    const auto shift = [&](uint64_t which) {
      const auto span = static_cast<uint64_t>(2 * settings_.crop + 1);
      return static_cast<int64_t>(draw(which) % span) - settings_.crop;
    };
    const int64_t dy = settings_.crop > 0 ? shift(1) : 0;
    const int64_t dx = settings_.crop > 0 ? shift(2) : 0;
    at::Tensor into = pixels_BCHW[row].zero_();
    into.narrow(1, std::max<int64_t>(0, dy), size - std::abs(dy))
        .narrow(2, std::max<int64_t>(0, dx), size - std::abs(dx))
        .copy_(image.narrow(1, std::max<int64_t>(0, -dy), size - std::abs(dy))
                   .narrow(2, std::max<int64_t>(0, -dx), size - std::abs(dx)));
  }
}

at::Tensor ClassificationObjective::loss_sum(int64_t begin, int64_t count, uint64_t dropout_seed) {
  const std::span<const uint64_t> rows(rows_.data() + begin, static_cast<size_t>(count));
  NetBatch batch = make_net_batch(train_.examples, rows, net_.config().shape);
  if (batch.pixels_BCHW.defined() && net_.training() && (settings_.flip || settings_.crop > 0)) {
    augment(batch.pixels_BCHW, begin);
  }
  const at::Tensor out = net_.forward(on_device(std::move(batch), device_), dropout_seed);
  if (net_.config().task == "regression") {
    return at::mse_loss(out.squeeze(1), targets_of(train_, rows).to(device_), kSumReduction);
  }
  const std::optional<at::Tensor> weights = weights_.defined() ? std::optional(weights_.to(device_)) : std::nullopt;
  return at::cross_entropy_loss(out, labels_of(train_, rows).to(device_), weights, kSumReduction, -1, options_.label_smoothing);
}

std::vector<std::string> ClassificationObjective::documents_of(uint64_t first, int64_t count) const {
  DocumentNames names;
  for (int64_t i = 0; i < count; ++i) {
    names.add(train_.documents[order_.at(first + static_cast<uint64_t>(i))]);
  }
  return names.list();
}

std::optional<nlohmann::json> ClassificationObjective::evaluate(const EvalShare& share) {
  if (valid_ == nullptr || valid_->examples.size() == 0) {
    return std::nullopt;
  }
  const int64_t batch = options_.micro_batch > 0 ? options_.micro_batch : options_.batch_size;
  const auto limit = static_cast<uint64_t>(options_.eval_batches * options_.batch_size);
  net_.set_training(false);
  return score_net(net_, *valid_, batch, limit, share);
}

}  // namespace athanor
