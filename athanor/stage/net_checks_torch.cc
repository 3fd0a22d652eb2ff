#include "athanor/stage/net_checks.h"

#include <algorithm>

#include "athanor/metric/classification.h"

namespace athanor {

namespace {

constexpr uint64_t kMostTrain = 2000;
constexpr uint64_t kMostValid = 10000;
constexpr uint64_t kMostLooked = 500;
constexpr size_t kMostLabels = 100;

// Numbers [begin, begin + count) of one vector behind another.
template <class T>
void append(const std::vector<T>& from, uint64_t begin, uint64_t count, std::vector<T>& to) {
  to.insert(to.end(), from.begin() + static_cast<std::ptrdiff_t>(begin), from.begin() + static_cast<std::ptrdiff_t>(begin + count));
}

nlohmann::json recall_by_label(Net& net, const LabelledExamples& valid, int64_t batch_size) {
  const auto& names = net.config().labels;
  ConfusionMatrix matrix(names.size());
  const auto outputs = predict_net(net, valid.examples, batch_size);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto best = std::max_element(outputs[i].begin(), outputs[i].end()) - outputs[i].begin();
    matrix.add(static_cast<size_t>(valid.labels[i]), static_cast<size_t>(best));
  }
  auto recall = nlohmann::json::object();
  for (size_t label = 0; label < names.size(); ++label) {
    if (matrix.support(label) > 0) {
      recall[names[label]] = matrix.recall(label);
    }
  }
  return recall;
}

nlohmann::json dead_units(Net& net, const LabelledExamples& sample) {
  ActivationLog log;
  net.set_activation_log(&log);
  predict_net(net, sample.examples, static_cast<int64_t>(sample.examples.size()));  // one pass
  net.set_activation_log(nullptr);
  auto dead = nlohmann::json::object();
  for (const auto& [name, seen] : log.values) {
    dead[name] = seen.dead;
  }
  return dead;
}

}  // namespace

LabelledExamples sample_of(const LabelledExamples& all, uint64_t most) {
  const Examples& from = all.examples;
  const uint64_t count = std::min(most, from.size());
  if (count == from.size()) {
    return all;
  }
  LabelledExamples sample;
  Examples& to = sample.examples;
  const bool lengths = from.offsets.size() > 1;
  const uint64_t steps = lengths ? from.offsets.back() : from.size();  // what values, ids and pixels are counted by
  const auto width = [&](uint64_t numbers) { return steps == 0 ? 0 : numbers / steps; };
  for (uint64_t k = 0; k < count; ++k) {
    const uint64_t i = k * from.size() / count;
    const uint64_t begin = lengths ? from.offsets[i] : i;
    const uint64_t length = lengths ? from.offsets[i + 1] - begin : 1;
    append(from.ids, begin * width(from.ids.size()), length * width(from.ids.size()), to.ids);
    append(from.values, begin * width(from.values.size()), length * width(from.values.size()), to.values);
    append(from.pixels, begin * width(from.pixels.size()), length * width(from.pixels.size()), to.pixels);
    if (lengths) {
      to.offsets.push_back(to.offsets.back() + length);
    }
    if (!all.labels.empty()) {
      sample.labels.push_back(all.labels[i]);
    }
    if (!all.targets.empty()) {
      sample.targets.push_back(all.targets[i]);
    }
    sample.documents.push_back(all.documents[i]);
  }
  to.count = count;
  return sample;
}

nlohmann::json label_counts(const LabelledExamples& examples, const std::vector<std::string>& names) {
  std::vector<uint64_t> counts(names.size(), 0);
  for (const int32_t label : examples.labels) {
    ++counts.at(static_cast<size_t>(label));
  }
  auto json = nlohmann::json::object();
  for (size_t i = 0; i < names.size(); ++i) {
    json[names[i]] = counts[i];
  }
  return json;
}

nlohmann::json check_net(Net& net, const LabelledExamples& train, const LabelledExamples& valid, int64_t batch_size) {
  nlohmann::json json;
  json["train"] = score_net(net, sample_of(train, kMostTrain), batch_size);
  json["checks"] = {{"dead", dead_units(net, sample_of(train, kMostLooked))}};
  const size_t labels = net.config().labels.size();
  if (labels > 0 && labels <= kMostLabels && valid.examples.size() > 0) {
    json["checks"]["recall"] = recall_by_label(net, sample_of(valid, kMostValid), batch_size);
  }
  return json;
}

}  // namespace athanor
