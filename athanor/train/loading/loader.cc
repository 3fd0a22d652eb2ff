#include "athanor/train/loading/loader.h"

#include <ATen/ops/empty.h>

#include "athanor/train/document_names.h"

namespace athanor {

Loader::Loader(const std::vector<TokenSource>& sources, const LoaderOptions& options, const nlohmann::json& mixture,
               uint64_t total_samples)
    : sources_(sources), options_(options) {
  std::vector<std::string> names;
  std::vector<double> sizes;
  for (const TokenSource& source : sources_) {
    rows_.push_back(make_rows(*source.tokens, options));
    names.push_back(source.name);
    sizes.push_back(static_cast<double>(rows_.back()->num_rows()));
  }
  mixture_ = std::make_unique<Mixture>(parse_mixture(mixture, names, sizes, total_samples));
}

Loader::~Loader() {
  if (next_.valid()) {
    next_.wait();
  }
}

uint64_t Loader::num_samples() const {
  uint64_t rows = 0;
  for (const auto& source : rows_) {
    rows += source->num_rows();
  }
  return rows;
}

Batch Loader::batch(uint64_t first, int64_t count) {
  Batch batch;
  if (next_.valid()) {
    Batch made = next_.get();
    if (first == next_first_ && count <= next_count_) {
      batch = {made.tokens_BT.narrow(0, 0, count), made.targets_BT.narrow(0, 0, count),
               made.document_BT.defined() ? made.document_BT.narrow(0, 0, count) : at::Tensor()};
    }
  }
  if (!batch.tokens_BT.defined()) {
    batch = make(first, count);
  }
  // One of several processes leaves out the others' samples: as many as last time.
  const uint64_t stride = first - last_first_;
  const bool skips = last_count_ > 0 && first > last_first_ && stride > static_cast<uint64_t>(last_count_);
  next_first_ = first + (skips ? stride : static_cast<uint64_t>(count));
  last_first_ = first;
  last_count_ = count;
  next_count_ = count;
  next_ = std::async(std::launch::async, [this, next = next_first_, count] { return make(next, count); });
  return batch;
}

Batch Loader::make(uint64_t first, int64_t count) const {
  const int64_t length = options_.sequence_length;
  Batch batch;
  batch.tokens_BT = at::empty({count, length}, at::kLong);
  batch.targets_BT = at::empty({count, length}, at::kLong);
  const at::Tensor marks_BT = at::empty({count, length}, at::kInt);
  bool several = false;
  for (int64_t row = 0; row < count; ++row) {
    const Mixture::Place place = mixture_->at(first + static_cast<uint64_t>(row));
    int32_t* marks = marks_BT.mutable_data_ptr<int32_t>() + row * length;
    rows_[place.source]->fill(place.sample, {batch.tokens_BT.mutable_data_ptr<int64_t>() + row * length,
                                             batch.targets_BT.mutable_data_ptr<int64_t>() + row * length, marks});
    several = several || marks[length - 1] > 0;
  }
  if (options_.document_mask && several) {
    batch.document_BT = marks_BT;
  }
  return batch;
}

std::vector<std::string> Loader::documents_of(uint64_t first, int64_t count, size_t max_ids) const {
  DocumentNames names(max_ids);
  for (int64_t row = 0; row < count; ++row) {
    const Mixture::Place place = mixture_->at(first + static_cast<uint64_t>(row));
    rows_[place.source]->documents(place.sample, [&](uint64_t document) {
      names.add(sources_[place.source].tokens->document_id(document));
    });
  }
  return names.list();
}

nlohmann::json Loader::describe(uint64_t total_samples) const {
  const std::vector<uint64_t> counts = mixture_->counts(total_samples);
  nlohmann::json list = nlohmann::json::array();
  for (size_t s = 0; s < sources_.size(); ++s) {
    list.push_back({{"name", sources_[s].name},
                    {"rows", rows_[s]->num_rows()},
                    {"padding", rows_[s]->padding()},
                    {"samples", counts[s]},
                    {"epochs", static_cast<double>(counts[s]) / static_cast<double>(rows_[s]->num_rows())}});
  }
  return list;
}

}  // namespace athanor
