// What the doctor reads of a network that was trained: the score on documents that it was trained on, the share of each label
// that it finds, units that never fire. Part of the torch unit.
#pragma once

#include <nlohmann/json.hpp>

#include "athanor/model/nets/net.h"
#include "athanor/train/objectives/classification.h"

namespace athanor {

// At most so many examples, evenly spread over the set.
LabelledExamples sample_of(const LabelledExamples& all, uint64_t most);

// Documents of each label, by name; empty for a regression.
nlohmann::json label_counts(const LabelledExamples& examples, const std::vector<std::string>& names);

// {"train": score_net's of 2,000 training documents,
//  "checks": {"recall": {label: share} over 10,000 validation documents, "dead": {layer: share of units that give 0 for all of
//  500 training documents}}}
nlohmann::json check_net(Net& net, const LabelledExamples& train, const LabelledExamples& valid, int64_t batch_size);

}  // namespace athanor
