// How many parameters a network has at least, from its options alone: weights of matrices, convolutions and tables.
#include <algorithm>

#include "athanor/model/nets/net_config.h"

namespace athanor {

namespace {

// A chain of matrices over these widths.
double chain(double in, const std::vector<double>& widths) {
  double count = 0;
  for (const double out : widths) {
    count += in * out;
    in = out;
  }
  return count;
}

double least_of_table(const NetConfig& config) {
  double width = static_cast<double>(config.shape.num_values);
  double count = 0;
  for (const int64_t categories : config.shape.categories) {
    const auto each = static_cast<double>(std::max<int64_t>(1, config.options.embedding));  // by their count it is 1 or more
    count += static_cast<double>(categories) * each;
    width += each;
  }
  return count + chain(width, config.options.hidden);
}

double least_of_recurrent(const NetConfig& config) {
  const NetOptions& o = config.options;
  const bool text = config.shape.kind == InputKind::kText;
  const auto width = static_cast<double>(o.width);
  const double directions = o.bidirectional ? 2 : 1;
  const double gates = o.family == "lstm" ? 4 : o.family == "gru" ? 3 : 1;
  const auto in = static_cast<double>(text ? o.embedding : config.shape.num_values);
  const double table = text ? static_cast<double>(config.shape.vocab_size) * in : 0;
  const double later = static_cast<double>(o.layers - 1) * (directions * width + width);
  return table + directions * gates * width * (in + width + later);
}

double least_of_textcnn(const NetConfig& config) {
  const auto embedding = static_cast<double>(config.options.embedding);
  double count = static_cast<double>(config.shape.vocab_size) * embedding;
  for (const double kernel : config.options.kernels) {
    count += kernel * embedding * static_cast<double>(config.options.width);
  }
  return count;
}

double least_of_cnn(const NetConfig& config) {
  const double kernel = config.options.kernels.front();
  double size = static_cast<double>(config.shape.size);
  for (size_t i = 0; i < config.options.channels.size(); ++i) {
    const int64_t padding = i == 0 ? static_cast<int64_t>(kernel) / 2 : 0;
    size = static_cast<double>((static_cast<int64_t>(size) + 2 * padding - static_cast<int64_t>(kernel) + 1) / 2);
  }
  const double pixels = std::max(0.0, size) * std::max(0.0, size);
  return kernel * kernel * chain(static_cast<double>(config.shape.channels), config.options.channels) +
         chain(config.options.channels.back() * pixels, config.options.hidden);
}

double least_of_resnet(const NetConfig& config) {
  const NetOptions& o = config.options;
  double in = o.channels.front();
  double count = 0;
  for (size_t stage = 0; stage < std::min(o.blocks.size(), o.channels.size()); ++stage) {
    const double out = o.channels[stage];
    count += o.blocks[stage] > 0 ? 9 * (in * out + out * out) + (o.blocks[stage] - 1) * 18 * out * out : 0;
    in = out;
  }
  return count;
}

}  // namespace

double least_parameters(const NetConfig& config) {
  const std::string& family = config.options.family;
  if (net_family(family).encoder) {
    return least_parameters(encoder_config(config));
  }
  return family == "mlp"       ? least_of_table(config)
         : family == "textcnn" ? least_of_textcnn(config)
         : family == "tcn"     ? config.options.kernels.front() * chain(static_cast<double>(config.shape.num_values), config.options.channels)
         : family == "cnn"     ? least_of_cnn(config)
         : family == "resnet"  ? least_of_resnet(config)
                               : least_of_recurrent(config);
}

}  // namespace athanor
