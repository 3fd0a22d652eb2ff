// What the tests of networks share: a small one of each family, and examples that it can learn.
#pragma once

#include <string>
#include <vector>

#include "athanor/base/rng.h"
#include "athanor/model/nets/net.h"
#include "athanor/train/objectives/classification.h"

namespace athanor::testing_train {

constexpr int kExamples = 96;

inline NetConfig config_for(const std::string& family) {
  NetConfig config;
  config.options.family = family;
  config.options.width = 16;
  config.options.embedding = 12;
  config.options.hidden = {16};
  config.options.channels = family == "resnet" ? std::vector<double>{6, 8} : std::vector<double>{8};
  config.options.blocks = {1, 1};
  config.options.dropout = 0.1;
  config.options.layers = 1;
  config.options = with_family_defaults(config.options);
  config.labels = {"a", "b"};
  config.inputs = {{"options", {{"max_length", 16}}}};
  config.shape.kind = net_family(family).reads.front();
  config.shape.vocab_size = 20;
  config.shape.num_values = 3;
  config.shape.categories = {4};
  config.shape.channels = 1;
  config.shape.size = 10;
  config.shape.mean = {0.5};
  config.shape.deviation = {0.25};
  return config;
}

// What label 1 has more of: high tokens, large values, bright left halves.
inline LabelledExamples examples_for(const InputShape& shape) {
  LabelledExamples set;
  for (int i = 0; i < kExamples; ++i) {
    const int label = i % 2;
    const auto draw = [&, next = uint64_t{0}]() mutable {
      return to_unit(random_at(5, static_cast<uint64_t>(i), next++));
    };
    auto value = draw;
    const int length = 3 + i % 7;
    const bool series = shape.kind == InputKind::kSeries;
    const bool table = shape.kind == InputKind::kTable;
    for (int t = 0; shape.kind == InputKind::kText && t < length; ++t) {
      set.examples.ids.push_back(static_cast<int32_t>(14 * value() + 6 * label));
    }
    for (int v = 0; v < (table ? 3 : series ? 3 * length : 0); ++v) {
      set.examples.values.push_back(static_cast<float>(2 * value() - 1 + 0.8 * label));
    }
    if (table) {
      set.examples.ids.push_back(i % 4);
    }
    for (int p = 0; shape.kind == InputKind::kImage && p < 100; ++p) {
      set.examples.pixels.push_back(static_cast<uint8_t>(200 * value() + (p % 10 < 5 ? 55 * label : 55 * (1 - label))));
    }
    if (series || shape.kind == InputKind::kText) {
      set.examples.offsets.push_back(set.examples.offsets.back() + static_cast<uint64_t>(length));
    }
    ++set.examples.count;
    set.labels.push_back(label);
    set.documents.push_back(std::to_string(i));
  }
  return set;
}

}  // namespace athanor::testing_train
